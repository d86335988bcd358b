package whimsical

import (
	"net/http"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestADeletionIsConfirmedByARead(t *testing.T) {
	html := script.Reply{Status: http.StatusNotFound, Body: "<html>"}
	untold := script.User{ID: "u1", UserName: "ada@example.com"}
	// by are the steps of a deletion of somebody whom a read shows.
	by := func(reply script.Reply, after ...script.Step) []script.Step {
		return append([]script.Step{script.Get("u1", script.OK(aViewer)), script.Delete("u1", reply)}, after...)
	}
	gone, there := script.Get("u1", script.NotFound()), script.Get("u1", script.OK(aViewer))
	still := []script.Step{there, there, there, there}
	again := script.Delete("u1", script.Lost)
	lost := func(after ...script.Step) []script.Step {
		return by(script.Lost, append([]script.Step{again, again, again}, after...)...)
	}
	off := func(patch script.Reply, after ...script.Step) []script.Step {
		return append([]script.Step{script.Patch("u1", script.SetActive(false), patch)}, after...)
	}
	unknown := script.Refused(405, "", "")
	// A record that stays has the role of before.
	inactive := script.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: false}
	for name, test := range map[string]struct {
		steps []script.Step
		code  codes.Code
		says  string
	}{
		"204, and the user is gone":             {steps: by(script.NoContent, gone)},
		"204, and the read answers a page":      {steps: by(script.NoContent, script.Get("u1", html))},
		"200 with a body, and the user is gone": {steps: by(script.OK(aViewer), gone)},
		"204, and the record stays inactive":    {steps: by(script.NoContent, script.Get("u1", script.OK(inactive)))},
		"204, and the record stays with another role": {
			steps: by(script.NoContent, script.Get("u1", script.OK(script.User{ID: "u1", Active: false, Editor: true}))),
		},
		"204, and the user is gone at the fourth read": {steps: by(script.NoContent, there, there, there, gone)},
		"204, and the status is left out":              {steps: by(script.NoContent, script.Get("u1", script.OK(untold)))},
		"202, and the user is gone":                    {steps: by(script.Reply{Status: 202}, gone)},
		"202, and the user is there":                   {steps: by(script.Reply{Status: 202}, still...), code: codes.FailedPrecondition, says: "accepted, not applied yet"},
		"accepted but not applied": {
			steps: by(script.NoContent, still...), code: codes.FailedPrecondition, says: "accepted the deletion, but the user is still there",
		},
		"a status that is never reported": {
			steps: slices.Concat(
				[]script.Step{script.Get("u1", script.OK(untold)), script.Delete("u1", script.NoContent)},
				slices.Repeat([]script.Step{script.Get("u1", script.OK(untold))}, 4),
			),
			code: codes.FailedPrecondition, says: "the user is still there",
		},
		"nobody is there":          {steps: missing(), code: codes.NotFound, says: "404"},
		"somebody else is there":   {steps: []script.Step{script.Get("u1", script.OK(somebody))}, code: codes.FailedPrecondition, says: "not the user that was asked for"},
		"the id in another case":   {steps: []script.Step{script.Get("u1", replying(`{"id":"U1"}`))}, code: codes.FailedPrecondition, says: "not the user that was asked for"},
		"listed and not reachable": {steps: []script.Step{gone, script.FindID("u1", script.OK(script.List{aViewer}))}, code: codes.FailedPrecondition, says: "the API lists this user"},
		"404, and the user is gone": {
			steps: by(script.NotFound(), missing()...), code: codes.NotFound, says: "404",
		},
		"404, and SCIM is off": {
			steps: by(html, script.Get("u1", html), script.FindID("u1", html), listed("Users?count=1&startIndex=1", html)),
			code:  codes.FailedPrecondition, says: "base-url",
		},
		"404, and the user is there": {steps: by(script.NotFound(), append([]script.Step{there}, off(script.NoContent, script.Get("u1", script.OK(inactive)))...)...)},
		"404 to everything but reads": {
			steps: by(script.NotFound(), append([]script.Step{there}, off(script.NotFound(), there)...)...),
			code:  codes.FailedPrecondition, says: "the user is there, and was not changed",
		},
		"405":                           {steps: by(unknown, off(script.NoContent, script.Get("u1", script.OK(inactive)))...)},
		"501, and the record goes":      {steps: by(script.Refused(501, "", ""), off(script.OK(inactive), gone)...)},
		"405, and nobody is there":      {steps: by(unknown, off(script.NotFound(), missing()...)...), code: codes.NotFound, says: "404"},
		"405, and the user is inactive": {steps: []script.Step{script.Get("u1", script.OK(inactive)), script.Delete("u1", unknown)}},
		"405, and the deactivation is not applied": {
			steps: slices.Concat(
				by(unknown, off(script.OK(inactive), still...)...),
				[]script.Step{script.Patch("u1", script.SetActiveNested(false), script.OK(inactive))}, still,
			),
			code: codes.FailedPrecondition, says: "did not apply it",
		},
		"one answer is lost, and the user is gone": {steps: by(script.Lost, append([]script.Step{script.Delete("u1", script.NotFound())}, missing()...)...)},
		"one answer is lost, the repeat is refused, and the user is gone": {
			steps: by(script.Lost, append([]script.Step{script.Delete("u1", script.Refused(409, "", ""))}, missing()...)...),
		},
		"one answer is lost, DELETE is not known, and the user is there": {
			steps: slices.Concat(
				by(script.Lost, script.Delete("u1", script.Refused(405, "", ""))), still,
				[]script.Step{script.Patch("u1", script.SetActive(false), script.NoContent), gone},
			),
		},
		"one answer is lost, and the next one comes": {steps: by(script.Lost, script.Delete("u1", script.NoContent), gone)},
		"every answer is lost, and the user is gone": {steps: lost(missing()...)},
		"every answer is lost, and nobody can look": {
			steps: lost(script.Get("u1", script.Refused(401, "", ""))), code: codes.Unavailable, says: "DELETE",
		},
		"every answer is lost, and the user is there": {steps: lost(still...), code: codes.Unavailable, says: "DELETE"},
		"a refusal": {steps: by(script.Refused(403, "", "the owner stays")), code: codes.PermissionDenied, says: "the owner stays"},
		"accepted, and nobody can look": {
			steps: by(script.NoContent, script.Get("u1", script.Refused(401, "", ""))),
			code:  codes.Unauthenticated, says: "the change was accepted, and could not be confirmed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			failsWith(t, following(t, test.steps...).DeleteUser(t.Context(), "u1"), test.code, test.says)
		})
	}
}
