package connector_test

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

const ada = "ada@example.com"

// post expects the creation of Ada with a role: asEditor, asViewer or "".
func post(role string, reply script.Reply) script.Step {
	return script.Post(creation("", ada, role), reply)
}

// look expects that Ada is looked up, and shows users.
func look(users ...script.User) script.Step {
	return script.Find(ada, script.OK(script.List(users)))
}

// create asks for an account for Ada with a role: "editor", "viewer" or "".
func create(t *testing.T, p *provisioner, role string) outcome {
	t.Helper()
	return p.create(account{primary: ada, profile: map[string]any{"role": role}}.info(t))
}

var taken = script.Refused(409, "uniqueness", "userName is taken")

func TestCreateAccountByWhatTheServerAnswers(t *testing.T) {
	const (
		invited = "action required Whimsical has invited this e-mail address: "
		already = "action required Whimsical has invited this e-mail address already: "
	)
	created := func(role string) []string { return changed("user created", "u1", role) }
	for name, test := range map[string]struct {
		role  string
		steps []script.Step
		want  expectation
	}{
		"free, as Viewer": {
			"viewer", []script.Step{post(asViewer, script.Created(aViewer))},
			expectation{result: "success u1", changes: created("viewer")},
		},
		"free, without a role, becomes what the workspace says": {
			"", []script.Step{post("", script.Created(anEditor))},
			expectation{result: "success u1", changes: created("")},
		},
		"free, and the answer shows no role": {
			"viewer", []script.Step{post(asViewer, script.Created(hasNoRole)), found(aViewer)},
			expectation{result: "success u1", changes: created("viewer")},
		},
		"free, and the server gives another role": {
			"viewer", []script.Step{post(asViewer, script.Created(anEditor)), found(anEditor)},
			expectation{code: codes.FailedPrecondition, says: "not with the role that was asked for", changes: created("viewer")},
		},
		"free, and pending until the first login": {
			"viewer", []script.Step{post(asViewer, script.Created(hasNoRole)), gone()},
			expectation{result: "success u1", changes: created("viewer")},
		},
		"free, and the answer has no body": {
			"viewer", []script.Step{post(asViewer, script.Reply{Status: 201}), look(somebody, aViewer)},
			expectation{result: "success u1", changes: changed("user created", "{id}", "viewer")},
		},
		"free, and neither the answer nor the look shows the role": {
			"viewer", []script.Step{post(asViewer, script.NoContent), look(hasNoRole), found(aViewer)},
			expectation{result: "success u1", changes: changed("user created", "{id}", "viewer")},
		},
		"free, and only the look shows that the role is another": {
			"viewer", []script.Step{post(asViewer, script.NoContent), look(anEditor), found(anEditor)},
			expectation{
				code: codes.FailedPrecondition, says: "not with the role that was asked for",
				changes: changed("user created", "{id}", "viewer"),
			},
		},
		"free, without a body, and pending": {
			"viewer", []script.Step{post(asViewer, script.Reply{Status: 201}), look()},
			expectation{result: invited, changes: changed("user created", "{id}", "viewer")},
		},
		"the answer is somebody else": {
			"viewer", []script.Step{post(asViewer, script.Created(somebody))},
			expectation{code: codes.FailedPrecondition, says: "with another userName than was asked for"},
		},
		"taken by an active user with another role, who keeps it": {
			"viewer", []script.Step{post(asViewer, taken), look(anEditor)},
			expectation{result: "already exists u1"},
		},
		"taken by an active user in capitals": {
			"editor",
			[]script.Step{post(asEditor, taken), look(script.User{ID: "u1", UserName: "Ada@Example.COM", Active: true, Editor: false})},
			expectation{result: "already exists u1"},
		},
		"taken by a user whose status nobody tells": {
			"editor", []script.Step{post(asEditor, taken), look(script.User{ID: "u1", UserName: ada})},
			expectation{result: "already exists u1"},
		},
		"taken by an inactive user, with a role": {
			"viewer",
			[]script.Step{post(asViewer, taken), look(anInactiveEditor), script.Patch("u1", script.ActivateAs(false), script.OK(aViewer))},
			expectation{result: "success u1", changes: changed("user activated", "u1", "viewer")},
		},
		"taken by an inactive user, without a role": {
			"",
			[]script.Step{post("", taken), look(anInactiveEditor), script.Patch("u1", script.SetActive(true), script.NoContent), found(anEditor)},
			expectation{result: "success u1", changes: changed("user activated", "u1", "")},
		},
		"taken by an inactive user who stays inactive": {
			"viewer",
			[]script.Step{
				post(asViewer, taken), look(anInactiveEditor),
				script.Patch("u1", script.ActivateAs(false), script.OK(anInactiveEditor)), found(anInactiveEditor),
			},
			expectation{code: codes.FailedPrecondition, says: "accepted the change but did not apply it"},
		},
		"taken, and nobody is found": {
			"viewer", []script.Step{post(asViewer, taken), look()}, expectation{result: already},
		},
		"taken, and the look answers 404": {
			"viewer", []script.Step{post(asViewer, taken), script.FindNobody(ada)}, expectation{result: already},
		},
		"taken, and the server ignores filters": {
			"viewer",
			[]script.Step{post(asViewer, taken), look(
				script.User{ID: "u2", UserName: "grace@example.com", Active: false, Editor: true},
				script.User{ID: "u3", UserName: "ada@example.com.example.org", Active: false},
				script.User{ID: "u4", UserName: "", Active: false},
			)},
			expectation{result: already},
		},
		"refused": {
			"viewer", []script.Step{post(asViewer, script.Refused(400, "invalidValue", "no seats left"))},
			expectation{code: codes.InvalidArgument, says: "no seats left"},
		},
		"a base URL with nothing behind it": {
			"viewer", []script.Step{post(asViewer, script.NotFound())},
			expectation{code: codes.FailedPrecondition, says: "check base-url"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			create(t, following(t, test.steps...), test.role).check(t, test.want)
		})
	}
}

