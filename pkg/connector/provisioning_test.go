package connector_test

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

func TestGrantByTheStateFound(t *testing.T) {
	editor, viewer := []string{batontest.Grant("editor", "u1").GetId()}, []string{batontest.Grant("viewer", "u1").GetId()}
	becomesEditor, becomesViewer := changed("role granted", "u1", "editor"), changed("role granted", "u1", "viewer")
	promoted := expectation{grants: editor, annos: replaced("viewer", "u1"), changes: becomesEditor}
	asEditor, asViewer := expectation{grants: editor, changes: becomesEditor}, expectation{grants: viewer, changes: becomesViewer}
	runRows(t, []row{
		{"Editor already", "grant editor", steps(found(anEditor)), expectation{grants: editor, annos: alreadyExists, reason: "is an Editor already"}},
		{"Viewer already", "grant viewer", steps(found(aViewer)), expectation{grants: viewer, annos: alreadyExists}},
		{"active is never reported", "grant viewer", steps(found(untoldViewer), activateViewer(ok(untoldViewer)), found(untoldViewer)), asViewer},
		{"active is left out if false", "grant viewer", steps(found(untoldViewer), activateViewer(noContent), found(aViewer)), asViewer},
		{"active is unreadable", "grant editor", steps(found(scimscript.User{ID: "u1", Active: "maybe", Editor: false}), activateEditor(ok(anEditor)),
			found(anEditor)), asEditor},
		{"Editor for a Viewer, confirmed by the answer", "grant editor", steps(found(aViewer), promote(ok(anEditor)), found(anEditor)), promoted},
		{"Viewer for an Editor, confirmed by a read", "grant viewer", steps(found(anEditor), demote(noContent), found(aViewer)),
			expectation{grants: viewer, annos: replaced("editor", "u1"), changes: becomesViewer}},
		{"Editor for an unknown role", "grant editor", steps(found(hasNoRole), promote(ok(anEditor)), found(anEditor)), asEditor},
		{"Viewer for an unreadable role", "grant viewer", steps(found(scimscript.User{ID: "u1", Active: true, Editor: "perhaps"}), demote(ok(aViewer)),
			found(aViewer)), asViewer},
		{"Editor for an inactive Viewer", "grant editor", steps(found(exViewer), activateEditor(ok(anEditor)), found(anEditor)), asEditor},
		{"Viewer for an inactive Editor", "grant viewer", steps(found(exEditor), activateViewer(ok(aViewer)), found(aViewer)), asViewer},
		{"Editor for an inactive Editor", "grant editor", steps(found(exEditor), activateEditor(ok(anEditor)), found(anEditor)), asEditor},
		{"a user who is gone", "grant editor", nobody, fails(codes.NotFound, "the account is gone")},
		{"a user who goes in between", "grant editor", steps(found(aViewer), promote(notFound), nobody), fails(codes.NotFound, "the account is gone")},
		{"404 to the change of a user who is there", "grant editor", steps(found(aViewer), promote(notFound), found(aViewer)), unapplied},
		{"ignored in both forms", "grant editor", steps(found(aViewer), promote(ok(aViewer)), still(aViewer), promoteNested(noContent), still(aViewer)), ignored},
		{"listed and not reachable", "grant editor", unreachable(aViewer), notReached},
		{"no seat, in the server's own words", "grant editor", steps(found(aViewer), promote(refused(403, "", "User limit reached"))),
			fails(codes.PermissionDenied, "answered 403 Forbidden: User limit reached")},
		{"the role alone is ignored", "grant viewer", steps(found(exEditor), activateViewer(noContent), found(anEditor), activateViewerNested(noContent),
			found(aViewer)), asViewer},
		{"all answers are lost, and the role shows", "grant editor", steps(found(aViewer), four(promote(lost)), found(anEditor)), promoted},
		{"404, and active is not reported", "grant viewer", steps(found(untoldViewer), activateViewer(notFound), found(untoldViewer)), unapplied},
		{"half of it is stored at first", "grant viewer", steps(found(exEditor), activateViewer(failed), activateViewer(ok(aViewer)), found(aViewer)), asViewer},
		{"three reads fail", "grant editor", steps(read(down), read(lost), read(limited("20")), found(anEditor)), expectation{grants: editor, annos: alreadyExists}},
		{"the read is refused", "grant editor", steps(read(refused(401, "", ""))), fails(codes.Unauthenticated, "the SCIM token was refused")},
		{"the read is answered with somebody else", "grant editor", steps(read(ok(somebody))), unmet("not the user that was asked for")},
	})
}

