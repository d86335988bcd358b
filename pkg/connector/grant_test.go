package connector_test

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

var (
	anEditor         = script.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: true}
	aViewer          = script.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: false}
	hasNoRole        = script.User{ID: "u1", UserName: "ada@example.com", Active: true}
	anInactiveEditor = script.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: true}
	anInactiveViewer = script.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: false}
	somebody         = script.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: false}
)

// found is a read that shows a user, at any time.
func found(user script.User) script.Step {
	return script.Get("u1", script.OK(user))
}

// gone is a read that shows nobody.
func gone() script.Step {
	return script.Get("u1", script.NotFound())
}

func TestGrantByTheStateFound(t *testing.T) {
	editor, viewer := []string{grantID("editor", "u1")}, []string{grantID("viewer", "u1")}
	for name, test := range map[string]struct {
		role  string
		steps []script.Step
		want  expectation
	}{
		"Editor already": {
			"editor", []script.Step{found(anEditor)},
			expectation{grants: editor, annos: alreadyExists},
		},
		"Viewer already": {
			"viewer", []script.Step{found(aViewer)},
			expectation{grants: viewer, annos: alreadyExists},
		},
		"already, and the server does not tell who is active": {
			"viewer", []script.Step{found(script.User{ID: "u1", Editor: false})},
			expectation{grants: viewer, annos: alreadyExists},
		},
		"Editor for a Viewer, confirmed by the answer": {
			"editor", []script.Step{found(aViewer), script.Patch("u1", script.SetRole(true), script.OK(anEditor))},
			expectation{grants: editor, annos: replaced("viewer"), changes: changed("role granted", "u1", "editor")},
		},
		"Viewer for an Editor, confirmed by a read": {
			"viewer", []script.Step{found(anEditor), script.Patch("u1", script.SetRole(false), script.NoContent), found(aViewer)},
			expectation{grants: viewer, annos: replaced("editor"), changes: changed("role granted", "u1", "viewer")},
		},
		"Editor for a user whose role is unknown": {
			"editor", []script.Step{found(hasNoRole), script.Patch("u1", script.SetRole(true), script.OK(anEditor))},
			expectation{grants: editor, changes: changed("role granted", "u1", "editor")},
		},
		"Viewer for a user whose role is unreadable": {
			"viewer",
			[]script.Step{
				found(script.User{ID: "u1", Active: true, Editor: "perhaps"}),
				script.Patch("u1", script.SetRole(false), script.OK(aViewer)),
			},
			expectation{grants: viewer, changes: changed("role granted", "u1", "viewer")},
		},
		"Editor for an inactive Viewer": {
			"editor", []script.Step{found(anInactiveViewer), script.Patch("u1", script.ActivateAs(true), script.OK(anEditor))},
			expectation{grants: editor, changes: changed("role granted", "u1", "editor")},
		},
		"Viewer for an inactive Editor is never Editor in between": {
			"viewer", []script.Step{found(anInactiveEditor), script.Patch("u1", script.ActivateAs(false), script.OK(aViewer))},
			expectation{grants: viewer, changes: changed("role granted", "u1", "viewer")},
		},
		"Editor for an inactive Editor": {
			"editor", []script.Step{found(anInactiveEditor), script.Patch("u1", script.ActivateAs(true), script.OK(anEditor))},
			expectation{grants: editor, changes: changed("role granted", "u1", "editor")},
		},
		"a user who is gone": {
			"editor", []script.Step{gone()},
			expectation{code: codes.NotFound, says: "the account is gone"},
		},
		"a user who goes in between": {
			"editor", []script.Step{found(aViewer), script.Patch("u1", script.SetRole(true), script.NotFound())},
			expectation{code: codes.NotFound, says: "the account is gone"},
		},
		"accepted but not applied": {
			"editor", []script.Step{found(aViewer), script.Patch("u1", script.SetRole(true), script.OK(aViewer)), found(aViewer)},
			expectation{code: codes.FailedPrecondition, says: "accepted the change but did not apply it"},
		},
		"activated, but with the role of before": {
			"viewer",
			[]script.Step{
				found(anInactiveEditor), script.Patch("u1", script.ActivateAs(false), script.OK(anEditor)), found(anEditor),
			},
			expectation{code: codes.FailedPrecondition, says: "accepted the change but did not apply it"},
		},
		"the answer was lost and the read shows the role": {
			"editor", []script.Step{found(aViewer), script.Patch("u1", script.SetRole(true), script.Lost), found(anEditor)},
			expectation{grants: editor, annos: replaced("viewer"), changes: changed("role granted", "u1", "editor")},
		},
		"the answer was lost and the read shows no change": {
			"editor", []script.Step{found(aViewer), script.Patch("u1", script.SetRole(true), script.Lost), found(aViewer)},
			expectation{code: codes.Unavailable, says: "PATCH"},
		},
		"the path form is refused": {
			"editor",
			[]script.Step{
				found(aViewer),
				script.Patch("u1", script.SetRole(true), script.Refused(400, "invalidPath", "")),
				script.Patch("u1", script.SetRoleNested(true), script.OK(anEditor)),
			},
			expectation{grants: editor, annos: replaced("viewer"), changes: changed("role granted", "u1", "editor")},
		},
		"the change is refused": {
			"editor", []script.Step{found(aViewer), script.Patch("u1", script.SetRole(true), script.Refused(400, "invalidValue", "no seats left"))},
			expectation{code: codes.InvalidArgument, says: "no seats left"},
		},
		"the read is refused": {
			"editor", []script.Step{script.Get("u1", script.Refused(401, "", ""))},
			expectation{code: codes.Unauthenticated, says: "the SCIM token was refused"},
		},
		"the read is answered with somebody else": {
			"editor", []script.Step{script.Get("u1", script.OK(somebody))},
			expectation{code: codes.FailedPrecondition, says: "not the user that was asked for"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			following(t, test.steps...).grant(test.role, "u1").check(t, test.want)
		})
	}
}

