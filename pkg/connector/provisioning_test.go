package connector_test

import (
	"slices"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/synctest"
)

const ada = "ada@example.com"

var (
	anEditor         = script.User{ID: "u1", UserName: ada, Active: true, Editor: true}
	aViewer          = script.User{ID: "u1", UserName: ada, Active: true, Editor: false}
	hasNoRole        = script.User{ID: "u1", UserName: ada, Active: true}
	anInactiveEditor = script.User{ID: "u1", UserName: ada, Active: false, Editor: true}
	anInactiveViewer = script.User{ID: "u1", UserName: ada, Active: false, Editor: false}
	// The status of these two is not reported.
	anUntoldEditor = script.User{ID: "u1", UserName: ada, Editor: true}
	anUntoldViewer = script.User{ID: "u1", UserName: ada, Editor: false}
	somebody       = script.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: false}

	accepted = script.Reply{Status: 202}
	down     = script.Refused(503, "", "")
	failed   = script.Refused(500, "", "")
)

// found is a read that shows a user.
func found(user script.User) []script.Step { return read(script.OK(user)) }

// still are the reads that go on showing a user as they were before a change.
func still(user script.User) []script.Step { return four(found(user)) }

// gone is a read that shows nobody after a change that was accepted; nobody are
// the requests by which a user is found to be gone otherwise.
func gone() []script.Step { return read(script.NotFound()) }

func nobody() []script.Step {
	return steps(gone(), one(script.FindID("u1", script.OK(script.List{}))))
}

// unreachable are the requests that show a user who is listed and whose own
// address answers 404.
func unreachable(user script.User) []script.Step {
	return steps(gone(), one(script.FindID("u1", script.OK(script.List{user}))))
}

func read(reply script.Reply) []script.Step { return one(script.Get("u1", reply)) }

// patch is a change of the user u1.
func patch(body string, reply script.Reply) []script.Step {
	return one(script.Patch("u1", body, reply))
}

// steps are the steps of a test; four is how often the client tries at most.
func steps(parts ...[]script.Step) []script.Step { return slices.Concat(parts...) }

func one(step script.Step) []script.Step { return []script.Step{step} }

func four(step []script.Step) []script.Step { return slices.Repeat(step, 4) }

