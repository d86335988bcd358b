package connector_test

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestGrantByTheStateFound(t *testing.T) {
	editor, viewer := []string{batontest.Grant("editor", "u1").GetId()}, []string{batontest.Grant("viewer", "u1").GetId()}
	becomesEditor, becomesViewer := changed("role granted", "u1", "editor"), changed("role granted", "u1", "viewer")
	promoted := expectation{grants: editor, annos: replaced("viewer", "u1"), changes: becomesEditor}
	asEditor, asViewer := expectation{grants: editor, changes: becomesEditor}, expectation{grants: viewer, changes: becomesViewer}
	numeric := func(active int) scimscript.User { return scimscript.User{ID: "u1", Active: active, Editor: false} }
	runRows(t, []row{
		{"Editor already", "grant editor", steps(found(anEditor)), expectation{grants: editor, annos: alreadyExists, reason: "is an Editor already"}},
		{"Viewer already", "grant viewer", steps(found(aViewer)), expectation{grants: viewer, annos: alreadyExists}},
		{"already, and active is 1", "grant viewer", steps(found(numeric(1))), expectation{grants: viewer, annos: alreadyExists}},
		{"inactive, and active is 0", "grant viewer", steps(found(numeric(0)), activateViewer(ok(numeric(1))), found(numeric(1))), asViewer},
		{"active is never reported", "grant viewer", steps(found(anUntoldViewer), activateViewer(ok(anUntoldViewer)), found(anUntoldViewer)), asViewer},
		{"active is left out if false", "grant viewer", steps(found(anUntoldViewer), activateViewer(noContent), found(aViewer)), asViewer},
		{"active is unreadable", "grant editor", steps(found(scimscript.User{ID: "u1", Active: "maybe", Editor: false}), activateEditor(ok(anEditor)),
			found(anEditor)), asEditor},
		{"Editor for a Viewer, confirmed by the answer", "grant editor", steps(found(aViewer), promote(ok(anEditor)), found(anEditor)), promoted},
		{"Viewer for an Editor, confirmed by a read", "grant viewer", steps(found(anEditor), demote(noContent), found(aViewer)),
			expectation{grants: viewer, annos: replaced("editor", "u1"), changes: becomesViewer}},
		{"Editor for an unknown role", "grant editor", steps(found(hasNoRole), promote(ok(anEditor)), found(anEditor)), asEditor},
		{"Viewer for an unreadable role", "grant viewer", steps(found(scimscript.User{ID: "u1", Active: true, Editor: "perhaps"}), demote(ok(aViewer)),
			found(aViewer)), asViewer},
		{"Editor for an inactive Viewer", "grant editor", steps(found(anInactiveViewer), activateEditor(ok(anEditor)), found(anEditor)), asEditor},
		{"Viewer for an inactive Editor", "grant viewer", steps(found(anInactiveEditor), activateViewer(ok(aViewer)), found(aViewer)), asViewer},
		{"Editor for an inactive Editor", "grant editor", steps(found(anInactiveEditor), activateEditor(ok(anEditor)), found(anEditor)), asEditor},
		{"a user who is gone", "grant editor", nobody, fails(codes.NotFound, "the account is gone")},
		{"a user who goes in between", "grant editor", steps(found(aViewer), promote(notFound), nobody), fails(codes.NotFound, "the account is gone")},
		{"404 to the change of a user who is there", "grant editor", steps(found(aViewer), promote(notFound), found(aViewer)), unapplied},
		{"ignored in both forms", "grant editor", steps(found(aViewer), promote(ok(aViewer)), still(aViewer), promoteNested(noContent), still(aViewer)), ignored},
		{"the answer holds the wish, and no read shows it", "grant editor", steps(found(aViewer), promote(ok(anEditor)), still(aViewer), promoteNested(ok(anEditor)),
			still(aViewer)), ignored},
		{"the reads lag behind", "grant editor", steps(found(aViewer), promote(ok(anEditor)), still(aViewer)[:3], found(anEditor)), promoted},
		{"listed and not reachable", "grant editor", unreachable(aViewer), notReached},
		{"a 502, and the repeat refused", "grant editor", steps(found(aViewer), promote(scimscript.Reply{Status: 502}),
			promote(refused(400, "", "no valid fields to update")), found(anEditor)), promoted},
		{"no seat, in the server's own words", "grant editor", steps(found(aViewer), promote(refused(403, "", "User limit reached"))),
			fails(codes.PermissionDenied, "answered 403 Forbidden: User limit reached")},
		{"the user is deactivated by it", "grant editor", steps(found(aViewer), promote(noContent), found(anInactiveEditor)),
			fails(codes.FailedPrecondition, "changed the status from active to inactive as well")},
		{"the path form is accepted and ignored", "grant editor", steps(found(aViewer), promote(ok(aViewer)), still(aViewer), promoteNested(ok(anEditor)),
			found(anEditor)), promoted},
		{"the role alone is ignored", "grant viewer", steps(found(anInactiveEditor), activateViewer(noContent), found(anEditor), activateViewerNested(noContent),
			found(aViewer)), asViewer},
		{"the path form is refused with 400 invalidPath", "grant editor", refusedForm(400, "invalidPath"), promoted},
		{"the path form is refused with 400 noTarget", "grant editor", refusedForm(400, "noTarget"), promoted},
		{"the path form is refused with 400 invalidValue", "grant editor", refusedForm(400, "invalidValue"), promoted},
		{"the path form is refused with a scimType null", "grant editor", refusedForm(400, "null"), promoted},
		{"the path form is refused with 422", "grant editor", refusedForm(422, ""), promoted},
		{"both forms are refused", "grant editor", steps(found(aViewer), promote(refused(400, "noTarget", "")),
			promoteNested(refused(400, "invalidValue", "no seats left"))), fails(codes.InvalidArgument, "no seats left")},
		{"forbidden", "grant editor", steps(found(aViewer), promote(refused(403, "", "not you"))), fails(codes.PermissionDenied, "not you")},
		{"202, and not applied yet", "grant editor", steps(found(aViewer), promote(accepted), still(aViewer)), notYet},
		{"202, and applied", "grant editor", steps(found(aViewer), promote(accepted), found(anEditor)), promoted},
		{"accepted, and the role is not reported", "grant editor", steps(found(aViewer), promote(noContent), found(hasNoRole)), unconfirmed},
		{"one answer is lost", "grant editor", steps(found(aViewer), promote(lost), promote(ok(anEditor)), found(anEditor)), promoted},
		{"all answers are lost, and the role shows", "grant editor", steps(found(aViewer), four(promote(lost)), found(anEditor)), promoted},
		{"all answers are lost, and the role does not show", "grant editor", steps(found(aViewer), four(promote(lost)), still(aViewer)),
			fails(codes.Unavailable, "PATCH")},
		{"404, and active is not reported", "grant viewer", steps(found(anUntoldViewer), activateViewer(notFound), found(anUntoldViewer)), unapplied},
		{"202, and active is not reported", "grant viewer", steps(found(anUntoldViewer), activateViewer(accepted), still(anUntoldViewer)), notYet},
		{"all answers are lost, and active is not reported", "grant viewer", steps(found(anUntoldViewer), four(activateViewer(lost)), still(anUntoldViewer)),
			fails(codes.Unavailable, "PATCH")},
		{"half of it is stored, and the rest fails", "grant viewer", steps(found(anInactiveEditor), four(activateViewer(failed)), found(anInactiveViewer)),
			fails(codes.Unavailable, "500")},
		{"half of it is stored at first", "grant viewer", steps(found(anInactiveEditor), activateViewer(failed), activateViewer(ok(aViewer)), found(aViewer)),
			asViewer},
		{"the read fails three times", "grant editor", steps(read(down), read(lost), read(scimscript.Reply{Status: 429, RetryAfter: "20"}), found(anEditor)),
			expectation{grants: editor, annos: alreadyExists}},
		{"the read is refused", "grant editor", steps(read(refused(401, "", ""))), fails(codes.Unauthenticated, "the SCIM token was refused")},
		{"the read is answered with somebody else", "grant editor", steps(read(ok(somebody))), fails(codes.FailedPrecondition, "not the user that was asked for")},
	})
}