func TestRevokeByTheStateFound(t *testing.T) {
	demoted := expectation{changes: changed("role revoked", "u1", "editor")}
	left := expectation{changes: changed("role revoked", "u1", "viewer")}
	deleted := rs.AppendResourceDeleted(nil, batontest.Resource("user", "u1").GetId())
	leftForGood := expectation{annos: deleted, changes: left.changes}
	stale := expectation{annos: alreadyRevoked}
	untold := scimscript.User{ID: "u1"}
	runRows(t, []row{
		{"Editor of an Editor, confirmed by the answer", "revoke editor", steps(found(anEditor), demote(ok(aViewer)), found(aViewer)), demoted},
		{"Editor of an Editor, confirmed by a read", "revoke editor", steps(found(anEditor), demote(noContent), found(aViewer)), demoted},
		{"Editor of an unknown role", "revoke editor", steps(found(hasNoRole), demote(ok(aViewer)), found(aViewer)), demoted},
		{"Editor where active is never reported", "revoke editor", steps(found(untoldEditor), demote(ok(untoldViewer)), found(untoldViewer)), demoted},
		{"Editor of a Viewer", "revoke editor", steps(found(aViewer)), expectation{annos: alreadyRevoked, reason: "is not an Editor"}},
		{"Editor of an inactive Editor", "revoke editor", steps(found(exEditor)), expectation{annos: alreadyRevoked, reason: "is inactive already"}},
		{"Editor of a user who is gone", "revoke editor", nobody, expectation{annos: alreadyRevoked, reason: "there is no user with the ID u1"}},
		{"Editor of a user who goes in between", "revoke editor", steps(found(anEditor), demote(notFound), nobody), stale},
		{"Editor, 404 though the user is there", "revoke editor", steps(found(anEditor), demote(notFound), found(anEditor)), unapplied},
		{"Editor, the answers are lost, and it shows", "revoke editor", steps(found(anEditor), four(demote(lost)), found(aViewer)), demoted},
		{"Viewer whose record stays", "revoke viewer", steps(found(aViewer), deactivate(ok(exViewer)), found(exViewer)), left},
		{"Viewer whose record goes", "revoke viewer", steps(found(aViewer), deactivate(noContent), gone), leftForGood},
		{"Viewer where active is left out if false", "revoke viewer", steps(found(aViewer), deactivate(ok(untoldViewer)), found(untoldViewer)), left},
		{"Viewer where active is never reported", "revoke viewer", steps(found(untoldViewer), deactivate(ok(untoldViewer)), still(untoldViewer)), unconfirmed},
		{"Viewer of an Editor", "revoke viewer", steps(found(anEditor)), expectation{annos: alreadyRevoked, reason: "is not a Viewer"}},
		{"Viewer of an inactive Viewer", "revoke viewer", steps(found(exViewer)), stale},
		{"Viewer of an inactive Editor", "revoke viewer", steps(found(exEditor)), stale},
		{"Viewer of a user who is gone", "revoke viewer", nobody, stale},
		{"Viewer of a user who goes in between", "revoke viewer", steps(found(aViewer), deactivate(notFound), nobody), stale},
		{"Viewer, 404 though the user is there", "revoke viewer", steps(found(aViewer), deactivate(notFound), found(aViewer)), unapplied},
		{"Viewer of an unknown role", "revoke viewer", steps(found(untold)), unmet("does not report this user's role")},
		{"Viewer, the answers are lost and the record is gone", "revoke viewer", steps(found(aViewer), four(deactivate(lost)), nobody), leftForGood},
		{"Viewer, the answers are lost and the record is inactive", "revoke viewer", steps(found(aViewer), four(deactivate(lost)), found(exViewer)), left},
		{"Viewer, listed and not reachable", "revoke viewer", unreachable(aViewer), notReached},
	})
}

