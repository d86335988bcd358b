package connector_test

import (
	"slices"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

const ada = "ada@example.com"

var (
	anEditor         = scimscript.User{ID: "u1", UserName: ada, Active: true, Editor: true}
	aViewer          = scimscript.User{ID: "u1", UserName: ada, Active: true, Editor: false}
	hasNoRole        = scimscript.User{ID: "u1", UserName: ada, Active: true}
	anInactiveEditor = scimscript.User{ID: "u1", UserName: ada, Active: false, Editor: true}
	anInactiveViewer = scimscript.User{ID: "u1", UserName: ada, Active: false, Editor: false}
	// The status of these two is not reported.
	anUntoldEditor = scimscript.User{ID: "u1", UserName: ada, Editor: true}
	anUntoldViewer = scimscript.User{ID: "u1", UserName: ada, Editor: false}
	somebody       = scimscript.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: false}

	accepted = scimscript.Reply{Status: 202}
	down     = scimscript.Refused(503, "", "")
	failed   = scimscript.Refused(500, "", "")
)

// found is a read that shows a user.
func found(user scimscript.User) []scimscript.Step { return read(scimscript.OK(user)) }

// still are the reads that go on showing a user as they were before a change.
func still(user scimscript.User) []scimscript.Step { return four(found(user)) }

// gone is a read that shows nobody after a change that was accepted; nobody are
// the requests by which a user is found to be gone otherwise.
func gone() []scimscript.Step { return read(scimscript.NotFound()) }

func nobody() []scimscript.Step {
	return steps(gone(), one(scimscript.FindID("u1", scimscript.OK(scimscript.List{}))))
}

// unreachable are the requests that show a user who is listed and whose own
// address answers 404.
func unreachable(user scimscript.User) []scimscript.Step {
	return steps(gone(), one(scimscript.FindID("u1", scimscript.OK(scimscript.List{user}))))
}

func read(reply scimscript.Reply) []scimscript.Step { return one(scimscript.Get("u1", reply)) }

// patch is a change of the user u1.
func patch(body string, reply scimscript.Reply) []scimscript.Step {
	return one(scimscript.Patch("u1", body, reply))
}

// steps are the steps of a test; four is how often the client tries at most.
func steps(parts ...[]scimscript.Step) []scimscript.Step { return slices.Concat(parts...) }

func one(step scimscript.Step) []scimscript.Step { return []scimscript.Step{step} }

func four(step []scimscript.Step) []scimscript.Step { return slices.Repeat(step, 4) }

