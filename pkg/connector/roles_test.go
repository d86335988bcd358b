package connector_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

func TestTheTestsKnowEachRole(t *testing.T) {
	assertIDs(t, "roles", maps.Values(batontest.Roles), connector.RoleIDs()...)
}

func TestEachRoleIsGrantedSyncedRevokedAndNoLongerHeld(t *testing.T) {
	for _, role := range connector.RoleIDs() {
		for _, keeps := range []bool{true, false} {
			w := newWorkspace(t, sim.Config{Users: 3, DeactivationKeeps: keeps})
			p, h := newProvisioner(t, w.url, token), start(t, w.url)
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