// refusedForm is a promotion whose first form is refused.
func refusedForm(status int, scimType string) []scimscript.Step {
	return steps(found(aViewer), promote(refused(status, scimType, "")), promoteNested(ok(anEditor)), found(anEditor))
}

func TestRevokeByTheStateFound(t *testing.T) {
	demoted := expectation{changes: changed("role revoked", "u1", "editor")}
	left := expectation{changes: changed("role revoked", "u1", "viewer")}
	deleted := v2.ResourceDeleted_builder{ResourceId: batontest.Resource("user", "u1").GetId()}.Build()
	leftForGood := expectation{annos: []proto.Message{deleted}, changes: left.changes}
	stale := expectation{annos: alreadyRevoked}
	untold := scimscript.User{ID: "u1"}
	runRows(t, []row{
		{"Editor of an Editor, confirmed by the answer", "revoke editor", steps(found(anEditor), demote(ok(aViewer)), found(aViewer)), demoted},
		{"Editor of an Editor, confirmed by a read", "revoke editor", steps(found(anEditor), demote(noContent), found(aViewer)), demoted},
		{"Editor of an unknown role", "revoke editor", steps(found(hasNoRole), demote(ok(aViewer)), found(aViewer)), demoted},
		{"Editor where active is never reported", "revoke editor", steps(found(anUntoldEditor), demote(ok(anUntoldViewer)), found(anUntoldViewer)), demoted},
		{"Editor of a Viewer", "revoke editor", steps(found(aViewer)), expectation{annos: alreadyRevoked, reason: "is not an Editor"}},
		{"Editor of an inactive Editor", "revoke editor", steps(found(anInactiveEditor)), expectation{annos: alreadyRevoked, reason: "is inactive already"}},
		{"Editor of a user who is gone", "revoke editor", nobody, expectation{annos: alreadyRevoked, reason: "there is no user with the ID u1"}},
		{"Editor of a user who goes in between", "revoke editor", steps(found(anEditor), demote(notFound), nobody), stale},
		{"Editor, 404 though the user is there", "revoke editor", steps(found(anEditor), demote(notFound), found(anEditor)), unapplied},
		{"Editor, 404 though it was changed", "revoke editor", steps(found(anEditor), demote(notFound), found(aViewer)), demoted},
		{"Editor, ignored in both forms", "revoke editor", steps(found(anEditor), demote(ok(anEditor)), still(anEditor), demoteNested(ok(anEditor)), still(anEditor)),
			ignored},
		{"Editor, the answers are lost, and it shows", "revoke editor", steps(found(anEditor), four(demote(lost)), found(aViewer)), demoted},
		{"Editor, the answers are lost", "revoke editor", steps(found(anEditor), four(demote(lost)), still(anEditor)), fails(codes.Unavailable, "PATCH")},
		{"Viewer whose record stays", "revoke viewer", steps(found(aViewer), deactivate(ok(anInactiveViewer)), found(anInactiveViewer)), left},
		{"Viewer whose record goes", "revoke viewer", steps(found(aViewer), deactivate(noContent), gone), leftForGood},
		{"Viewer where active is left out if false", "revoke viewer", steps(found(aViewer), deactivate(ok(anUntoldViewer)), found(anUntoldViewer)), left},
		{"Viewer where active is never reported", "revoke viewer", steps(found(anUntoldViewer), deactivate(ok(anUntoldViewer)), still(anUntoldViewer)), unconfirmed},
		{"Viewer of an Editor", "revoke viewer", steps(found(anEditor)), expectation{annos: alreadyRevoked, reason: "is not a Viewer"}},
		{"Viewer of an inactive Viewer", "revoke viewer", steps(found(anInactiveViewer)), stale},
		{"Viewer of an inactive Editor", "revoke viewer", steps(found(anInactiveEditor)), stale},
		{"Viewer of a user who is gone", "revoke viewer", nobody, stale},
		{"Viewer of a user who goes in between", "revoke viewer", steps(found(aViewer), deactivate(notFound), nobody), stale},
		{"Viewer, 404 though the user is there", "revoke viewer", steps(found(aViewer), deactivate(notFound), found(aViewer)), unapplied},
		{"Viewer of an unknown role", "revoke viewer", steps(found(untold)), fails(codes.FailedPrecondition, "does not report this user's role")},
		{"Viewer, the path form is refused", "revoke viewer", steps(found(aViewer), deactivate(refused(400, "noTarget", "")), deactivateNested(noContent), gone),
			leftForGood},
		{"Viewer, ignored in both forms", "revoke viewer", steps(found(aViewer), deactivate(noContent), still(aViewer), deactivateNested(noContent), still(aViewer)),
			ignored},
		{"Viewer, 202 and not applied yet", "revoke viewer", steps(found(aViewer), deactivate(accepted), still(aViewer)), notYet},
		{"Viewer, the answers are lost and the record is gone", "revoke viewer", steps(found(aViewer), four(deactivate(lost)), nobody), leftForGood},
		{"Viewer, one answer is lost and the record is gone", "revoke viewer", steps(found(aViewer), deactivate(lost), deactivate(notFound), nobody), leftForGood},
		{"Viewer, the answers are lost and the record is inactive", "revoke viewer", steps(found(aViewer), four(deactivate(lost)), found(anInactiveViewer)), left},
		{"Viewer, listed and not reachable", "revoke viewer", unreachable(aViewer), notReached},
		{"Viewer, the answer is inactive, and no read is", "revoke viewer", steps(found(aViewer), deactivate(ok(anInactiveViewer)), still(aViewer),
			deactivateNested(ok(anInactiveViewer)), still(aViewer)), ignored},
		{"Viewer, the reads lag behind", "revoke viewer", steps(found(aViewer), deactivate(noContent), still(aViewer)[:2], found(anInactiveViewer)), left},
		{"Viewer, the record goes late", "revoke viewer", steps(found(aViewer), deactivate(noContent), still(aViewer)[:2], gone), leftForGood},
		{"Viewer, one answer lost, repeat refused", "revoke viewer", steps(found(aViewer), deactivate(lost), deactivate(refused(409, "", "")),
			found(anInactiveViewer)), left},
		{"Viewer who becomes an Editor by leaving", "revoke viewer", steps(found(aViewer), deactivate(noContent), found(anInactiveEditor)),
			fails(codes.FailedPrecondition, "changed the role from viewer to editor as well")},
		{"Viewer, accepted, and nobody may look", "revoke viewer", steps(found(aViewer), deactivate(noContent), read(refused(401, "", ""))),
			fails(codes.Unauthenticated, "the change was accepted, and could not be confirmed: the SCIM token was refused")},
		{"Viewer, the answers are lost and nobody can look", "revoke viewer", steps(found(aViewer), four(deactivate(lost)), four(read(down))),
			fails(codes.Unavailable, "PATCH")},
	})
}