func TestGrantByTheStateFound(t *testing.T) {
	editor, viewer := []string{synctest.GrantID("editor", "u1")}, []string{synctest.GrantID("viewer", "u1")}
	becomesEditor, becomesViewer := changed("role granted", "u1", "editor"), changed("role granted", "u1", "viewer")
	promoted := expectation{grants: editor, annos: replaced("viewer", "u1"), changes: becomesEditor}
	asEditor, asViewer := expectation{grants: editor, changes: becomesEditor}, expectation{grants: viewer, changes: becomesViewer}
	ignored := fails(codes.FailedPrecondition, "accepted the change but did not apply it")
	numeric := func(active int) script.User { return script.User{ID: "u1", Active: active, Editor: false} }
	runRows(t, map[string]row{
		"Editor already":              {"grant editor", steps(found(anEditor)), expectation{grants: editor, annos: alreadyExists, reason: "is an Editor already"}},
		"Viewer already":              {"grant viewer", steps(found(aViewer)), expectation{grants: viewer, annos: alreadyExists}},
		"already, and active is 1":    {"grant viewer", steps(found(numeric(1))), expectation{grants: viewer, annos: alreadyExists}},
		"inactive, and active is 0":   {"grant viewer", steps(found(numeric(0)), patch(script.ActivateAs(false), script.OK(numeric(1))), found(numeric(1))), asViewer},
		"active is never reported":    {"grant viewer", steps(found(anUntoldViewer), patch(script.ActivateAs(false), script.OK(anUntoldViewer)), found(anUntoldViewer)), asViewer},
		"active is left out if false": {"grant viewer", steps(found(anUntoldViewer), patch(script.ActivateAs(false), script.NoContent), found(aViewer)), asViewer},
		"active is unreadable": {
			"grant editor",
			steps(found(script.User{ID: "u1", Active: "maybe", Editor: false}), patch(script.ActivateAs(true), script.OK(anEditor)), found(anEditor)),
			asEditor,
		},
		"Editor for a Viewer, confirmed by the answer": {"grant editor", steps(found(aViewer), patch(script.SetRole(true), script.OK(anEditor)), found(anEditor)), promoted},
		"Viewer for an Editor, confirmed by a read": {
			"grant viewer",
			steps(found(anEditor), patch(script.SetRole(false), script.NoContent), found(aViewer)),
			expectation{grants: viewer, annos: replaced("editor", "u1"), changes: becomesViewer},
		},
		"Editor for an unknown role": {"grant editor", steps(found(hasNoRole), patch(script.SetRole(true), script.OK(anEditor)), found(anEditor)), asEditor},
		"Viewer for an unreadable role": {
			"grant viewer",
			steps(found(script.User{ID: "u1", Active: true, Editor: "perhaps"}), patch(script.SetRole(false), script.OK(aViewer)), found(aViewer)),
			asViewer,
		},
		"Editor for an inactive Viewer": {"grant editor", steps(found(anInactiveViewer), patch(script.ActivateAs(true), script.OK(anEditor)), found(anEditor)), asEditor},
		"Viewer for an inactive Editor": {"grant viewer", steps(found(anInactiveEditor), patch(script.ActivateAs(false), script.OK(aViewer)), found(aViewer)), asViewer},
		"Editor for an inactive Editor": {"grant editor", steps(found(anInactiveEditor), patch(script.ActivateAs(true), script.OK(anEditor)), found(anEditor)), asEditor},
		"a user who is gone":            {"grant editor", nobody(), fails(codes.NotFound, "the account is gone")},
		"a user who goes in between": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.NotFound()), nobody()),
			fails(codes.NotFound, "the account is gone"),
		},
		"404 to the change of a user who is there": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.NotFound()), found(aViewer)),
			fails(codes.FailedPrecondition, "the user is there, and was not changed"),
		},
		"ignored in both forms": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.OK(aViewer)), still(aViewer), patch(script.SetRoleNested(true), script.NoContent), still(aViewer)),
			ignored,
		},
		"the answer holds the wish, and no read shows it": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.OK(anEditor)), still(aViewer), patch(script.SetRoleNested(true), script.OK(anEditor)), still(aViewer)),
			ignored,
		},
		"the reads lag behind": {"grant editor", steps(found(aViewer), patch(script.SetRole(true), script.OK(anEditor)), still(aViewer)[:3], found(anEditor)), promoted},
		"listed and not reachable": {
			"grant editor",
			unreachable(aViewer),
			fails(codes.FailedPrecondition, "the API lists this user, who cannot be reached at their own address"),
		},
		"a 502, and the repeat refused": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.Reply{Status: 502}), patch(script.SetRole(true), script.Refused(400, "", "no valid fields to update")), found(anEditor)),
			promoted,
		},
		"no seat, in the server's own words": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.Refused(403, "", "User limit reached"))),
			fails(codes.PermissionDenied, "answered 403 Forbidden: User limit reached"),
		},
		"the user is deactivated by it": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.NoContent), found(anInactiveEditor)),
			fails(codes.FailedPrecondition, "changed the status from active to inactive as well"),
		},
		"the path form is accepted and ignored": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.OK(aViewer)), still(aViewer), patch(script.SetRoleNested(true), script.OK(anEditor)), found(anEditor)),
			promoted,
		},
		"the role alone is ignored": {
			"grant viewer",
			steps(found(anInactiveEditor), patch(script.ActivateAs(false), script.NoContent), found(anEditor), patch(script.ActivateAsNested(false), script.NoContent), found(aViewer)),
			asViewer,
		},
		"the path form is refused with 400 invalidPath":  {"grant editor", refusedForm(400, "invalidPath"), promoted},
		"the path form is refused with 400 noTarget":     {"grant editor", refusedForm(400, "noTarget"), promoted},
		"the path form is refused with 400 invalidValue": {"grant editor", refusedForm(400, "invalidValue"), promoted},
		"the path form is refused with a scimType null":  {"grant editor", refusedForm(400, "null"), promoted},
		"the path form is refused with 422":              {"grant editor", refusedForm(422, ""), promoted},
		"both forms are refused": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.Refused(400, "noTarget", "")), patch(script.SetRoleNested(true), script.Refused(400, "invalidValue", "no seats left"))),
			fails(codes.InvalidArgument, "no seats left"),
		},
		"forbidden": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.Refused(403, "", "not you"))),
			fails(codes.PermissionDenied, "not you"),
		},
		"202, and not applied yet": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), accepted), still(aViewer)),
			fails(codes.FailedPrecondition, "accepted, not applied yet"),
		},
		"202, and applied": {"grant editor", steps(found(aViewer), patch(script.SetRole(true), accepted), found(anEditor)), promoted},
		"accepted, and the role is not reported": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.NoContent), found(hasNoRole)),
			fails(codes.FailedPrecondition, "does not report whether it was applied"),
		},
		"one answer is lost": {
			"grant editor",
			steps(found(aViewer), patch(script.SetRole(true), script.Lost), patch(script.SetRole(true), script.OK(anEditor)), found(anEditor)),
			promoted,
		},
		"all answers are lost, and the role shows": {"grant editor", steps(steps(found(aViewer)), four(patch(script.SetRole(true), script.Lost)), found(anEditor)), promoted},
		"all answers are lost, and the role does not show": {
			"grant editor",
			steps(found(aViewer), four(patch(script.SetRole(true), script.Lost)), still(aViewer)),
			fails(codes.Unavailable, "PATCH"),
		},
		"404, and active is not reported": {
			"grant viewer",
			steps(found(anUntoldViewer), patch(script.ActivateAs(false), script.NotFound()), found(anUntoldViewer)),
			fails(codes.FailedPrecondition, "the user is there, and was not changed"),
		},
		"202, and active is not reported": {
			"grant viewer",
			steps(found(anUntoldViewer), patch(script.ActivateAs(false), accepted), still(anUntoldViewer)),
			fails(codes.FailedPrecondition, "accepted, not applied yet"),
		},
		"all answers are lost, and active is not reported": {
			"grant viewer",
			steps(found(anUntoldViewer), four(patch(script.ActivateAs(false), script.Lost)), still(anUntoldViewer)),
			fails(codes.Unavailable, "PATCH"),
		},
		"half of it is stored, and the rest fails": {
			"grant viewer",
			steps(found(anInactiveEditor), four(patch(script.ActivateAs(false), failed)), found(anInactiveViewer)),
			fails(codes.Unavailable, "500"),
		},
		"half of it is stored at first": {
			"grant viewer",
			steps(found(anInactiveEditor), patch(script.ActivateAs(false), failed), patch(script.ActivateAs(false), script.OK(aViewer)), found(aViewer)),
			asViewer,
		},
		"the read fails three times": {
			"grant editor",
			steps(read(down), read(script.Lost), read(script.Reply{Status: 429, RetryAfter: "20"}), found(anEditor)),
			expectation{grants: editor, annos: alreadyExists},
		},
		"the read is refused":                     {"grant editor", steps(read(script.Refused(401, "", ""))), fails(codes.Unauthenticated, "the SCIM token was refused")},
		"the read is answered with somebody else": {"grant editor", steps(read(script.OK(somebody))), fails(codes.FailedPrecondition, "not the user that was asked for")},
	})
}