func TestGrantByTheStateFound(t *testing.T) {
	editor, viewer := []string{batontest.Grant("editor", "u1").GetId()}, []string{batontest.Grant("viewer", "u1").GetId()}
	becomesEditor, becomesViewer := changed("role granted", "u1", "editor"), changed("role granted", "u1", "viewer")
	promoted := expectation{grants: editor, annos: replaced("viewer", "u1"), changes: becomesEditor}
	asEditor, asViewer := expectation{grants: editor, changes: becomesEditor}, expectation{grants: viewer, changes: becomesViewer}
	ignored := fails(codes.FailedPrecondition, "accepted the change but did not apply it")
	numeric := func(active int) scimscript.User { return scimscript.User{ID: "u1", Active: active, Editor: false} }
	runRows(t, map[string]row{
		"Editor already":              {"grant editor", steps(found(anEditor)), expectation{grants: editor, annos: alreadyExists, reason: "is an Editor already"}},
		"Viewer already":              {"grant viewer", steps(found(aViewer)), expectation{grants: viewer, annos: alreadyExists}},
		"already, and active is 1":    {"grant viewer", steps(found(numeric(1))), expectation{grants: viewer, annos: alreadyExists}},
		"inactive, and active is 0":   {"grant viewer", steps(found(numeric(0)), patch(scimscript.ActivateAs(false), scimscript.OK(numeric(1))), found(numeric(1))), asViewer},
		"active is never reported":    {"grant viewer", steps(found(anUntoldViewer), patch(scimscript.ActivateAs(false), scimscript.OK(anUntoldViewer)), found(anUntoldViewer)), asViewer},
		"active is left out if false": {"grant viewer", steps(found(anUntoldViewer), patch(scimscript.ActivateAs(false), scimscript.NoContent), found(aViewer)), asViewer},
		"active is unreadable": {
			"grant editor",
			steps(found(scimscript.User{ID: "u1", Active: "maybe", Editor: false}), patch(scimscript.ActivateAs(true), scimscript.OK(anEditor)), found(anEditor)),
			asEditor,
		},
		"Editor for a Viewer, confirmed by the answer": {"grant editor", steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.OK(anEditor)), found(anEditor)), promoted},
		"Viewer for an Editor, confirmed by a read": {
			"grant viewer",
			steps(found(anEditor), patch(scimscript.SetRole(false), scimscript.NoContent), found(aViewer)),
			expectation{grants: viewer, annos: replaced("editor", "u1"), changes: becomesViewer},
		},
		"Editor for an unknown role": {"grant editor", steps(found(hasNoRole), patch(scimscript.SetRole(true), scimscript.OK(anEditor)), found(anEditor)), asEditor},
		"Viewer for an unreadable role": {
			"grant viewer",
			steps(found(scimscript.User{ID: "u1", Active: true, Editor: "perhaps"}), patch(scimscript.SetRole(false), scimscript.OK(aViewer)), found(aViewer)),
			asViewer,
		},
		"Editor for an inactive Viewer": {"grant editor", steps(found(anInactiveViewer), patch(scimscript.ActivateAs(true), scimscript.OK(anEditor)), found(anEditor)), asEditor},
		"Viewer for an inactive Editor": {"grant viewer", steps(found(anInactiveEditor), patch(scimscript.ActivateAs(false), scimscript.OK(aViewer)), found(aViewer)), asViewer},
		"Editor for an inactive Editor": {"grant editor", steps(found(anInactiveEditor), patch(scimscript.ActivateAs(true), scimscript.OK(anEditor)), found(anEditor)), asEditor},
		"a user who is gone":            {"grant editor", nobody(), fails(codes.NotFound, "the account is gone")},
		"a user who goes in between": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.NotFound()), nobody()),
			fails(codes.NotFound, "the account is gone"),
		},
		"404 to the change of a user who is there": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.NotFound()), found(aViewer)),
			fails(codes.FailedPrecondition, "the user is there, and was not changed"),
		},
		"ignored in both forms": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.OK(aViewer)), still(aViewer), patch(scimscript.SetRoleNested(true), scimscript.NoContent), still(aViewer)),
			ignored,
		},
		"the answer holds the wish, and no read shows it": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.OK(anEditor)), still(aViewer), patch(scimscript.SetRoleNested(true), scimscript.OK(anEditor)), still(aViewer)),
			ignored,
		},
		"the reads lag behind": {"grant editor", steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.OK(anEditor)), still(aViewer)[:3], found(anEditor)), promoted},
		"listed and not reachable": {
			"grant editor",
			unreachable(aViewer),
			fails(codes.FailedPrecondition, "the API lists this user, who cannot be reached at their own address"),
		},
		"a 502, and the repeat refused": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.Reply{Status: 502}), patch(scimscript.SetRole(true), scimscript.Refused(400, "", "no valid fields to update")), found(anEditor)),
			promoted,
		},
		"no seat, in the server's own words": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.Refused(403, "", "User limit reached"))),
			fails(codes.PermissionDenied, "answered 403 Forbidden: User limit reached"),
		},
		"the user is deactivated by it": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.NoContent), found(anInactiveEditor)),
			fails(codes.FailedPrecondition, "changed the status from active to inactive as well"),
		},
		"the path form is accepted and ignored": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.OK(aViewer)), still(aViewer), patch(scimscript.SetRoleNested(true), scimscript.OK(anEditor)), found(anEditor)),
			promoted,
		},
		"the role alone is ignored": {
			"grant viewer",
			steps(found(anInactiveEditor), patch(scimscript.ActivateAs(false), scimscript.NoContent), found(anEditor), patch(scimscript.ActivateAsNested(false), scimscript.NoContent), found(aViewer)),
			asViewer,
		},
		"the path form is refused with 400 invalidPath":  {"grant editor", refusedForm(400, "invalidPath"), promoted},
		"the path form is refused with 400 noTarget":     {"grant editor", refusedForm(400, "noTarget"), promoted},
		"the path form is refused with 400 invalidValue": {"grant editor", refusedForm(400, "invalidValue"), promoted},
		"the path form is refused with a scimType null":  {"grant editor", refusedForm(400, "null"), promoted},
		"the path form is refused with 422":              {"grant editor", refusedForm(422, ""), promoted},
		"both forms are refused": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.Refused(400, "noTarget", "")), patch(scimscript.SetRoleNested(true), scimscript.Refused(400, "invalidValue", "no seats left"))),
			fails(codes.InvalidArgument, "no seats left"),
		},
		"forbidden": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.Refused(403, "", "not you"))),
			fails(codes.PermissionDenied, "not you"),
		},
		"202, and not applied yet": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), accepted), still(aViewer)),
			fails(codes.FailedPrecondition, "accepted, not applied yet"),
		},
		"202, and applied": {"grant editor", steps(found(aViewer), patch(scimscript.SetRole(true), accepted), found(anEditor)), promoted},
		"accepted, and the role is not reported": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.NoContent), found(hasNoRole)),
			fails(codes.FailedPrecondition, "does not report whether it was applied"),
		},
		"one answer is lost": {
			"grant editor",
			steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.OK(anEditor)), found(anEditor)),
			promoted,
		},
		"all answers are lost, and the role shows": {"grant editor", steps(steps(found(aViewer)), four(patch(scimscript.SetRole(true), scimscript.Lost)), found(anEditor)), promoted},
		"all answers are lost, and the role does not show": {
			"grant editor",
			steps(found(aViewer), four(patch(scimscript.SetRole(true), scimscript.Lost)), still(aViewer)),
			fails(codes.Unavailable, "PATCH"),
		},
		"404, and active is not reported": {
			"grant viewer",
			steps(found(anUntoldViewer), patch(scimscript.ActivateAs(false), scimscript.NotFound()), found(anUntoldViewer)),
			fails(codes.FailedPrecondition, "the user is there, and was not changed"),
		},
		"202, and active is not reported": {
			"grant viewer",
			steps(found(anUntoldViewer), patch(scimscript.ActivateAs(false), accepted), still(anUntoldViewer)),
			fails(codes.FailedPrecondition, "accepted, not applied yet"),
		},
		"all answers are lost, and active is not reported": {
			"grant viewer",
			steps(found(anUntoldViewer), four(patch(scimscript.ActivateAs(false), scimscript.Lost)), still(anUntoldViewer)),
			fails(codes.Unavailable, "PATCH"),
		},
		"half of it is stored, and the rest fails": {
			"grant viewer",
			steps(found(anInactiveEditor), four(patch(scimscript.ActivateAs(false), failed)), found(anInactiveViewer)),
			fails(codes.Unavailable, "500"),
		},
		"half of it is stored at first": {
			"grant viewer",
			steps(found(anInactiveEditor), patch(scimscript.ActivateAs(false), failed), patch(scimscript.ActivateAs(false), scimscript.OK(aViewer)), found(aViewer)),
			asViewer,
		},
		"the read fails three times": {
			"grant editor",
			steps(read(down), read(scimscript.Lost), read(scimscript.Reply{Status: 429, RetryAfter: "20"}), found(anEditor)),
			expectation{grants: editor, annos: alreadyExists},
		},
		"the read is refused":                     {"grant editor", steps(read(scimscript.Refused(401, "", ""))), fails(codes.Unauthenticated, "the SCIM token was refused")},
		"the read is answered with somebody else": {"grant editor", steps(read(scimscript.OK(somebody))), fails(codes.FailedPrecondition, "not the user that was asked for")},
	})
}