func TestAnIDThatIsAnAddressStaysOutOfLogAndErrors(t *testing.T) {
	user := func(editor bool) scimscript.Reply {
		return ok(scimscript.User{ID: ada, UserName: ada, Active: true, Editor: editor})
	}
	scripted(t, []scimscript.Step{scimscript.Get(ada, user(false)), scimscript.Patch(ada, scimscript.SetRole(true), user(true)), scimscript.Get(ada, user(true))},
		func(p *provisioner) outcome { return p.do("grant editor", ada, "") },
		expectation{grants: []string{batontest.Grant("editor", ada).GetId()}, annos: replaced("viewer", ada), changes: changed("role granted", "{id}", "editor")})
	scripted(t, []scimscript.Step{scimscript.Get(ada, user(true)), scimscript.Patch(ada, scimscript.SetRole(false), refused(403, "", "not for "+ada))},
		func(p *provisioner) outcome { return p.do("revoke editor", ada, "") },
		fails(codes.PermissionDenied, "not for [e-mail]"))
}

func TestWrongArgumentsAreRefusedBeforeAnyRequest(t *testing.T) {
	const roles, users = "the roles are editor and viewer", "to a user only"
	const accountRoles = "it must be editor, viewer or default, or empty for viewer"
	const malformed = "the account's email is not an e-mail address: give it in the form person@example.com"
	user, editor := batontest.Resource("user", "u1"), batontest.Entitlement("editor")
	of := func(resource *v2.Resource, slug string) *v2.Entitlement {
		return v2.Entitlement_builder{Resource: resource, Slug: slug}.Build()
	}
	type refusal struct {
		call func(*provisioner) outcome
		says string
	}
	change := func(principal *v2.Resource, held *v2.Entitlement, says string) []refusal {
		return []refusal{
			{func(p *provisioner) outcome { return p.grant(principal, held) }, says}, {func(p *provisioner) outcome { return p.revoke(principal, held) }, says},
		}
	}
	remove := func(id *v2.ResourceId) []refusal {
		return []refusal{{func(p *provisioner) outcome { return p.remove(id) }, "only users can be deleted"}}
	}
	act := func(args *structpb.Struct) []refusal {
		var both []refusal
		for _, name := range []string{"enable_user", "disable_user"} {
			both = append(both, refusal{func(p *provisioner) outcome { return p.act(name, args) }, name + " needs the argument user_id"})
		}
		return both
	}
	create := func(a account, says string) []refusal {
		return []refusal{{func(p *provisioner) outcome { return p.create(a.info()) }, says}}
	}
	ofRole := func(role any) []refusal {
		return create(account{primary: ada, profile: map[string]any{"role": role}}, accountRoles)
	}
	for name, refusals := range map[string][]refusal{
		"no account":                        {{func(p *provisioner) outcome { return p.create(nil) }, "set email"}},
		"no e-mail":                         create(account{}, "set email"),
		"an e-mail that is not the primary": create(account{secondary: ada}, "set email"),
		"an e-mail without a domain":        create(account{primary: "ada"}, malformed),
		"a name with the e-mail":            create(account{primary: "Ada <ada@example.com>"}, malformed),
		"two e-mails":                       create(account{primary: "ada@example.com, grace@example.com"}, malformed),
		"a line break in the e-mail":        create(account{primary: "ada@example.com\r\nx: y"}, malformed),
		"an e-mail that is far too long":    create(account{primary: strings.Repeat("a", 250) + "@example.com"}, malformed),
		"a login that is no e-mail":         create(account{login: "ada", profile: map[string]any{"email": ada}}, "the account's login is not an e-mail address"),
		"a malformed e-mail in the profile": create(account{profile: map[string]any{"email": "ada@"}}, "the account's profile.email is not an e-mail address"),
		"an e-mail that is no text":         create(account{profile: map[string]any{"email": 7}}, "set email"),
		"an unknown account role":           ofRole("admin"),
		"a role that is a boolean":          ofRole(true),
		"a role that is a list":             ofRole([]any{"editor"}),
		"a role that names a person":        ofRole(ada),
		"no principal":                      change(nil, editor, users),
		"a principal without an id":         change(batontest.Resource("user", ""), editor, users),
		"a role as principal":               change(batontest.Resource("role", "viewer"), editor, `not to a resource of type "role"`),
		"no entitlement":                    change(user, nil, roles),
		"an unknown role":                   change(user, batontest.Entitlement("admin"), roles),
		"a role in capitals":                change(user, batontest.Entitlement("Editor"), roles),
		"another type's resource":           change(user, of(batontest.Resource("user", "editor"), "assigned"), roles),
		"another entitlement of a role":     change(user, of(editor.GetResource(), "owner"), `no entitlement "owner"`),
		"nobody is deleted":                 remove(nil),
		"a user without an id":              remove(batontest.Resource("user", "").GetId()),
		"a role is deleted":                 remove(batontest.Resource("role", "viewer").GetId()),
		"no arguments":                      act(nil),
		"another argument":                  act(object(map[string]any{"userId": "u1"})),
		"an empty user_id":                  act(userIDIs("")),
		"a user_id of spaces":               act(userIDIs("  ")),
		"a user_id that is a number":        act(userIDIs(7)),
		"a user_id that is null":            act(userIDIs(nil)),
		"a user_id that is a list":          act(userIDIs([]any{"u1"})),
	} {
		t.Run(name, func(t *testing.T) {
			for _, r := range refusals {
				scripted(t, nil, r.call, fails(codes.InvalidArgument, r.says))
			}
		})
	}
}

