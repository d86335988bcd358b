package whimsical_test

import (
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

const extension = `"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`

const newSchemas = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",` + extension + `],"userName":"ada@example.com",`

const newEmails = `"emails":[{"value":"ada@example.com","type":"work","primary":true}],"active":true`

func TestACreationSendsWhatWhimsicalDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		user whimsical.NewUser
		body string
	}{
		"an e-mail address alone": {
			whimsical.NewUser{UserName: "ada@example.com"},
			newSchemas + `"displayName":"ada@example.com",` + newEmails + `}`,
		},
		"both names and Editor": {
			whimsical.NewUser{UserName: "ada@example.com", GivenName: "Ada", FamilyName: "Lovelace", Role: whimsical.RoleEditor},
			newSchemas + `"name":{"givenName":"Ada","familyName":"Lovelace"},"displayName":"Ada Lovelace",` + newEmails +
				`,` + extension + `:{"editor":true}}`,
		},
		"one name and Viewer": {
			whimsical.NewUser{UserName: "ada@example.com", FamilyName: "Lovelace", Role: whimsical.RoleViewer},
			newSchemas + `"name":{"familyName":"Lovelace"},"displayName":"Lovelace",` + newEmails + `,` + extension + `:{"editor":false}}`,
		},
		"characters that HTML escapes": {
			whimsical.NewUser{UserName: "ada@example.com", GivenName: `A<d>a & "Ω"`},
			newSchemas + `"name":{"givenName":"A<d>a & \"Ω\""},"displayName":"A<d>a & \"Ω\"",` + newEmails + `}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, script.Post(test.body, script.Created(anEditor))).CreateUser(t.Context(), test.user)
			failsWith(t, err, codes.OK, "")
			if user == nil || user.ID != "u1" {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}

func TestTheAnswerToACreation(t *testing.T) {
	const body = newSchemas + `"displayName":"ada@example.com",` + newEmails + `}`
	for name, test := range map[string]struct {
		reply script.Reply
		shown bool
		code  codes.Code
		says  string
	}{
		"201 with the user":      {reply: script.Created(anEditor), shown: true},
		"200 with the user":      {reply: script.OK(anEditor), shown: true},
		"201 without a body":     {reply: script.Reply{Status: http.StatusCreated}},
		"204":                    {reply: script.NoContent, code: codes.FailedPrecondition, says: "does not tell whether the user was created"},
		"a login page":           {reply: script.Reply{Status: http.StatusOK, Body: "<html>"}, code: codes.FailedPrecondition, says: "does not tell"},
		"a body without an id":   {reply: script.Created(script.User{UserName: "ada@example.com"})},
		"a userName in capitals": {reply: script.Created(script.User{ID: "u1", UserName: "Ada@Example.com"}), shown: true},
		"somebody else":          {reply: script.Created(somebody), code: codes.FailedPrecondition, says: "with another userName than was asked for"},
		"taken":                  {reply: script.Refused(409, "uniqueness", ""), code: codes.AlreadyExists, says: "409"},
		"no such endpoint":       {reply: script.NotFound(), code: codes.FailedPrecondition, says: "check base-url"},
		"no such method":         {reply: script.Refused(405, "", ""), code: codes.FailedPrecondition, says: "check base-url"},
		"refused with a reason":  {reply: script.Refused(400, "invalidValue", "no seats left"), code: codes.InvalidArgument, says: "no seats left"},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, script.Post(body, test.reply)).CreateUser(t.Context(), whimsical.NewUser{UserName: "ada@example.com"})
			failsWith(t, err, test.code, test.says)
			if (user != nil) != test.shown {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}

func TestTheRoleOfANewUserIsConfirmed(t *testing.T) {
	shownAs := func(role whimsical.Role) *whimsical.User { return &whimsical.User{ID: "u1", Role: role} }
	for name, test := range map[string]struct {
		user  *whimsical.User
		role  whimsical.Role
		steps []script.Step
		code  codes.Code
		says  string
	}{
		"none was asked for": {user: shownAs(whimsical.RoleEditor), role: whimsical.RoleUnknown},
		"it is shown":        {user: shownAs(whimsical.RoleViewer), role: whimsical.RoleViewer},
		"the read shows it": {
			user: shownAs(whimsical.RoleUnknown), role: whimsical.RoleViewer,
			steps: []script.Step{script.Get("u1", script.OK(aViewer))},
		},
		"the answer was stale": {
			user: shownAs(whimsical.RoleEditor), role: whimsical.RoleViewer,
			steps: []script.Step{script.Get("u1", script.OK(aViewer))},
		},
		"another one was given": {
			user: shownAs(whimsical.RoleUnknown), role: whimsical.RoleViewer,
			steps: []script.Step{script.Get("u1", script.OK(anEditor))},
			code:  codes.FailedPrecondition, says: "not with the role that was asked for",
		},
		"nobody tells": {
			user: shownAs(whimsical.RoleUnknown), role: whimsical.RoleViewer,
			steps: []script.Step{script.Get("u1", script.OK(silent))},
			code:  codes.FailedPrecondition, says: "does not tell whether it has the role",
		},
		"the user is pending and shows none": {
			user: shownAs(whimsical.RoleUnknown), role: whimsical.RoleViewer,
			steps: []script.Step{script.Get("u1", script.NotFound())},
		},
		"the user is pending and shows another": {
			user: shownAs(whimsical.RoleEditor), role: whimsical.RoleViewer,
			steps: []script.Step{script.Get("u1", script.NotFound())},
			code:  codes.FailedPrecondition, says: "not with the role that was asked for",
		},
		"nobody can look": {
			user: shownAs(whimsical.RoleUnknown), role: whimsical.RoleViewer,
			steps: []script.Step{script.Get("u1", script.Refused(503, "", ""))},
			code:  codes.Unavailable, says: "GET /scim-v2/Users/u1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, test.steps...).ConfirmRole(t.Context(), test.user, test.role)
			failsWith(t, err, test.code, test.says)
			if test.code != codes.OK {
				return
			}
			if user.ID != "u1" || test.role != whimsical.RoleUnknown && user.Role != whimsical.RoleUnknown && user.Role != test.role {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}

func TestADeletionIsConfirmedByARead(t *testing.T) {
	for name, test := range map[string]struct {
		steps []script.Step
		code  codes.Code
		says  string
	}{
		"204, and the user is gone": {
			steps: []script.Step{script.Delete("u1", script.NoContent), script.Get("u1", script.NotFound())},
		},
		"200 with a body, and the user is gone": {
			steps: []script.Step{script.Delete("u1", script.OK(aViewer)), script.Get("u1", script.NotFound())},
		},
		"204, and the record stays inactive": {
			steps: []script.Step{script.Delete("u1", script.NoContent), script.Get("u1", script.OK(inactive))},
		},
		"202 promises it for later": {
			steps: []script.Step{script.Delete("u1", script.Reply{Status: 202})},
		},
		"accepted but not applied": {
			steps: []script.Step{script.Delete("u1", script.NoContent), script.Get("u1", script.OK(aViewer))},
			code:  codes.FailedPrecondition, says: "accepted the deletion, but the user is still active",
		},
		"404": {
			steps: []script.Step{script.Delete("u1", script.NotFound())},
			code:  codes.NotFound, says: "404",
		},
		"405: the user is deactivated": {
			steps: []script.Step{
				script.Delete("u1", script.Refused(405, "", "")),
				script.Patch("u1", script.SetActive(false), script.NoContent),
				script.Get("u1", script.OK(inactive)),
			},
		},
		"501: the user is deactivated and gone": {
			steps: []script.Step{
				script.Delete("u1", script.Refused(501, "", "")),
				script.Patch("u1", script.SetActive(false), script.OK(inactive)),
				script.Get("u1", script.NotFound()),
			},
		},
		"405, and there is no such user": {
			steps: []script.Step{
				script.Delete("u1", script.Refused(405, "", "")),
				script.Patch("u1", script.SetActive(false), script.NotFound()),
			},
			code: codes.NotFound, says: "404",
		},
		"405, and the deactivation is not applied": {
			steps: []script.Step{
				script.Delete("u1", script.Refused(405, "", "")),
				script.Patch("u1", script.SetActive(false), script.NoContent),
				script.Get("u1", script.OK(aViewer)),
			},
			code: codes.FailedPrecondition, says: "did not apply it",
		},
		"the answer was lost, and the user is gone": {
			steps: []script.Step{script.Delete("u1", script.Lost), script.Get("u1", script.NotFound())},
		},
		"the answer was lost, and the user is there": {
			steps: []script.Step{script.Delete("u1", script.Lost), script.Get("u1", script.OK(aViewer))},
			code:  codes.Unavailable, says: "DELETE /scim-v2/Users/u1",
		},
		"the answer was lost, and nobody can look": {
			steps: []script.Step{script.Delete("u1", script.Lost), script.Get("u1", script.Refused(500, "", ""))},
			code:  codes.Unavailable, says: "DELETE /scim-v2/Users/u1",
		},
		"a refusal": {
			steps: []script.Step{script.Delete("u1", script.Refused(403, "", "the owner stays"))},
			code:  codes.PermissionDenied, says: "the owner stays",
		},
	} {
		t.Run(name, func(t *testing.T) {
			failsWith(t, following(t, test.steps...).DeleteUser(t.Context(), "u1"), test.code, test.says)
		})
	}
}

func TestAnIDOfAnyShapeIsOneElementOfThePath(t *testing.T) {
	const id = "a/b?c#d e"
	client := following(t,
		script.Patch(id, script.SetRole(true), script.OK(script.User{ID: id, Editor: true})),
		script.Delete(id, script.NotFound()),
	)
	_, err := client.PatchUser(t.Context(), id, toEditor)
	failsWith(t, err, codes.OK, "")
	failsWith(t, client.DeleteUser(t.Context(), id), codes.NotFound, "404")
}
