package whimsical

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

// failsWith fails the test unless an error has a code and holds a text.
func failsWith(t *testing.T, err error, code codes.Code, says string) {
	t.Helper()
	if status.Code(err) != code || code != codes.OK && !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %v with %q", err, code, says)
	}
}

var (
	toEditor   = Change{Role: RoleEditor}
	activate   = Change{Status: StatusActive}
	deactivate = Change{Status: StatusInactive}
	reinstate  = Change{Status: StatusActive, Role: RoleViewer}

	anEditor  = script.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: true}
	aViewer   = script.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: false}
	inactive  = script.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: true}
	noRole    = script.User{ID: "u1", UserName: "ada@example.com", Active: true}
	noStatus  = script.User{ID: "u1", UserName: "ada@example.com", Editor: false}
	somebody  = script.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: true}
	badStatus = script.User{ID: "u1", UserName: "ada@example.com", Active: "perhaps", Editor: false}
)

func TestAChangeIsConfirmedFromTheAnswerOrByARead(t *testing.T) {
	wasViewer := &User{ID: "u1", Role: RoleViewer, Status: StatusActive}
	wasInactive := &User{ID: "u1", Role: RoleEditor, Status: StatusInactive}
	untold := &User{ID: "u1", Role: RoleViewer}
	// lost is as many lost answers as the client sends a PATCH.
	lost := func(body string) []script.Step {
		step := script.Patch("u1", body, script.Lost)
		return []script.Step{step, step, step, step}
	}
	for name, test := range map[string]struct {
		before *User
		change Change
		steps  []script.Step
		code   codes.Code
		says   string
		// gone is that no user is left to return.
		gone bool
	}{
		"the body shows the role": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.OK(anEditor))},
		},
		"no body (204), the read shows the role": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.NoContent), script.Get("u1", script.OK(anEditor))},
		},
		"a body of somebody else, the read shows the role": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.OK(somebody)), script.Get("u1", script.OK(anEditor))},
		},
		"a web page, the read shows the role": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Reply{Status: 200, Body: "<!doctype html>"}), script.Get("u1", script.OK(anEditor)),
			},
		},
		"a body without the role, the read shows it": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.OK(noRole)), script.Get("u1", script.OK(anEditor))},
		},
		"the form with a path is ignored by the body, the other works": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.OK(aViewer)), script.Patch("u1", script.SetRoleNested(true), script.OK(anEditor)),
			},
		},
		"the form with a path is ignored by a read, the other works": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.NoContent), script.Get("u1", script.OK(aViewer)),
				script.Patch("u1", script.SetRoleNested(true), script.OK(anEditor)),
			},
		},
		"both forms are ignored": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.OK(aViewer)), script.Patch("u1", script.SetRoleNested(true), script.OK(aViewer)),
			},
			code: codes.FailedPrecondition, says: "accepted the change but did not apply it",
		},
		"the form with a path is refused, the other works for both halves": {
			before: wasInactive, change: reinstate,
			steps: []script.Step{
				script.Patch("u1", script.ActivateAs(false), script.Refused(422, "null", "")),
				script.Patch("u1", script.ActivateAsNested(false), script.OK(aViewer)),
			},
		},
		"the form of a status is refused, the other works": {
			before: wasInactive, change: activate,
			steps: []script.Step{
				script.Patch("u1", script.SetActive(true), script.Refused(400, "noTarget", "")),
				script.Patch("u1", script.SetActiveNested(true), script.OK(anEditor)),
			},
		},
		"both forms are refused": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Refused(400, "invalidPath", "")),
				script.Patch("u1", script.SetRoleNested(true), script.Refused(400, "invalidValue", "no seats left")),
			},
			code: codes.InvalidArgument, says: "no seats left",
		},
		"another refusal is not sent again": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.Refused(403, "", ""))},
			code:  codes.PermissionDenied, says: "403",
		},
		"accepted, and the user never reports the role": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.NoContent), script.Get("u1", script.OK(noRole))},
			code:  codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"accepted for later (202), and a read shows it": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.Reply{Status: 202}), script.Get("u1", script.OK(anEditor))},
		},
		"accepted for later (202), and a read does not show it": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Reply{Status: 202, Body: anEditor.String()}), script.Get("u1", script.OK(aViewer)),
			},
			code: codes.FailedPrecondition, says: "accepted, not applied yet",
		},
		"a role confirms a grant where the status is never reported": {
			before: untold, change: reinstate,
			steps: []script.Step{script.Patch("u1", script.ActivateAs(false), script.OK(noStatus))},
		},
		"a role does not confirm an activation that was reported inactive": {
			before: wasInactive, change: reinstate,
			steps: []script.Step{script.Patch("u1", script.ActivateAs(false), script.NoContent), script.Get("u1", script.OK(noStatus))},
			code:  codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"an unreadable status confirms nothing": {
			before: untold, change: reinstate,
			steps: []script.Step{script.Patch("u1", script.ActivateAs(false), script.NoContent), script.Get("u1", script.OK(badStatus))},
			code:  codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"an activation alone is not confirmed by silence": {
			before: untold, change: activate,
			steps: []script.Step{script.Patch("u1", script.SetActive(true), script.NoContent), script.Get("u1", script.OK(noStatus))},
			code:  codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"a status that was true and is left out is a deactivation": {
			before: wasViewer, change: deactivate,
			steps: []script.Step{script.Patch("u1", script.SetActive(false), script.NoContent), script.Get("u1", script.OK(noStatus))},
		},
		"a status that was never reported is no deactivation": {
			before: untold, change: deactivate,
			steps: []script.Step{script.Patch("u1", script.SetActive(false), script.NoContent), script.Get("u1", script.OK(noStatus))},
			code:  codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"a deactivation removes the record": {
			before: wasViewer, change: deactivate, gone: true,
			steps: []script.Step{
				script.Patch("u1", script.SetActive(false), script.OK(inactive)),
				script.Get("u1", script.Reply{Status: 404, Body: "<html>"}),
			},
		},
		"a half applied change is not applied": {
			before: wasInactive, change: reinstate,
			steps: []script.Step{
				script.Patch("u1", script.ActivateAs(false), script.OK(anEditor)), script.Patch("u1", script.ActivateAsNested(false), script.OK(anEditor)),
			},
			code: codes.FailedPrecondition, says: "did not apply it",
		},
		"404, and the user is gone": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.NotFound()), script.Get("u1", script.NotFound())},
			code:  codes.NotFound, says: "404",
		},
		"404, and the user is there": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.NotFound()), script.Get("u1", script.OK(aViewer))},
			code:  codes.FailedPrecondition, says: "the user is there, and was not changed",
		},
		"one answer is lost, the next one comes": {
			before: wasViewer, change: toEditor,
			steps: []script.Step{script.Patch("u1", script.SetRole(true), script.Lost), script.Patch("u1", script.SetRole(true), script.OK(anEditor))},
		},
		"every answer is lost, and a read shows the role": {
			before: wasViewer, change: toEditor, steps: append(lost(script.SetRole(true)), script.Get("u1", script.OK(anEditor))),
		},
		"every answer is lost, and a read shows the old role": {
			before: wasViewer, change: toEditor, steps: append(lost(script.SetRole(true)), script.Get("u1", script.OK(aViewer))),
			code: codes.Unavailable, says: "PATCH",
		},
		"every answer is lost, and nobody can look": {
			before: wasViewer, change: toEditor, steps: append(lost(script.SetRole(true)), script.Get("u1", script.Refused(401, "", ""))),
			code: codes.Unavailable, says: "PATCH",
		},
		"every answer is lost, and what a read shows was so before": {
			before: untold, change: reinstate, steps: append(lost(script.ActivateAs(false)), script.Get("u1", script.OK(noStatus))),
			code: codes.Unavailable, says: "PATCH",
		},
		"202, and what a read shows was so before": {
			before: untold, change: reinstate,
			steps: []script.Step{script.Patch("u1", script.ActivateAs(false), script.Reply{Status: 202}), script.Get("u1", script.OK(noStatus))},
			code:  codes.FailedPrecondition, says: "accepted, not applied yet",
		},
		"every answer is lost, and a read shows a role that is new": {
			before: &User{ID: "u1", Role: RoleEditor}, change: reinstate,
			steps: append(lost(script.ActivateAs(false)), script.Get("u1", script.OK(noStatus))),
		},
		"every answer to a deactivation is lost, and the record is gone": {
			before: wasViewer, change: deactivate, gone: true, steps: append(lost(script.SetActive(false)), script.Get("u1", script.NotFound())),
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, test.steps...).ChangeUser(t.Context(), test.before, test.change)
			failsWith(t, err, test.code, test.says)
			if (user == nil) != (err != nil || test.gone) {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}