func TestEnableAndDisableByTheStateFound(t *testing.T) {
	const enable, disable = "enable_user", "disable_user"
	var (
		missing  = fails(codes.NotFound, "there is no user with this id")
		enabled  = expectation{changes: changed("user enabled", "u1", "")}
		disabled = expectation{changes: changed("user disabled", "u1", "")}
		isActive = expectation{reason: "is active already"}
		inactive = expectation{reason: "is inactive already"}
		goneSoon = expectation{reason: "there is no user with the ID u1"}
	)
	runRows(t, []row{
		{"enable, confirmed by the answer", enable, steps(found(exEditor), activateEditor(ok(anEditor)), found(anEditor)), enabled},
		{"enable, confirmed by a read", enable, steps(found(exEditor), activateEditor(noContent), found(anEditor)), enabled},
		{"enable an active user", enable, steps(found(aViewer)), isActive},
		{"enable, active is left out if false", enable, steps(found(untoldViewer), activateViewer(ok(aViewer)), found(aViewer)), enabled},
		{"enable, active is never reported", enable, steps(found(untoldViewer), activateViewer(ok(untoldViewer)), still(untoldViewer)), unconfirmed},
		{"enable, active is unreadable", enable, steps(found(scimscript.User{ID: "u1", Active: "maybe"}), activate(ok(aViewer)), found(aViewer)), enabled},
		{"enable nobody", enable, nobody, missing},
		{"enable a user who goes in between", enable, steps(found(exEditor), activateEditor(notFound), nobody), missing},
		{"enable, 404 though the user is there", enable, steps(found(exEditor), activateEditor(notFound), found(exEditor)), unapplied},
		{"enable, 202 and not applied yet", enable, steps(found(exEditor), activateEditor(accepted), still(exEditor)), unmet("accepted, not applied yet")},
		{"enable, the answers are lost", enable, steps(found(exEditor), four(activateEditor(lost)), found(anEditor)), enabled},
		{"disable, the record stays", disable, steps(found(anEditor), deactivate(ok(exEditor)), found(exEditor)), disabled},
		{"disable, the record goes", disable, steps(found(anEditor), deactivate(noContent), gone), disabled},
		{"disable an inactive user", disable, steps(found(exEditor)), inactive},
		{"disable, active is left out if false", disable, steps(found(anEditor), deactivate(noContent), found(untoldEditor)), disabled},
		{"disable, active is never reported", disable, steps(found(untoldEditor), deactivate(noContent), still(untoldEditor)), unconfirmed},
		{"disable, active is unreported and goes", disable, steps(found(untoldEditor), deactivate(noContent), gone), disabled},
		{"disable nobody", disable, nobody, goneSoon},
		{"disable a user who goes in between", disable, steps(found(anEditor), deactivate(notFound), nobody), goneSoon},
		{"disable, 404 though the user is there", disable, steps(found(anEditor), deactivate(notFound), found(anEditor)), unapplied},
		{"disable, refused", disable, steps(found(anEditor), deactivate(refused(403, "", "the owner stays"))), fails(codes.PermissionDenied, "the owner stays")},
		{"enable, the role of before comes with it", enable, steps(found(exViewer), activateViewer(noContent), found(aViewer)), enabled},
		{"enable, the workspace's default role comes", enable, steps(found(exViewer), activateViewer(noContent), found(anEditor), activateViewerNested(noContent),
			found(anEditor)), unmet("a read shows the status active and the role editor")},
		{"enable, the role is not reported any more", enable, steps(found(exEditor), activateEditor(noContent), found(hasNoRole)), unconfirmed},
		{"disable, listed and not reachable", disable, unreachable(anEditor), notReached},
		{"enable, listed and not reachable", enable, unreachable(exEditor), notReached},
		{"the read fails four times", disable, four(read(down)), fails(codes.Unavailable, "503")},
		{"the server asks for an hour", disable, steps(read(limited("3600"))), fails(codes.Unavailable, "rate limit")},
	})
}