// refusedForm is a promotion whose first form is refused.
func refusedForm(status int, scimType string) []script.Step {
	return steps(found(aViewer), patch(script.SetRole(true), script.Refused(status, scimType, "")), patch(script.SetRoleNested(true), script.OK(anEditor)), found(anEditor))
}

func TestRevokeByTheStateFound(t *testing.T) {
	demote := func(reply script.Reply) []script.Step { return patch(script.SetRole(false), reply) }
	leave := func(reply script.Reply) []script.Step { return patch(script.SetActive(false), reply) }
	demoted := expectation{changes: changed("role revoked", "u1", "editor")}
	left := expectation{changes: changed("role revoked", "u1", "viewer")}
	deleted := v2.ResourceDeleted_builder{ResourceId: principal("user", "u1").GetId()}.Build()
	leftForGood := expectation{annos: []proto.Message{deleted}, changes: left.changes}
	stale := expectation{annos: alreadyRevoked}
	unapplied := fails(codes.FailedPrecondition, "the user is there, and was not changed")
	ignored := fails(codes.FailedPrecondition, "accepted the change but did not apply it")
	untold := script.User{ID: "u1"}
	runRows(t, map[string]row{
		"Editor of an Editor, confirmed by the answer": {"revoke editor", steps(found(anEditor), demote(script.OK(aViewer)), found(aViewer)), demoted},
		"Editor of an Editor, confirmed by a read":     {"revoke editor", steps(found(anEditor), demote(script.NoContent), found(aViewer)), demoted},
		"Editor of an unknown role":                    {"revoke editor", steps(found(hasNoRole), demote(script.OK(aViewer)), found(aViewer)), demoted},
		"Editor where active is never reported":        {"revoke editor", steps(found(anUntoldEditor), demote(script.OK(anUntoldViewer)), found(anUntoldViewer)), demoted},
		"Editor of a Viewer":                           {"revoke editor", steps(found(aViewer)), expectation{annos: alreadyRevoked, reason: "is not an Editor"}},
		"Editor of an inactive Editor":                 {"revoke editor", steps(found(anInactiveEditor)), expectation{annos: alreadyRevoked, reason: "is inactive already"}},
		"Editor of a user who is gone":                 {"revoke editor", nobody(), expectation{annos: alreadyRevoked, reason: "there is no user with the ID "}},
		"Editor of a user who goes in between":         {"revoke editor", steps(found(anEditor), demote(script.NotFound()), nobody()), stale},
		"Editor, 404 though the user is there":         {"revoke editor", steps(found(anEditor), demote(script.NotFound()), found(anEditor)), unapplied},
		"Editor, 404 though it was changed":            {"revoke editor", steps(found(anEditor), demote(script.NotFound()), found(aViewer)), demoted},
		"Editor, ignored in both forms": {
			"revoke editor",
			steps(found(anEditor), demote(script.OK(anEditor)), still(anEditor), patch(script.SetRoleNested(false), script.OK(anEditor)), still(anEditor)),
			ignored,
		},
		"Editor, the answers are lost, and it shows": {"revoke editor", steps(found(anEditor), four(demote(script.Lost)), found(aViewer)), demoted},
		"Editor, the answers are lost":               {"revoke editor", steps(found(anEditor), four(demote(script.Lost)), still(anEditor)), fails(codes.Unavailable, "PATCH")},

		"Viewer whose record stays":                {"revoke viewer", steps(found(aViewer), leave(script.OK(anInactiveViewer)), found(anInactiveViewer)), left},
		"Viewer whose record goes":                 {"revoke viewer", steps(found(aViewer), leave(script.NoContent), gone()), leftForGood},
		"Viewer where active is left out if false": {"revoke viewer", steps(found(aViewer), leave(script.OK(anUntoldViewer)), found(anUntoldViewer)), left},
		"Viewer where active is never reported": {
			"revoke viewer",
			steps(found(anUntoldViewer), leave(script.OK(anUntoldViewer)), still(anUntoldViewer)),
			fails(codes.FailedPrecondition, "does not report whether it was applied"),
		},
		"Viewer of an Editor":                  {"revoke viewer", steps(found(anEditor)), expectation{annos: alreadyRevoked, reason: "is not a Viewer"}},
		"Viewer of an inactive Viewer":         {"revoke viewer", steps(found(anInactiveViewer)), stale},
		"Viewer of an inactive Editor":         {"revoke viewer", steps(found(anInactiveEditor)), stale},
		"Viewer of a user who is gone":         {"revoke viewer", nobody(), stale},
		"Viewer of a user who goes in between": {"revoke viewer", steps(found(aViewer), leave(script.NotFound()), nobody()), stale},
		"Viewer, 404 though the user is there": {"revoke viewer", steps(found(aViewer), leave(script.NotFound()), found(aViewer)), unapplied},
		"Viewer of an unknown role":            {"revoke viewer", steps(found(untold)), fails(codes.FailedPrecondition, "does not report this user's role")},
		"Viewer, the path form is refused": {
			"revoke viewer",
			steps(found(aViewer), leave(script.Refused(400, "noTarget", "")), patch(script.SetActiveNested(false), script.NoContent), gone()),
			leftForGood,
		},
		"Viewer, ignored in both forms": {
			"revoke viewer",
			steps(found(aViewer), leave(script.NoContent), still(aViewer), patch(script.SetActiveNested(false), script.NoContent), still(aViewer)),
			ignored,
		},
		"Viewer, 202 and not applied yet": {
			"revoke viewer",
			steps(found(aViewer), leave(accepted), still(aViewer)),
			fails(codes.FailedPrecondition, "accepted, not applied yet"),
		},
		"Viewer, the answers are lost and the record is gone":     {"revoke viewer", steps(found(aViewer), four(leave(script.Lost)), nobody()), leftForGood},
		"Viewer, one answer is lost and the record is gone":       {"revoke viewer", steps(found(aViewer), leave(script.Lost), leave(script.NotFound()), nobody()), leftForGood},
		"Viewer, the answers are lost and the record is inactive": {"revoke viewer", steps(found(aViewer), four(leave(script.Lost)), found(anInactiveViewer)), left},
		"Viewer, listed and not reachable": {
			"revoke viewer",
			unreachable(aViewer),
			fails(codes.FailedPrecondition, "the API lists this user, who cannot be reached at their own address"),
		},
		"Viewer, the answer is inactive, and no read is": {
			"revoke viewer",
			steps(found(aViewer), leave(script.OK(anInactiveViewer)), still(aViewer), patch(script.SetActiveNested(false), script.OK(anInactiveViewer)), still(aViewer)),
			ignored,
		},
		"Viewer, the reads lag behind":            {"revoke viewer", steps(found(aViewer), leave(script.NoContent), still(aViewer)[:2], found(anInactiveViewer)), left},
		"Viewer, the record goes late":            {"revoke viewer", steps(found(aViewer), leave(script.NoContent), still(aViewer)[:2], gone()), leftForGood},
		"Viewer, one answer lost, repeat refused": {"revoke viewer", steps(found(aViewer), leave(script.Lost), leave(script.Refused(409, "", "")), found(anInactiveViewer)), left},
		"Viewer who becomes an Editor by leaving": {
			"revoke viewer",
			steps(found(aViewer), leave(script.NoContent), found(anInactiveEditor)),
			fails(codes.FailedPrecondition, "changed the role from viewer to editor as well"),
		},
		"Viewer, accepted, and nobody may look": {
			"revoke viewer",
			steps(found(aViewer), leave(script.NoContent), read(script.Refused(401, "", ""))),
			fails(codes.Unauthenticated, "the change was accepted, and could not be confirmed: the SCIM token was refused"),
		},
		"Viewer, the answers are lost and nobody can look": {
			"revoke viewer",
			steps(found(aViewer), four(leave(script.Lost)), four(read(down))),
			fails(codes.Unavailable, "PATCH"),
		},
	})
}

