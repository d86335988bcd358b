package whimsical

import (
	"net/http"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestADeletionIsConfirmedByARead(t *testing.T) {
	html := scimscript.Reply{Status: http.StatusNotFound, Body: "<html>"}
	untold := scimscript.User{ID: "u1", UserName: "ada@example.com"}
	// by are the steps of a deletion of somebody whom a read shows.
	by := func(reply scimscript.Reply, after ...scimscript.Step) []scimscript.Step {
		return append([]scimscript.Step{scimscript.Get("u1", scimscript.OK(aViewer)), scimscript.Delete("u1", reply)}, after...)
	}
	gone, there := scimscript.Get("u1", scimscript.NotFound()), scimscript.Get("u1", scimscript.OK(aViewer))
	still := []scimscript.Step{there, there, there, there}
	again := scimscript.Delete("u1", scimscript.Lost)
	lost := func(after ...scimscript.Step) []scimscript.Step {
		return by(scimscript.Lost, append([]scimscript.Step{again, again, again}, after...)...)
	}
	off := func(patch scimscript.Reply, after ...scimscript.Step) []scimscript.Step {
		return append([]scimscript.Step{scimscript.Patch("u1", scimscript.SetActive(false), patch)}, after...)
	}
	unknown := scimscript.Refused(405, "", "")
	// A record that stays has the role of before.
	inactive := scimscript.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: false}
	for name, test := range map[string]struct {
		steps []scimscript.Step
		code  codes.Code
		says  string
	}{
		"204, and the user is gone":             {steps: by(scimscript.NoContent, gone)},
		"204, and the read answers a page":      {steps: by(scimscript.NoContent, scimscript.Get("u1", html))},
		"200 with a body, and the user is gone": {steps: by(scimscript.OK(aViewer), gone)},
		"204, and the record stays inactive":    {steps: by(scimscript.NoContent, scimscript.Get("u1", scimscript.OK(inactive)))},
		"204, and the record stays with another role": {
			steps: by(scimscript.NoContent, scimscript.Get("u1", scimscript.OK(scimscript.User{ID: "u1", Active: false, Editor: true}))),
		},
		"204, and the user is gone at the fourth read": {steps: by(scimscript.NoContent, there, there, there, gone)},
		"204, and the status is left out":              {steps: by(scimscript.NoContent, scimscript.Get("u1", scimscript.OK(untold)))},
		"202, and the user is gone":                    {steps: by(scimscript.Reply{Status: 202}, gone)},
		"202, and the user is there":                   {steps: by(scimscript.Reply{Status: 202}, still...), code: codes.FailedPrecondition, says: "accepted, not applied yet"},
		"accepted but not applied": {
			steps: by(scimscript.NoContent, still...), code: codes.FailedPrecondition, says: "accepted the deletion, but the user is still there",
		},
		"a status that is never reported": {
			steps: slices.Concat(
				[]scimscript.Step{scimscript.Get("u1", scimscript.OK(untold)), scimscript.Delete("u1", scimscript.NoContent)},
				slices.Repeat([]scimscript.Step{scimscript.Get("u1", scimscript.OK(untold))}, 4),
			),
			code: codes.FailedPrecondition, says: "the user is still there",
		},
		"nobody is there":          {steps: missing(), code: codes.NotFound, says: "404"},
		"somebody else is there":   {steps: []scimscript.Step{scimscript.Get("u1", scimscript.OK(somebody))}, code: codes.FailedPrecondition, says: "not the user that was asked for"},
		"the id in another case":   {steps: []scimscript.Step{scimscript.Get("u1", replying(`{"id":"U1"}`))}, code: codes.FailedPrecondition, says: "not the user that was asked for"},
		"listed and not reachable": {steps: []scimscript.Step{gone, scimscript.FindID("u1", scimscript.OK(scimscript.List{aViewer}))}, code: codes.FailedPrecondition, says: "the API lists this user"},
		"404, and the user is gone": {
			steps: by(scimscript.NotFound(), missing()...), code: codes.NotFound, says: "404",
		},
		"404, and SCIM is off": {
			steps: by(html, scimscript.Get("u1", html), scimscript.FindID("u1", html), listed("Users?count=1&startIndex=1", html)),
			code:  codes.FailedPrecondition, says: "base-url",
		},
		"404, and the user is there": {steps: by(scimscript.NotFound(), append([]scimscript.Step{there}, off(scimscript.NoContent, scimscript.Get("u1", scimscript.OK(inactive)))...)...)},
		"404 to everything but reads": {
			steps: by(scimscript.NotFound(), append([]scimscript.Step{there}, off(scimscript.NotFound(), there)...)...),
			code:  codes.FailedPrecondition, says: "the user is there, and was not changed",
		},
		"405":                           {steps: by(unknown, off(scimscript.NoContent, scimscript.Get("u1", scimscript.OK(inactive)))...)},
		"501, and the record goes":      {steps: by(scimscript.Refused(501, "", ""), off(scimscript.OK(inactive), gone)...)},
		"405, and nobody is there":      {steps: by(unknown, off(scimscript.NotFound(), missing()...)...), code: codes.NotFound, says: "404"},
		"405, and the user is inactive": {steps: []scimscript.Step{scimscript.Get("u1", scimscript.OK(inactive)), scimscript.Delete("u1", unknown)}},
		"405, and the deactivation is not applied": {
			steps: slices.Concat(
				by(unknown, off(scimscript.OK(inactive), still...)...),
				[]scimscript.Step{scimscript.Patch("u1", scimscript.SetActiveNested(false), scimscript.OK(inactive))}, still,
			),
			code: codes.FailedPrecondition, says: "did not apply it",
		},
		"one answer is lost, and the user is gone": {steps: by(scimscript.Lost, append([]scimscript.Step{scimscript.Delete("u1", scimscript.NotFound())}, missing()...)...)},
		"one answer is lost, the repeat is refused, and the user is gone": {
			steps: by(scimscript.Lost, append([]scimscript.Step{scimscript.Delete("u1", scimscript.Refused(409, "", ""))}, missing()...)...),
		},
		"one answer is lost, DELETE is not known, and the user is there": {
			steps: slices.Concat(
				by(scimscript.Lost, scimscript.Delete("u1", scimscript.Refused(405, "", ""))), still,
				[]scimscript.Step{scimscript.Patch("u1", scimscript.SetActive(false), scimscript.NoContent), gone},
			),
		},
		"one answer is lost, and the next one comes": {steps: by(scimscript.Lost, scimscript.Delete("u1", scimscript.NoContent), gone)},
		"every answer is lost, and the user is gone": {steps: lost(missing()...)},
		"every answer is lost, and nobody can look": {
			steps: lost(scimscript.Get("u1", scimscript.Refused(401, "", ""))), code: codes.Unavailable, says: "DELETE",
		},
		"every answer is lost, and the user is there": {steps: lost(still...), code: codes.Unavailable, says: "DELETE"},
		"a refusal": {steps: by(scimscript.Refused(403, "", "the owner stays")), code: codes.PermissionDenied, says: "the owner stays"},
		"accepted, and nobody can look": {
			steps: by(scimscript.NoContent, scimscript.Get("u1", scimscript.Refused(401, "", ""))),
			code:  codes.Unauthenticated, says: "the change was accepted, and could not be confirmed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			failsWith(t, following(t, test.steps...).DeleteUser(t.Context(), "u1"), test.code, test.says)
		})
	}
}
