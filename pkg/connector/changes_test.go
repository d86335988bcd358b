package connector_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

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
