package whimsical

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

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
			steps: []script.Step{post(script.Created(anEditor)), script.Get("u1", script.NotFound()), script.FindNobody(ada)}, id: "u1", pending: true,
		},
		"201 with an id that is not there, found": {
			steps: []script.Step{post(script.Created(anEditor)), script.Get("u1", script.Reply{Status: 404, Body: "<html>"}), script.Find(ada, script.OK(script.List{aViewer}))},
			id:    "u1",
		},
		"201 with an id that is not there, and the look-up fails": {
			steps: []script.Step{post(script.Created(anEditor)), script.Get("u1", script.NotFound()), script.Find(ada, script.Refused(401, "", ""))},
			code:  codes.Unauthenticated, says: "the change was accepted, and could not be confirmed",
		},
		"201 with somebody else who is not there": {
			steps: []script.Step{post(script.Created(somebody)), script.Get("u2", script.NotFound()), script.FindNobody(ada)},
			code:  codes.FailedPrecondition, says: "with another userName than was asked for",
		},
		"201 without a body, found":     {steps: []script.Step{post(script.Reply{Status: 201}), script.Find(ada, script.OK(script.List{aViewer}))}, id: "u1"},
		"201 without a body, not found": {steps: []script.Step{post(script.Reply{Status: 201}), script.FindNobody(ada)}, pending: true},
		"201 with a SCIM error, not found": {
			steps: []script.Step{post(script.Reply{Status: 201, Body: script.Refused(403, "", "User limit reached").Body}), script.FindNobody(ada)},
			code:  codes.FailedPrecondition, says: "no such user was found: User limit reached",
		},
		"204, found": {steps: []script.Step{post(script.NoContent), script.Find(ada, script.OK(script.List{aViewer}))}, id: "u1"},
		"204, not found": {
			steps: []script.Step{post(script.NoContent), script.FindNobody(ada)}, code: codes.FailedPrecondition, says: "no such user was found",
		},
		"a login page": {
			steps: []script.Step{post(script.Reply{Status: 200, Body: "<html>"}), script.FindNobody(ada)},
			code:  codes.FailedPrecondition, says: "it is a web page",
		},
		"accepted for later (202), not shown": {
			steps: []script.Step{post(script.Reply{Status: 202, Body: anEditor.String()}), script.Get("u1", script.NotFound()), script.FindNobody(ada)},
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
		"429, which is repeated": {
			steps: []script.Step{post(script.Reply{Status: 429}), post(script.Created(anEditor)), script.Get("u1", script.OK(anEditor))}, id: "u1",
		},
		"403 with Retry-After, which is a 429": {
			steps: []script.Step{post(script.Reply{Status: 403, RetryAfter: "0"}), post(script.Created(anEditor)), script.Get("u1", script.OK(anEditor))}, id: "u1",
		},
		"429 without end": {steps: slices.Repeat([]script.Step{post(script.Reply{Status: 429})}, 4), code: codes.Unavailable, says: "rate limit"},
		"429 for an hour": {steps: []script.Step{post(script.Reply{Status: 429, RetryAfter: "3600"})}, code: codes.Unavailable, says: "rate limit"},
		"429, and then lost, which is not repeated": {
			steps: []script.Step{post(script.Reply{Status: 429}), post(script.Lost)}, code: codes.Unavailable, says: "no whole answer arrived",
		},
		"503 with Retry-After, which is not repeated": {
			steps: []script.Step{post(script.Reply{Status: 503, RetryAfter: "1"})}, code: codes.Unavailable, says: "503",
		},
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
