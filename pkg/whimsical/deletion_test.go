package whimsical

import (
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestADeletionIsConfirmedByARead(t *testing.T) {
	html, notFound, unknown := scimscript.Reply{Status: http.StatusNotFound, Body: "<html>"}, scimscript.NotFound(), refused(405)
	untold := scimscript.User{ID: "u1", UserName: "ada@example.com"}
	// A record that stays has the role of before.
	inactive := scimscript.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: false}
	gone, there, left := get(notFound), read(aViewer), read(inactive)
	remove := func(reply scimscript.Reply) steps { return steps{scimscript.Delete("u1", reply)} }
	// by are the steps of a deletion of somebody whom a read shows.
	by := func(reply scimscript.Reply, after ...steps) steps { return all(there, remove(reply), all(after...)) }
	lost := by(scimscript.Lost, remove(scimscript.Lost), remove(scimscript.Lost), remove(scimscript.Lost))
	for name, test := range map[string]struct {
		steps steps
		code  codes.Code // FailedPrecondition, where says is given
		says  string
	}{
		"204, and the user is gone":                    {steps: by(accepted, gone)},
		"204, and the read answers a page":             {steps: by(accepted, get(html))},
		"200 with a body, and the user is gone":        {steps: by(scimscript.OK(aViewer), gone)},
		"204, and the record stays inactive":           {steps: by(accepted, left)},
		"204, and the record stays with another role":  {steps: by(accepted, read(scimscript.User{ID: "u1", Active: false, Editor: true}))},
		"204, and the user is gone at the fourth read": {steps: by(accepted, there, there, there, gone)},
		"204, and the status is left out":              {steps: by(accepted, read(untold))},
		"202, and the user is gone":                    {steps: by(later, gone)},
		"202, and the user is there":                   {steps: by(later, still(aViewer)), says: "accepted, not applied yet"},
		"accepted but not applied":                     {steps: by(accepted, still(aViewer)), says: "accepted the deletion, but the user is still there"},
		"a status that is never reported":              {steps: all(read(untold), remove(accepted), still(untold)), says: "the user is still there"},
		"nobody is there":                              {steps: missing(), code: codes.NotFound, says: "404"},
		"somebody else is there":                       {steps: read(somebody), says: "not the user that was asked for"},
		"the id in another case":                       {steps: get(replying(`{"id":"U1"}`)), says: "not the user that was asked for"},
		"listed and not reachable":                     {steps: unreachable(aViewer), says: "the API lists this user"},
		"404, and the user is gone":                    {steps: by(notFound, missing()), code: codes.NotFound, says: "404"},
		"404, and SCIM is off": {
			steps: by(html, get(html), steps{scimscript.FindID("u1", html), listed("Users?count=1&startIndex=1", html)}), says: "base-url",
		},
		"404, and the user is there":    {steps: by(notFound, there, setInactive(accepted), left)},
		"404 to everything but reads":   {steps: by(notFound, there, setInactive(notFound), there), says: "the user is there, and was not changed"},
		"405":                           {steps: by(unknown, setInactive(accepted), left)},
		"501, and the record goes":      {steps: by(refused(501), setInactive(scimscript.OK(inactive)), gone)},
		"405, and nobody is there":      {steps: by(unknown, setInactive(notFound), missing()), code: codes.NotFound, says: "404"},
		"405, and the user is inactive": {steps: all(left, remove(unknown))},
		"405, and the deactivation is not applied": {
			steps: by(unknown, setInactive(scimscript.OK(inactive)), still(aViewer), setInactiveNested(scimscript.OK(inactive)), still(aViewer)),
			says:  "did not apply it",
		},
		"one answer is lost, and the user is gone":                        {steps: by(scimscript.Lost, remove(notFound), missing())},
		"one answer is lost, the repeat is refused, and the user is gone": {steps: by(scimscript.Lost, remove(refused(409)), missing())},
		"one answer is lost, DELETE is not known, and the user is there": {
			steps: by(scimscript.Lost, remove(unknown), still(aViewer), setInactive(accepted), gone),
		},
		"one answer is lost, and the next one comes":  {steps: by(scimscript.Lost, remove(accepted), gone)},
		"every answer is lost, and the user is gone":  {steps: all(lost, missing())},
		"every answer is lost, and nobody can look":   {steps: all(lost, get(refused(401))), code: codes.Unavailable, says: "DELETE"},
		"every answer is lost, and the user is there": {steps: all(lost, still(aViewer)), code: codes.Unavailable, says: "DELETE"},
		"a refusal": {steps: by(scimscript.Refused(403, "", "the owner stays")), code: codes.PermissionDenied, says: "the owner stays"},
		"accepted, and nobody can look": {
			steps: by(accepted, get(refused(401))), code: codes.Unauthenticated, says: "the change was accepted, and could not be confirmed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			failsWith(t, following(t, test.steps...).DeleteUser(t.Context(), "u1"), test.code, test.says)
		})
	}
}
