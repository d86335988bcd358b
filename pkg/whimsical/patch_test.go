package whimsical_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// following returns a client of a server that follows a script.
func following(t *testing.T, steps ...script.Step) *whimsical.Client {
	t.Helper()
	client, err := whimsical.New(t.Context(), script.Serve(t, steps...), script.Token)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// failsWith fails the test unless an error has a code and holds a text.
func failsWith(t *testing.T, err error, code codes.Code, says string) {
	t.Helper()
	if status.Code(err) != code || code != codes.OK && !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %v with %q", err, code, says)
	}
}

func pointer[T any](value T) *T { return &value }

var (
	toEditor   = whimsical.Change{Role: whimsical.RoleEditor}
	toViewer   = whimsical.Change{Role: whimsical.RoleViewer}
	activate   = whimsical.Change{Active: pointer(true)}
	deactivate = whimsical.Change{Active: pointer(false)}
	reinstate  = whimsical.Change{Active: pointer(true), Role: whimsical.RoleViewer}

	anEditor = script.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: true}
	aViewer  = script.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: false}
	inactive = script.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: true}
	silent   = script.User{ID: "u1", UserName: "ada@example.com"}
	somebody = script.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: true}
)

func TestAChangeIsConfirmedFromTheAnswerOrByARead(t *testing.T) {
	for name, test := range map[string]struct {
		change whimsical.Change
		steps  []script.Step
		code   codes.Code
		says   string
		// gone is that no user is left to return.
		gone bool
	}{
		"the body shows the role": {
			change: toEditor,
			steps:  []script.Step{script.Patch("u1", script.SetRole(true), script.OK(anEditor))},
		},
		"the body shows the role as a string": {
			change: toEditor,
			steps:  []script.Step{script.Patch("u1", script.SetRole(true), script.OK(script.User{ID: "u1", Editor: "True"}))},
		},
		"no body (204), the read shows the role": {
			change: toViewer,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(false), script.NoContent),
				script.Get("u1", script.OK(aViewer)),
			},
		},
		"200 without a body, the read shows the role": {
			change: toViewer,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(false), script.Reply{Status: 200}),
				script.Get("u1", script.OK(aViewer)),
			},
		},
		"200 with the user as they were, the read shows the role": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.OK(aViewer)),
				script.Get("u1", script.OK(anEditor)),
			},
		},
		"200 with somebody else, the read shows the role": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.OK(somebody)),
				script.Get("u1", script.OK(anEditor)),
			},
		},
		"200 with a web page, the read shows the role": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Reply{Status: 200, Body: "<!doctype html>"}),
				script.Get("u1", script.OK(anEditor)),
			},
		},
		"a body that does not tell, the read shows the role": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.OK(silent)),
				script.Get("u1", script.OK(anEditor)),
			},
		},
		"accepted but not applied": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.OK(aViewer)),
				script.Get("u1", script.OK(aViewer)),
			},
			code: codes.FailedPrecondition, says: "accepted the change but did not apply it",
		},
		"accepted, and the user never tells": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.NoContent),
				script.Get("u1", script.OK(silent)),
			},
			code: codes.FailedPrecondition, says: "does not tell whether it was applied",
		},
		"one half of a change applied is not applied": {
			change: reinstate,
			steps: []script.Step{
				script.Patch("u1", script.ActivateAs(false), script.OK(anEditor)),
				script.Get("u1", script.OK(anEditor)),
			},
			code: codes.FailedPrecondition, says: "accepted the change but did not apply it",
		},
		"the other half of a change applied is not applied": {
			change: reinstate,
			steps: []script.Step{
				script.Patch("u1", script.ActivateAs(false), script.OK(script.User{ID: "u1", Active: false, Editor: false})),
				script.Get("u1", script.OK(script.User{ID: "u1", Active: false, Editor: false})),
			},
			code: codes.FailedPrecondition, says: "accepted the change but did not apply it",
		},
		"the read answers with somebody else": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.NoContent),
				script.Get("u1", script.OK(somebody)),
			},
			code: codes.FailedPrecondition, says: "not the user that was asked for",
		},
		"the user is gone": {
			change: toEditor,
			steps:  []script.Step{script.Patch("u1", script.SetRole(true), script.NotFound())},
			code:   codes.NotFound, says: "404",
		},
		"the user is gone before the read": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.NoContent),
				script.Get("u1", script.NotFound()),
			},
			code: codes.NotFound, says: "404",
		},
		"an activation": {
			change: activate,
			steps:  []script.Step{script.Patch("u1", script.SetActive(true), script.OK(aViewer))},
		},
		"an activation with a role is one change": {
			change: reinstate,
			steps:  []script.Step{script.Patch("u1", script.ActivateAs(false), script.OK(aViewer))},
		},
		"a deactivation that keeps the record": {
			change: deactivate,
			steps: []script.Step{
				script.Patch("u1", script.SetActive(false), script.OK(inactive)),
				script.Get("u1", script.OK(inactive)),
			},
		},
		"a deactivation that removes the record": {
			change: deactivate,
			steps: []script.Step{
				script.Patch("u1", script.SetActive(false), script.OK(inactive)),
				script.Get("u1", script.NotFound()),
			},
			gone: true,
		},
		"a deactivation that is not applied": {
			change: deactivate,
			steps: []script.Step{
				script.Patch("u1", script.SetActive(false), script.NoContent),
				script.Get("u1", script.OK(aViewer)),
			},
			code: codes.FailedPrecondition, says: "accepted the change but did not apply it",
		},
		"the answer was lost, the read shows the role": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Lost),
				script.Get("u1", script.OK(anEditor)),
			},
		},
		"the answer was lost, the read shows no change": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Lost),
				script.Get("u1", script.OK(aViewer)),
			},
			code: codes.Unavailable, says: "PATCH /scim-v2/Users/u1",
		},
		"a gateway answered, the read shows the role": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Reply{Status: 502}),
				script.Get("u1", script.OK(anEditor)),
			},
		},
		"the answer was lost, and nobody can look": {
			change: toEditor,
			steps: []script.Step{
				script.Patch("u1", script.SetRole(true), script.Lost),
				script.Get("u1", script.Refused(503, "", "")),
			},
			code: codes.Unavailable, says: "PATCH /scim-v2/Users/u1",
		},
		"the answer to a deactivation was lost, the record is gone": {
			change: deactivate,
			steps: []script.Step{
				script.Patch("u1", script.SetActive(false), script.Lost),
				script.Get("u1", script.NotFound()),
			},
			gone: true,
		},
		"a refusal by the rate limit needs no look": {
			change: toEditor,
			steps:  []script.Step{script.Patch("u1", script.SetRole(true), script.Refused(429, "", ""))},
			code:   codes.Unavailable, says: "rate limit",
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, test.steps...).PatchUser(t.Context(), "u1", test.change)
			failsWith(t, err, test.code, test.says)
			if want := test.code == codes.OK && !test.gone; (user != nil) != want {
				t.Errorf("got the user %+v", user)
			}
			if user != nil && user.ID != "u1" {
				t.Errorf("got another user: %+v", user)
			}
		})
	}
}

