package connector_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

func userIDIs(value any) *structpb.Struct {
	args, err := structpb.NewStruct(map[string]any{"user_id": value})
	if err != nil {
		panic(err) // a test's own literal
	}
	return args
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
		{"disable, the read behind it is rate limited", disable, steps(found(anEditor), deactivate(noContent), read(limited("9")), gone), disabled},
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

func TestActionsWorkByNameAndOnceMore(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 12, DeactivationKeeps: true})
	h := start(t, w.url)
	user := w.Users()[0]
	for _, action := range []string{"disable_user", "disable_user", "enable_user", "enable_user"} { // each is repeated
		response, err := h.Client.InvokeAction(t.Context(), v2.InvokeActionRequest_builder{Name: action, Args: userIDIs(user.ID)}.Build())
		if err != nil || response.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
			t.Errorf("%s: %v, %v", action, response, err)
		}
		if got := response.GetResponse().GetFields()["user_id"].GetStringValue(); got != user.ID {
			t.Errorf("%s returns the user %q", action, got)
		}
		if now, _ := w.User(user.ID); now.Active != (action == "enable_user") {
			t.Errorf("%s: the user is active: %t", action, now.Active)
		}
	}
}

func TestTheReadsAfterAChangeTakeAFewSeconds(t *testing.T) {
	for stale, want := range []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond} {
		script := steps(found(anEditor), deactivate(noContent), slices.Repeat(found(anEditor), stale), gone)
		scripted(t, script, func(p *provisioner) outcome {
			begin := time.Now()
			o := p.do("disable_user", "u1", "")
			if took := time.Since(begin); took != want {
				t.Errorf("with %d stale reads it took %s, want %s", stale, took, want)
			}
			return o
		}, expectation{changes: changed("user disabled", "u1", "")})
	}
}

func TestTheReadsAfterAChangeEndWithTheContext(t *testing.T) {
	scripted(t, steps(found(anEditor), deactivate(noContent), found(anEditor), found(anEditor)), func(p *provisioner) outcome {
		ctx, cancel := context.WithTimeout(p.ctx, time.Second)
		defer cancel()
		p.ctx = ctx
		begin := time.Now()
		o := p.do("disable_user", "u1", "")
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it took %s, want a second", took)
		}
		return o
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
			held := func(want ...string) {
				t.Helper()
				got := slices.DeleteFunc(slices.Collect(maps.Keys(syncAndRead(t, h).Grants)), func(id string) bool {
					return !slices.ContainsFunc(connector.RoleIDs(), func(role string) bool { return id == batontest.Grant(role, user.ID).GetId() })
				})
				assertIDs(t, "roles of the user", slices.Values(got), want...)
			}
			grant := batontest.Grant(role, user.ID).GetId()
			held()
			p.do("grant "+role, user.ID, "").check(t, expectation{grants: []string{grant}, changes: changed("role granted", user.ID, role)})
			held(grant)
			if o := p.do("revoke "+role, user.ID, ""); o.err != nil || !slices.Equal(o.changes, changed("role revoked", user.ID, role)) {
				t.Errorf("%s: got %v, %q", role, o.err, o.changes)
			}
			if slices.Contains(slices.Collect(maps.Keys(syncAndRead(t, h).Grants)), grant) {
				t.Errorf("%s is still held", role)
			}
			p.do("revoke "+role, user.ID, "").check(t, expectation{annos: alreadyRevoked})
		}
	}
}