func TestAnIDThatIsAnAddressStaysOutOfLogAndErrors(t *testing.T) {
	user := func(editor bool) script.Reply {
		return script.OK(script.User{ID: ada, UserName: ada, Active: true, Editor: editor})
	}
	p := following(t,
		script.Get(ada, user(false)), script.Patch(ada, script.SetRole(true), user(true)),
		script.Get(ada, user(true)), script.Patch(ada, script.SetRole(false), script.Refused(403, "", "not for "+ada)),
	)
	p.grant("editor", ada).check(t, expectation{
		grants:  []string{grantID("editor", ada)},
		annos:   []proto.Message{v2.GrantReplaced_builder{ReplacedGrantId: grantID("viewer", ada)}.Build()},
		changes: changed("role granted", "{id}", "editor"),
	})
	p.revoke("editor", ada).check(t, expectation{code: codes.PermissionDenied, says: "not for [e-mail]"})
}

func TestGrantAndRevokeCheckTheirArgumentsBeforeAnyRequest(t *testing.T) {
	for name, test := range map[string]struct {
		principal   *v2.Resource
		entitlement *v2.Entitlement
		says        string
	}{
		"no principal":              {nil, entitlement("role", "editor"), "to a user only"},
		"a principal without an id": {principal("user", ""), entitlement("role", "editor"), "to a user only"},
		"a role as principal":       {principal("role", "viewer"), entitlement("role", "editor"), `not to a resource of type "role"`},
		"a group as principal":      {principal("group", "u1"), entitlement("role", "editor"), `not to a resource of type "group"`},
		"no entitlement":            {principal("user", "u1"), nil, "the roles are editor and viewer"},
		"an unknown role":           {principal("user", "u1"), entitlement("role", "admin"), "the roles are editor and viewer"},
		"another entitlement of a role": {
			principal("user", "u1"),
			v2.Entitlement_builder{Resource: entitlement("role", "editor").GetResource(), Slug: "owner"}.Build(), `no entitlement "owner"`,
		},
		"a role in capitals":      {principal("user", "u1"), entitlement("role", "Editor"), "the roles are editor and viewer"},
		"another type's resource": {principal("user", "u1"), entitlement("user", "editor"), "the roles are editor and viewer"},
	} {
		t.Run(name, func(t *testing.T) {
			p := following(t)
			want := expectation{code: codes.InvalidArgument, says: test.says}
			grants, annos, err := p.roles.Grant(p.ctx, test.principal, test.entitlement)
			if len(grants) != 0 {
				t.Errorf("got grants: %v", grants)
			}
			outcome{annos: annos, err: err, changes: p.changes()}.check(t, want)
			annos, err = p.roles.Revoke(p.ctx, v2.Grant_builder{Principal: test.principal, Entitlement: test.entitlement}.Build())
			outcome{annos: annos, err: err, changes: p.changes()}.check(t, want)
		})
	}
}