// disabling disables the user in exactly a time.
func disabling(t *testing.T, takes time.Duration) func(*provisioner) outcome {
	return func(p *provisioner) outcome {
		begin := time.Now()
		o := p.do("disable_user", "u1", "")
		if took := time.Since(begin); took != takes {
			t.Errorf("it took %s, want %s", took, takes)
		}
		return o
	}
}

func TestALateRevokeAfterAnOffboardingBringsNobodyBack(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		w := newWorkspace(t, sim.Config{Users: 12, DeactivationKeeps: keeps})
		p := newProvisioner(t, w.url)
		for _, user := range w.Users() {
			if batontest.RoleOf(user) != "editor" {
				continue
			}
			p.act("disable_user", userIDIs(user.ID)).check(t, expectation{changes: changed("user disabled", user.ID, "")})
			for _, role := range connector.RoleIDs() {
				p.do("revoke "+role, user.ID, "").check(t, expectation{annos: alreadyRevoked})
			}
			if now, there := w.User(user.ID); there != keeps || now.Active {
				t.Errorf("user %s is there: %t, active: %t", user.ID, there, now.Active)
			}
			p.do("delete", user.ID, "")
			p.do("delete", user.ID, "").check(t, expectation{annos: doesNotExist})
			if _, there := w.User(user.ID); there {
				t.Errorf("user %s is there", user.ID)
			}
		}
	}
}