func TestCreateAccountAfterALostAnswer(t *testing.T) {
	foundLater := changed("user found after the answer to a creation was lost", "u1", "viewer")
	for name, test := range map[string]struct {
		steps []script.Step
		want  expectation
	}{
		"stored": {
			[]script.Step{post(asViewer, script.Lost), look(aViewer)},
			expectation{result: "already exists u1", changes: foundLater},
		},
		"stored behind a gateway": {
			[]script.Step{post(asViewer, script.Reply{Status: 504}), look(somebody, aViewer)},
			expectation{result: "already exists u1", changes: foundLater},
		},
		"not stored": {
			[]script.Step{post(asViewer, script.Lost), look(), post(asViewer, script.Created(aViewer))},
			expectation{result: "success u1", changes: changed("user created", "u1", "viewer")},
		},
		"stored, and pending": {
			[]script.Step{post(asViewer, script.Lost), look(), post(asViewer, taken), look()},
			expectation{result: "action required Whimsical has invited this e-mail address: "},
		},
		"nobody can look at first": {
			[]script.Step{post(asViewer, script.Lost), script.Find(ada, script.Refused(503, "", "")), look(aViewer)},
			expectation{result: "already exists u1", changes: foundLater},
		},
		"nobody can look at first, and it was not stored": {
			[]script.Step{
				post(asViewer, script.Lost), script.Find(ada, script.Refused(503, "", "")), look(),
				post(asViewer, script.Created(aViewer)),
			},
			expectation{result: "success u1", changes: changed("user created", "u1", "viewer")},
		},
		"nobody may look": {
			[]script.Step{post(asViewer, script.Lost), script.Find(ada, script.Refused(401, "", "")), script.Find(ada, script.Refused(401, "", ""))},
			expectation{code: codes.Unauthenticated, says: "the SCIM token was refused"},
		},
		"an inactive user is found": {
			[]script.Step{post(asViewer, script.Lost), look(anInactiveEditor), script.Patch("u1", script.ActivateAs(false), script.OK(aViewer))},
			expectation{result: "success u1", changes: changed("user activated", "u1", "viewer")},
		},
		"the look after a conflict fails at first": {
			[]script.Step{post(asViewer, taken), script.Find(ada, script.Refused(503, "", "")), look(aViewer)},
			expectation{result: "already exists u1"},
		},
		"the confirmation fails at first": {
			[]script.Step{post(asViewer, script.Created(hasNoRole)), script.Get("u1", script.Refused(503, "", "")), found(anEditor)},
			expectation{
				code: codes.FailedPrecondition, says: "not with the role that was asked for",
				changes: changed("user created", "u1", "viewer"),
			},
		},
		"the look after an answer without a body fails at first": {
			[]script.Step{post(asViewer, script.NoContent), script.Find(ada, script.Refused(503, "", "")), look(aViewer)},
			expectation{result: "success u1", changes: changed("user created", "{id}", "viewer")},
		},
		"the server is down for good": {
			[]script.Step{
				post(asViewer, script.Refused(503, "", "")), look(), post(asViewer, script.Refused(503, "", "")), look(),
				post(asViewer, script.Refused(503, "", "")), look(), post(asViewer, script.Refused(503, "", "")), look(),
			},
			expectation{code: codes.Unavailable, says: "503"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for about half a second
			create(t, following(t, test.steps...), "viewer").check(t, test.want)
		})
	}
}

func TestNoPasswordIsDeclared(t *testing.T) {
	p := following(t)
	details, annos, err := p.accounts.CreateAccountCapabilityDetails(p.ctx)
	outcome{annos: annos, err: err}.check(t, expectation{})
	none := v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD
	if got := details.GetSupportedCredentialOptions(); len(got) != 1 || got[0] != none || details.GetPreferredCredentialOption() != none {
		t.Errorf("got %v, want no password alone", details)
	}
}
