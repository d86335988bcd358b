package whimsical

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
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
			client := following(t, scimscript.Post(test.body, scimscript.Created(anEditor)), scimscript.Get("u1", scimscript.OK(anEditor)))
			user, err := client.CreateUser(t.Context(), test.user)
			if err != nil || user.ID != "u1" {
				t.Errorf("got the user %+v, %v", user, err)
			}
		})
	}
}

func TestACreationIsConfirmedByARead(t *testing.T) {
	const ada = "ada@example.com"
	post := func(reply scimscript.Reply) steps {
		return steps{scimscript.Post(newUserBody+`"displayName":"ada@example.com",`+newUserEmails+`}`, reply)}
	}
	found := func(user scimscript.User) steps {
		return steps{scimscript.Find(ada, scimscript.OK(scimscript.List{user}))}
	}
	nobody := steps{scimscript.Find(ada, scimscript.OK(scimscript.List{}))}
	created, hidden := post(scimscript.Created(anEditor)), get(scimscript.NotFound())
	limited := scimscript.Reply{Status: http.StatusTooManyRequests}
	for name, test := range map[string]struct {
		steps   steps
		id      string // of the user who is returned
		pending bool
		code    codes.Code
		says    string
	}{
		"201 with the user":                       {steps: all(created, read(aViewer)), id: "u1"},
		"200 with the user":                       {steps: all(post(scimscript.OK(anEditor)), read(anEditor)), id: "u1"},
		"201 with a user who is not shown yet":    {steps: all(created, hidden, nobody), id: "u1", pending: true},
		"201 with an id that is not there, found": {steps: all(created, get(scimscript.Reply{Status: 404, Body: "<html>"}), found(aViewer)), id: "u1"},
		"201 with an id that is not there, and the look-up fails": {
			steps: all(created, hidden, steps{scimscript.Find(ada, refused(401))}),
			code:  codes.Unauthenticated, says: "the change was accepted, and could not be confirmed",
		},
		"201 with somebody else who is not there": {
			steps: all(post(scimscript.Created(somebody)), steps{scimscript.Get("u2", scimscript.NotFound())}, nobody),
			says:  "with another userName than was asked for",
		},
		"201 without a body, found":     {steps: all(post(scimscript.Reply{Status: 201}), found(aViewer)), id: "u1"},
		"201 without a body, not found": {steps: all(post(scimscript.Reply{Status: 201}), nobody), pending: true},
		"201 with a SCIM error, not found": {
			steps: all(post(scimscript.Reply{Status: 201, Body: scimscript.Refused(403, "", "User limit reached").Body}), nobody),
			says:  "no such user was found: User limit reached",
		},
		"204, found":     {steps: all(post(accepted), found(aViewer)), id: "u1"},
		"204, not found": {steps: all(post(accepted), nobody), says: "no such user was found"},
		"a login page":   {steps: all(post(scimscript.Reply{Status: 200, Body: "<html>"}), nobody), says: "it is a web page"},
		"accepted for later (202), not shown": {
			steps: all(post(scimscript.Reply{Status: 202, Body: anEditor.String()}), hidden, nobody),
			says:  "accepted, not applied yet",
		},
		"the server created somebody else": {
			steps: all(post(scimscript.Created(somebody)), steps{scimscript.Get("u2", scimscript.OK(somebody))}),
			says:  "with another userName than was asked for",
		},
		"the read fails":                              {steps: all(created, get(refused(401))), code: codes.Unauthenticated, says: "401"},
		"taken":                                       {steps: post(scimscript.Refused(409, "uniqueness", "")), code: codes.AlreadyExists, says: "409"},
		"no such endpoint":                            {steps: post(scimscript.NotFound()), says: "check base-url"},
		"no such method":                              {steps: post(refused(405)), says: "check base-url"},
		"refused with a reason":                       {steps: post(scimscript.Refused(400, "invalidValue", "no seats left")), code: codes.InvalidArgument, says: "no seats left"},
		"429, which is repeated":                      {steps: all(post(limited), created, read(anEditor)), id: "u1"},
		"403 with Retry-After, which is a 429":        {steps: all(post(scimscript.Reply{Status: 403, RetryAfter: "0"}), created, read(anEditor)), id: "u1"},
		"429 without end":                             {steps: slices.Repeat(post(limited), 4), code: codes.Unavailable, says: "rate limit"},
		"429 for an hour":                             {steps: post(scimscript.Reply{Status: 429, RetryAfter: "3600"}), code: codes.Unavailable, says: "rate limit"},
		"429, and then lost, which is not repeated":   {steps: all(post(limited), post(scimscript.Lost)), code: codes.Unavailable, says: "no whole answer arrived"},
		"503 with Retry-After, which is not repeated": {steps: post(scimscript.Reply{Status: 503, RetryAfter: "1"}), code: codes.Unavailable, says: "503"},
		"lost, and not repeated":                      {steps: post(scimscript.Lost), code: codes.Unavailable, says: "POST"},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, test.steps...).CreateUser(t.Context(), NewUser{UserName: ada})
			if !test.pending {
				failsWith(t, err, test.code, test.says)
			} else if !errors.Is(err, ErrPending) {
				t.Errorf("got %v", err)
			}
			if (user == nil) != (test.id == "") || user != nil && user.ID != test.id {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}