func TestAnIDThatIsAnAddressStaysOutOfLogAndErrors(t *testing.T) {
	user := func(editor bool) scimscript.Reply {
		return ok(scimscript.User{ID: ada, UserName: ada, Active: true, Editor: editor})
	}
	scripted(t, []scimscript.Step{scimscript.Get(ada, user(false)), scimscript.Patch(ada, scimscript.SetRole(true), user(true)), scimscript.Get(ada, user(true))},
		func(p *provisioner) outcome { return p.do("grant editor", ada, "") },
		expectation{
			grants:  []string{batontest.Grant("editor", ada).GetId()},
			annos:   replaced("viewer", ada),
			changes: changed("role granted", "{id}", "editor"),
		})
	scripted(t, []scimscript.Step{scimscript.Get(ada, user(true)), scimscript.Patch(ada, scimscript.SetRole(false), refused(403, "", "not for "+ada))},
		func(p *provisioner) outcome { return p.do("revoke editor", ada, "") },
		fails(codes.PermissionDenied, "not for [e-mail]"))
}

func TestGrantAndRevokeCheckTheirArgumentsBeforeAnyRequest(t *testing.T) {
	const roles, users = "the roles are editor and viewer", "to a user only"
	for name, test := range map[string]struct {
		principal   *v2.Resource
		entitlement *v2.Entitlement
		says        string
	}{
		"no principal":                  {nil, batontest.Entitlement("editor"), users},
		"a principal without an id":     {batontest.Resource("user", ""), batontest.Entitlement("editor"), users},
		"a role as principal":           {batontest.Resource("role", "viewer"), batontest.Entitlement("editor"), `not to a resource of type "role"`},
		"no entitlement":                {batontest.Resource("user", "u1"), nil, roles},
		"an unknown role":               {batontest.Resource("user", "u1"), batontest.Entitlement("admin"), roles},
		"a role in capitals":            {batontest.Resource("user", "u1"), batontest.Entitlement("Editor"), roles},
		"another type's resource":       {batontest.Resource("user", "u1"), v2.Entitlement_builder{Slug: "assigned", Resource: batontest.Resource("user", "editor")}.Build(), roles},
		"another entitlement of a role": {batontest.Resource("user", "u1"), v2.Entitlement_builder{Resource: batontest.Entitlement("editor").GetResource(), Slug: "owner"}.Build(), `no entitlement "owner"`},
	} {
		t.Run(name, func(t *testing.T) {
			want := fails(codes.InvalidArgument, test.says)
			scripted(t, nil, func(p *provisioner) outcome {
				grants, annos, err := p.roles.Grant(p.ctx, test.principal, test.entitlement)
				if len(grants) != 0 {
					t.Errorf("got grants: %v", grants)
				}
				return p.told(outcome{annos: annos, err: err})
			}, want)
			scripted(t, nil, func(p *provisioner) outcome {
				annos, err := p.roles.Revoke(p.ctx, v2.Grant_builder{Principal: test.principal, Entitlement: test.entitlement}.Build())
				return p.told(outcome{annos: annos, err: err})
			}, want)
		})
	}
}