func TestARefusedPathFormIsSentNestedOnce(t *testing.T) {
	for name, refusal := range map[string]script.Reply{
		"invalidPath":   script.Refused(400, "invalidPath", ""),
		"invalidSyntax": script.Refused(400, "invalidSyntax", ""),
		"no scimType":   script.Refused(400, "", "bad request"),
		"no SCIM error": {Status: 400, Body: "<html>bad request</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			client := following(t,
				script.Patch("u1", script.SetRole(true), refusal),
				script.Patch("u1", script.SetRoleNested(true), script.OK(anEditor)),
				// From then on the nested form comes first, also for others and with
				// an activation.
				script.Patch("u1", script.SetRoleNested(false), script.OK(aViewer)),
				script.Patch("u1", script.ActivateAsNested(false), script.OK(aViewer)),
			)
			for _, change := range []whimsical.Change{toEditor, toViewer, reinstate} {
				_, err := client.PatchUser(t.Context(), "u1", change)
				failsWith(t, err, codes.OK, "")
			}
		})
	}
}

func TestANestedFormThatIsRefusedAsWellIsNotRemembered(t *testing.T) {
	client := following(t,
		script.Patch("u1", script.SetRole(true), script.Refused(400, "invalidPath", "")),
		script.Patch("u1", script.SetRoleNested(true), script.Refused(400, "invalidValue", "no seats left")),
		script.Patch("u1", script.SetRole(true), script.OK(anEditor)),
	)
	_, err := client.PatchUser(t.Context(), "u1", toEditor)
	failsWith(t, err, codes.InvalidArgument, "no seats left")
	_, err = client.PatchUser(t.Context(), "u1", toEditor)
	failsWith(t, err, codes.OK, "")
}

func TestTheNestedFormOnceRememberedHasNoWayBack(t *testing.T) {
	client := following(t,
		script.Patch("u1", script.SetRole(true), script.Refused(400, "invalidPath", "")),
		script.Patch("u1", script.SetRoleNested(true), script.OK(anEditor)),
		script.Patch("u1", script.SetRoleNested(false), script.Refused(400, "invalidPath", "")),
	)
	_, err := client.PatchUser(t.Context(), "u1", toEditor)
	failsWith(t, err, codes.OK, "")
	_, err = client.PatchUser(t.Context(), "u1", toViewer)
	failsWith(t, err, codes.InvalidArgument, "400")
}

func TestOtherRefusalsAreNotSentAgain(t *testing.T) {
	for name, test := range map[string]struct {
		change  whimsical.Change
		body    string
		refusal script.Reply
		code    codes.Code
	}{
		"a value":                     {toEditor, script.SetRole(true), script.Refused(400, "invalidValue", "no seats left"), codes.InvalidArgument},
		"a mutability":                {toEditor, script.SetRole(true), script.Refused(400, "mutability", "no seats left"), codes.InvalidArgument},
		"a permission":                {toEditor, script.SetRole(true), script.Refused(403, "", "no seats left"), codes.PermissionDenied},
		"a conflict":                  {toEditor, script.SetRole(true), script.Refused(409, "", "no seats left"), codes.AlreadyExists},
		"a method":                    {toEditor, script.SetRole(true), script.Refused(501, "", "no seats left"), codes.Unimplemented},
		"a change that has no path":   {activate, script.SetActive(true), script.Refused(400, "invalidSyntax", "no seats left"), codes.InvalidArgument},
		"a deactivation with a cause": {deactivate, script.SetActive(false), script.Refused(400, "", "no seats left"), codes.InvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			client := following(t, script.Patch("u1", test.body, test.refusal))
			_, err := client.PatchUser(t.Context(), "u1", test.change)
			failsWith(t, err, test.code, "no seats left")
		})
	}
}