// refusedForm is a promotion whose first form is refused.
func refusedForm(status int, scimType string) []scimscript.Step {
	return steps(found(aViewer), patch(scimscript.SetRole(true), scimscript.Refused(status, scimType, "")), patch(scimscript.SetRoleNested(true), scimscript.OK(anEditor)), found(anEditor))
}

func TestRevokeByTheStateFound(t *testing.T) {
	demote := func(reply scimscript.Reply) []scimscript.Step { return patch(scimscript.SetRole(false), reply) }
	leave := func(reply scimscript.Reply) []scimscript.Step { return patch(scimscript.SetActive(false), reply) }
	demoted := expectation{changes: changed("role revoked", "u1", "editor")}
	left := expectation{changes: changed("role revoked", "u1", "viewer")}
	deleted := v2.ResourceDeleted_builder{ResourceId: batontest.Resource("user", "u1").GetId()}.Build()
	leftForGood := expectation{annos: []proto.Message{deleted}, changes: left.changes}
	stale := expectation{annos: alreadyRevoked}
	unapplied := fails(codes.FailedPrecondition, "the user is there, and was not changed")
	ignored := fails(codes.FailedPrecondition, "accepted the change but did not apply it")
	untold := scimscript.User{ID: "u1"}
	runRows(t, map[string]row{
		"Editor of an Editor, confirmed by the answer": {"revoke editor", steps(found(anEditor), demote(scimscript.OK(aViewer)), found(aViewer)), demoted},
		"Editor of an Editor, confirmed by a read":     {"revoke editor", steps(found(anEditor), demote(scimscript.NoContent), found(aViewer)), demoted},
		"Editor of an unknown role":                    {"revoke editor", steps(found(hasNoRole), demote(scimscript.OK(aViewer)), found(aViewer)), demoted},
		"Editor where active is never reported":        {"revoke editor", steps(found(anUntoldEditor), demote(scimscript.OK(anUntoldViewer)), found(anUntoldViewer)), demoted},
		"Editor of a Viewer":                           {"revoke editor", steps(found(aViewer)), expectation{annos: alreadyRevoked, reason: "is not an Editor"}},
		"Editor of an inactive Editor":                 {"revoke editor", steps(found(anInactiveEditor)), expectation{annos: alreadyRevoked, reason: "is inactive already"}},
		"Editor of a user who is gone":                 {"revoke editor", nobody(), expectation{annos: alreadyRevoked, reason: "there is no user with the ID "}},
		"Editor of a user who goes in between":         {"revoke editor", steps(found(anEditor), demote(scimscript.NotFound()), nobody()), stale},
		"Editor, 404 though the user is there":         {"revoke editor", steps(found(anEditor), demote(scimscript.NotFound()), found(anEditor)), unapplied},
		"Editor, 404 though it was changed":            {"revoke editor", steps(found(anEditor), demote(scimscript.NotFound()), found(aViewer)), demoted},
		"Editor, ignored in both forms": {
			"revoke editor",
			steps(found(anEditor), demote(scimscript.OK(anEditor)), still(anEditor), patch(scimscript.SetRoleNested(false), scimscript.OK(anEditor)), still(anEditor)),
			ignored,
		},
		"Editor, the answers are lost, and it shows": {"revoke editor", steps(found(anEditor), four(demote(scimscript.Lost)), found(aViewer)), demoted},
		"Editor, the answers are lost":               {"revoke editor", steps(found(anEditor), four(demote(scimscript.Lost)), still(anEditor)), fails(codes.Unavailable, "PATCH")},

		"Viewer whose record stays":                {"revoke viewer", steps(found(aViewer), leave(scimscript.OK(anInactiveViewer)), found(anInactiveViewer)), left},
		"Viewer whose record goes":                 {"revoke viewer", steps(found(aViewer), leave(scimscript.NoContent), gone()), leftForGood},
		"Viewer where active is left out if false": {"revoke viewer", steps(found(aViewer), leave(scimscript.OK(anUntoldViewer)), found(anUntoldViewer)), left},
		"Viewer where active is never reported": {
			"revoke viewer",
			steps(found(anUntoldViewer), leave(scimscript.OK(anUntoldViewer)), still(anUntoldViewer)),
			fails(codes.FailedPrecondition, "does not report whether it was applied"),
		},
		"Viewer of an Editor":                  {"revoke viewer", steps(found(anEditor)), expectation{annos: alreadyRevoked, reason: "is not a Viewer"}},
		"Viewer of an inactive Viewer":         {"revoke viewer", steps(found(anInactiveViewer)), stale},
		"Viewer of an inactive Editor":         {"revoke viewer", steps(found(anInactiveEditor)), stale},
		"Viewer of a user who is gone":         {"revoke viewer", nobody(), stale},
		"Viewer of a user who goes in between": {"revoke viewer", steps(found(aViewer), leave(scimscript.NotFound()), nobody()), stale},
		"Viewer, 404 though the user is there": {"revoke viewer", steps(found(aViewer), leave(scimscript.NotFound()), found(aViewer)), unapplied},
		"Viewer of an unknown role":            {"revoke viewer", steps(found(untold)), fails(codes.FailedPrecondition, "does not report this user's role")},
		"Viewer, the path form is refused": {
			"revoke viewer",
			steps(found(aViewer), leave(scimscript.Refused(400, "noTarget", "")), patch(scimscript.SetActiveNested(false), scimscript.NoContent), gone()),
			leftForGood,
		},
		"Viewer, ignored in both forms": {
			"revoke viewer",
			steps(found(aViewer), leave(scimscript.NoContent), still(aViewer), patch(scimscript.SetActiveNested(false), scimscript.NoContent), still(aViewer)),
			ignored,
		},
		"Viewer, 202 and not applied yet": {
			"revoke viewer",
			steps(found(aViewer), leave(accepted), still(aViewer)),
			fails(codes.FailedPrecondition, "accepted, not applied yet"),
		},
		"Viewer, the answers are lost and the record is gone":     {"revoke viewer", steps(found(aViewer), four(leave(scimscript.Lost)), nobody()), leftForGood},
		"Viewer, one answer is lost and the record is gone":       {"revoke viewer", steps(found(aViewer), leave(scimscript.Lost), leave(scimscript.NotFound()), nobody()), leftForGood},
		"Viewer, the answers are lost and the record is inactive": {"revoke viewer", steps(found(aViewer), four(leave(scimscript.Lost)), found(anInactiveViewer)), left},
		"Viewer, listed and not reachable": {
			"revoke viewer",
			unreachable(aViewer),
			fails(codes.FailedPrecondition, "the API lists this user, who cannot be reached at their own address"),
		},
		"Viewer, the answer is inactive, and no read is": {
			"revoke viewer",
			steps(found(aViewer), leave(scimscript.OK(anInactiveViewer)), still(aViewer), patch(scimscript.SetActiveNested(false), scimscript.OK(anInactiveViewer)), still(aViewer)),
			ignored,
		},
		"Viewer, the reads lag behind":            {"revoke viewer", steps(found(aViewer), leave(scimscript.NoContent), still(aViewer)[:2], found(anInactiveViewer)), left},
		"Viewer, the record goes late":            {"revoke viewer", steps(found(aViewer), leave(scimscript.NoContent), still(aViewer)[:2], gone()), leftForGood},
		"Viewer, one answer lost, repeat refused": {"revoke viewer", steps(found(aViewer), leave(scimscript.Lost), leave(scimscript.Refused(409, "", "")), found(anInactiveViewer)), left},
		"Viewer who becomes an Editor by leaving": {
			"revoke viewer",
			steps(found(aViewer), leave(scimscript.NoContent), found(anInactiveEditor)),
			fails(codes.FailedPrecondition, "changed the role from viewer to editor as well"),
		},
		"Viewer, accepted, and nobody may look": {
			"revoke viewer",
			steps(found(aViewer), leave(scimscript.NoContent), read(scimscript.Refused(401, "", ""))),
			fails(codes.Unauthenticated, "the change was accepted, and could not be confirmed: the SCIM token was refused"),
		},
		"Viewer, the answers are lost and nobody can look": {
			"revoke viewer",
			steps(found(aViewer), four(leave(scimscript.Lost)), four(read(down))),
			fails(codes.Unavailable, "PATCH"),
		},
	})
}

func TestAnIDThatIsAnAddressStaysOutOfLogAndErrors(t *testing.T) {
	user := func(editor bool) scimscript.Reply {
		return scimscript.OK(scimscript.User{ID: ada, UserName: ada, Active: true, Editor: editor})
	}
	scripted(t, []scimscript.Step{scimscript.Get(ada, user(false)), scimscript.Patch(ada, scimscript.SetRole(true), user(true)), scimscript.Get(ada, user(true))},
		func(p *provisioner) outcome { return p.do("grant editor", ada, "") },
		expectation{
			grants:  []string{batontest.Grant("editor", ada).GetId()},
			annos:   replaced("viewer", ada),
			changes: changed("role granted", "{id}", "editor"),
		})
	scripted(t, []scimscript.Step{scimscript.Get(ada, user(true)), scimscript.Patch(ada, scimscript.SetRole(false), scimscript.Refused(403, "", "not for "+ada))},
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