func TestAChangeCostsFewRequestsOnAServerInOrder(t *testing.T) {
	const newcomer = "grace.hopper@example.com"
	for _, cfg := range []sim.Config{{Users: 12}, {Users: 12, DeactivationKeeps: true}} {
		w := newWorkspace(t, cfg)
		p := newProvisioner(t, w.url)
		viewer, editor, inactive := sim.Person(0).ID, sim.Person(1).ID, sim.Person(7).ID
		for _, step := range []struct {
			call, user string
			requests   int64
		}{
			{"grant editor", viewer, 3},
			{"grant editor", viewer, 1},
			{"revoke editor", viewer, 3},
			{"revoke editor", viewer, 1},
			{"enable_user", inactive, 3},
			{"enable_user", inactive, 1},
			{"create viewer", "", 3},
			{"create viewer", "", 1},
			{"delete", editor, 3},
			{"delete", editor, 2},
			{"disable_user", editor, 2},
			{"grant viewer", editor, 2},
			{"revoke viewer", editor, 2},
			{"revoke viewer", viewer, 3},
			{"disable_user", inactive, 3},
		} {
			before := w.requests.Load()
			p.do(step.call, step.user, newcomer)
			if n := w.requests.Load() - before; n != step.requests {
				t.Errorf("%s: %d requests, want %d", step.call, n, step.requests)
			}
		}
	}
	w := newWorkspace(t, sim.Config{PendingUntilLogin: true})
	newProvisioner(t, w.url).do("create viewer", "", newcomer)
	if n := w.requests.Load(); n != 4 {
		t.Errorf("a creation of somebody who is not shown: %d requests, want 4", n)
	}
}

func TestTheReadsAfterAChangeTakeAFewSeconds(t *testing.T) {
	for stale, want := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond} {
		script := steps(found(anEditor), deactivate(noContent), slices.Repeat(found(anEditor), stale), gone)
		scripted(t, script, disabling(t, want), expectation{changes: changed("user disabled", "u1", "")})
	}
}

func TestTheReadsAfterAChangeEndWithTheContext(t *testing.T) {
	scripted(t, steps(found(anEditor), deactivate(noContent), found(anEditor), found(anEditor)), func(p *provisioner) outcome {
		var cancel context.CancelFunc
		p.ctx, cancel = context.WithTimeout(p.ctx, time.Second)
		defer cancel()
		return disabling(t, time.Second)(p)
	}, fails(codes.DeadlineExceeded, "the change was accepted, and could not be confirmed"))
}

func TestTheTestsKnowEachRole(t *testing.T) {
	assertIDs(t, "roles", maps.Values(batontest.Roles), connector.RoleIDs()...)
}

func TestEachRoleIsGrantedSyncedRevokedAndNoLongerHeld(t *testing.T) {
	for _, role := range connector.RoleIDs() {
		for _, keeps := range []bool{true, false} {
			w := newWorkspace(t, sim.Config{Users: 3, DeactivationKeeps: keeps})
			p, h := newProvisioner(t, w.url), start(t, w.url)
			user := w.Add(sim.User{UserName: ada, Email: ada, DisplayName: "Ada", Active: true})
			held := func() iter.Seq[string] {
				grants := syncAndRead(t, h).Grants
				return slices.Values(slices.DeleteFunc(connector.RoleIDs(), func(r string) bool { return grants[batontest.Grant(r, user.ID).GetId()] == nil }))
			}
			assertIDs(t, "roles of the user", held())
			granted := expectation{grants: []string{batontest.Grant(role, user.ID).GetId()}, changes: changed("role granted", user.ID, role)}
			p.do("grant "+role, user.ID, "").check(t, granted)
			assertIDs(t, "roles of the user", held(), role)
			if o := p.do("revoke "+role, user.ID, ""); o.err != nil || !slices.Equal(o.changes, changed("role revoked", user.ID, role)) {
				t.Errorf("%s: got %v, %q", role, o.err, o.changes)
			}
			if slices.Contains(slices.Collect(held()), role) {
				t.Errorf("%s is still held", role)
			}
			p.do("revoke "+role, user.ID, "").check(t, expectation{annos: alreadyRevoked})
		}
	}
}