const newUserBody = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",` + ext + `],"userName":"ada@example.com",`

const newUserEmails = `"emails":[{"value":"ada@example.com","type":"work","primary":true}],"active":true`

func TestACreationSendsWhatWhimsicalDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		user NewUser
		body string
	}{
		"an e-mail address alone": {
			NewUser{UserName: "ada@example.com"},
			newUserBody + `"displayName":"ada@example.com",` + newUserEmails + `}`,
		},
		"both names and Editor": {
			NewUser{UserName: "ada@example.com", GivenName: "Ada", FamilyName: "Lovelace", Role: RoleEditor},
			newUserBody + `"name":{"givenName":"Ada","familyName":"Lovelace"},"displayName":"Ada Lovelace",` + newUserEmails + `,` + ext + `:{"editor":true}}`,
		},
		"one name and Viewer": {
			NewUser{UserName: "ada@example.com", FamilyName: "Lovelace", Role: RoleViewer},
			newUserBody + `"name":{"familyName":"Lovelace"},"displayName":"Lovelace",` + newUserEmails + `,` + ext + `:{"editor":false}}`,
		},
		"characters that HTML escapes": {
			NewUser{UserName: "ada@example.com", GivenName: `A<d>a & "Ω"`},
			newUserBody + `"name":{"givenName":"A<d>a & \"Ω\""},"displayName":"A<d>a & \"Ω\"",` + newUserEmails + `}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := following(t, script.Post(test.body, script.Created(anEditor)), script.Get("u1", script.OK(anEditor)))
			user, err := client.CreateUser(t.Context(), test.user)
			if err != nil || user.ID != "u1" {
				t.Errorf("got the user %+v, %v", user, err)
			}
		})
	}
}

func TestACreationIsConfirmedByARead(t *testing.T) {
	const ada = "ada@example.com"
	post := func(reply script.Reply) script.Step {
		return script.Post(newUserBody+`"displayName":"ada@example.com",`+newUserEmails+`}`, reply)
	}
	for name, test := range map[string]struct {
		steps []script.Step
		// id is that of the user who is returned.
		id      string
		pending bool
		code    codes.Code
		says    string
	}{
		"201 with the user": {steps: []script.Step{post(script.Created(anEditor)), script.Get("u1", script.OK(aViewer))}, id: "u1"},
		"200 with the user": {steps: []script.Step{post(script.OK(anEditor)), script.Get("u1", script.OK(anEditor))}, id: "u1"},
		"201 with a user who is not shown yet": {
			steps: []script.Step{post(script.Created(anEditor)), script.Get("u1", script.NotFound())}, id: "u1", pending: true,
		},
		"201 without a body, found":     {steps: []script.Step{post(script.Reply{Status: 201}), script.Find(ada, script.OK(script.List{aViewer}))}, id: "u1"},
		"201 without a body, not found": {steps: []script.Step{post(script.Reply{Status: 201}), script.FindNobody(ada)}, pending: true},
		"204, found":                    {steps: []script.Step{post(script.NoContent), script.Find(ada, script.OK(script.List{aViewer}))}, id: "u1"},
		"204, not found": {
			steps: []script.Step{post(script.NoContent), script.FindNobody(ada)}, code: codes.FailedPrecondition, says: "no such user was found",
		},
		"a login page": {
			steps: []script.Step{post(script.Reply{Status: 200, Body: "<html>"}), script.FindNobody(ada)},
			code:  codes.FailedPrecondition, says: "it is a web page",
		},
		"accepted for later (202), not shown": {
			steps: []script.Step{post(script.Reply{Status: 202, Body: anEditor.String()}), script.Get("u1", script.NotFound())},
			code:  codes.FailedPrecondition, says: "accepted, not applied yet",
		},
		"the server created somebody else": {
			steps: []script.Step{post(script.Created(somebody)), script.Get("u2", script.OK(somebody))},
			code:  codes.FailedPrecondition, says: "with another userName than was asked for",
		},
		"the read fails": {
			steps: []script.Step{post(script.Created(anEditor)), script.Get("u1", script.Refused(401, "", ""))},
			code:  codes.Unauthenticated, says: "401",
		},
		"taken":                 {steps: []script.Step{post(script.Refused(409, "uniqueness", ""))}, code: codes.AlreadyExists, says: "409"},
		"no such endpoint":      {steps: []script.Step{post(script.NotFound())}, code: codes.FailedPrecondition, says: "check base-url"},
		"no such method":        {steps: []script.Step{post(script.Refused(405, "", ""))}, code: codes.FailedPrecondition, says: "check base-url"},
		"refused with a reason": {steps: []script.Step{post(script.Refused(400, "invalidValue", "no seats left"))}, code: codes.InvalidArgument, says: "no seats left"},
		"lost, and not repeated": {
			steps: []script.Step{post(script.Lost)}, code: codes.Unavailable, says: "POST",
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, test.steps...).CreateUser(t.Context(), NewUser{UserName: ada})
			if test.pending {
				if !errors.Is(err, ErrPending) {
					t.Errorf("got %v", err)
				}
			} else {
				failsWith(t, err, test.code, test.says)
			}
			if id := ""; user != nil && user.ID != test.id || user == nil && test.id != id {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}

func TestADeletionIsConfirmedByARead(t *testing.T) {
	html := script.Reply{Status: http.StatusNotFound, Body: "<html>"}
	lost := []script.Step{script.Delete("u1", script.Lost), script.Delete("u1", script.Lost), script.Delete("u1", script.Lost), script.Delete("u1", script.Lost)}
	deactivation := func(refusal script.Reply, patch script.Reply, after ...script.Step) []script.Step {
		return append([]script.Step{
			script.Delete("u1", refusal), script.Get("u1", script.OK(aViewer)), script.Patch("u1", script.SetActive(false), patch),
		}, after...)
	}
	for name, test := range map[string]struct {
		steps []script.Step
		code  codes.Code
		says  string
	}{
		"204, and the user is gone":             {steps: []script.Step{script.Delete("u1", script.NoContent), script.Get("u1", script.NotFound())}},
		"204, and the read answers a page":      {steps: []script.Step{script.Delete("u1", script.NoContent), script.Get("u1", html)}},
		"200 with a body, and the user is gone": {steps: []script.Step{script.Delete("u1", script.OK(aViewer)), script.Get("u1", script.NotFound())}},
		"204, and the record stays inactive":    {steps: []script.Step{script.Delete("u1", script.NoContent), script.Get("u1", script.OK(inactive))}},
		"202, and the user is gone":             {steps: []script.Step{script.Delete("u1", script.Reply{Status: 202}), script.Get("u1", script.NotFound())}},
		"202, and the user is there": {
			steps: []script.Step{script.Delete("u1", script.Reply{Status: 202}), script.Get("u1", script.OK(aViewer))},
			code:  codes.FailedPrecondition, says: "accepted, not applied yet",
		},
		"accepted but not applied": {
			steps: []script.Step{script.Delete("u1", script.NoContent), script.Get("u1", script.OK(aViewer))},
			code:  codes.FailedPrecondition, says: "accepted the deletion, but the user is still there",
		},
		"404, and the user is gone": {
			steps: []script.Step{script.Delete("u1", script.NotFound()), script.Get("u1", script.NotFound())}, code: codes.NotFound, says: "404",
		},
		"404, and SCIM is off": {
			steps: []script.Step{script.Delete("u1", html), script.Get("u1", html), listed("Users?count=1&startIndex=1", html)},
			code:  codes.FailedPrecondition, says: "base-url",
		},
		"404, and the user is there": {steps: deactivation(script.NotFound(), script.NoContent, script.Get("u1", script.OK(inactive)))},
		"404 to everything but reads": {
			steps: deactivation(script.NotFound(), script.NotFound(), script.Get("u1", script.OK(aViewer))),
			code:  codes.FailedPrecondition, says: "the user is there, and was not changed",
		},
		"405":                           {steps: deactivation(script.Refused(405, "", ""), script.NoContent, script.Get("u1", script.OK(inactive)))},
		"501, and the record goes":      {steps: deactivation(script.Refused(501, "", ""), script.OK(inactive), script.Get("u1", script.NotFound()))},
		"405, and nobody is there":      {steps: []script.Step{script.Delete("u1", script.Refused(405, "", "")), script.Get("u1", script.NotFound())}, code: codes.NotFound, says: "404"},
		"405, and the user is inactive": {steps: []script.Step{script.Delete("u1", script.Refused(405, "", "")), script.Get("u1", script.OK(inactive))}},
		"405, and the deactivation is not applied": {
			steps: append(deactivation(script.Refused(405, "", ""), script.OK(aViewer)), script.Patch("u1", script.SetActiveNested(false), script.OK(aViewer))),
			code:  codes.FailedPrecondition, says: "did not apply it",
		},
		"one answer is lost, and the user is gone": {
			steps: []script.Step{script.Delete("u1", script.Lost), script.Delete("u1", script.NotFound()), script.Get("u1", script.NotFound())},
		},
		"every answer is lost, and the user is gone": {steps: append(lost[:4:4], script.Get("u1", script.NotFound()))},
		"every answer is lost, and nobody can look": {
			steps: append(lost[:4:4], script.Get("u1", script.Refused(401, "", ""))), code: codes.Unavailable, says: "DELETE",
		},
		"every answer is lost, and the user is there": {
			steps: append(lost[:4:4], script.Get("u1", script.OK(aViewer))), code: codes.Unavailable, says: "DELETE",
		},
		"a refusal": {
			steps: []script.Step{script.Delete("u1", script.Refused(403, "", "the owner stays"))}, code: codes.PermissionDenied, says: "the owner stays",
		},
	} {
		t.Run(name, func(t *testing.T) {
			failsWith(t, following(t, test.steps...).DeleteUser(t.Context(), "u1"), test.code, test.says)
		})
	}
}