func TestAnIDThatIsAnAddressStaysOutOfLogAndErrors(t *testing.T) {
	user := func(editor bool) script.Reply {
		return script.OK(script.User{ID: ada, UserName: ada, Active: true, Editor: editor})
	}
	scripted(t, []script.Step{script.Get(ada, user(false)), script.Patch(ada, script.SetRole(true), user(true)), script.Get(ada, user(true))},
		func(p *provisioner) outcome { return p.do("grant editor", ada, "") },
		expectation{
			grants:  []string{synctest.GrantID("editor", ada)},
			annos:   replaced("viewer", ada),
			changes: changed("role granted", "{id}", "editor"),
		})
	scripted(t, []script.Step{script.Get(ada, user(true)), script.Patch(ada, script.SetRole(false), script.Refused(403, "", "not for "+ada))},
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
		"no principal":                  {nil, entitlement("role", "editor"), users},
		"a principal without an id":     {principal("user", ""), entitlement("role", "editor"), users},
		"a role as principal":           {principal("role", "viewer"), entitlement("role", "editor"), `not to a resource of type "role"`},
		"no entitlement":                {principal("user", "u1"), nil, roles},
		"an unknown role":               {principal("user", "u1"), entitlement("role", "admin"), roles},
		"a role in capitals":            {principal("user", "u1"), entitlement("role", "Editor"), roles},
		"another type's resource":       {principal("user", "u1"), entitlement("user", "editor"), roles},
		"another entitlement of a role": {principal("user", "u1"), v2.Entitlement_builder{Resource: entitlement("role", "editor").GetResource(), Slug: "owner"}.Build(), `no entitlement "owner"`},
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
