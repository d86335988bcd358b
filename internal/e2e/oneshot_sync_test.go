//go:build unix

package e2e

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestOneShotSyncHoldsTheWorkspaceWhateverItsSize(t *testing.T) {
	t.Parallel()
	for _, users := range []int{0, 1, 100, 101, 3000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, sim.Config{Users: users})
			launch.NewFolder(t, w).Syncs(w.Users())
			if got, budget := len(w.TakeRequests()), (users+98)/99+3; got > budget {
				t.Errorf("%d requests, want at most %d", got, budget)
			}
		})
	}
}

// targeted returns a user of every kind, and what a sync of those alone has to say: entitlements come with the role
// that has them.
func targeted(t *testing.T, w *faults.Workspace) ([]sim.User, batontest.Access) {
	t.Helper()
	var users []sim.User
	for _, match := range []func(sim.User) bool{isEditor, isViewer, isInactive, hasNoRole} {
		users = append(users, person(t, w, match))
	}
	want := batontest.Expected(users)
	maps.DeleteFunc(want, func(thing, _ string) bool { return strings.HasPrefix(thing, "entitlement ") })
	return users, want
}

func TestTargetedSyncHoldsTheUsersAndTheirGrants(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, leaving)
	f := launch.NewFolder(t, w)
	users, want := targeted(t, w)
	var ids []string
	for _, user := range users {
		ids = append(ids, "bid:r:user/"+user.ID)
	}
	f.Succeed("--sync-resources", strings.Join(ids, ","))
	launch.Holds(t, f.File, want)
}

func TestSyncThatCannotWorkSaysWhyAndSealsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env  string
		rule faults.Rule
		code codes.Code
		says string
	}{
		"a wrong token":    {env: "BATON_WHIMSICAL_TOKEN=wrong", code: codes.Unauthenticated, says: "reveal it again in Whimsical's Workspace settings"},
		"an open URL":      {env: "BATON_BASE_URL=http://whimsical.example.com/scim-v2/", code: codes.InvalidArgument, says: "use https"},
		"nothing there":    {rule: faults.Rule{Fault: faults.Named("404 as HTML")}, code: codes.FailedPrecondition, says: "check base-url"},
		"a web page there": {rule: faults.Rule{Fault: faults.Named("HTML with 200")}, code: codes.FailedPrecondition, says: "it is a web page"},
		"another API":      {rule: faults.Rule{Fault: faults.Named("another API")}, code: codes.FailedPrecondition, says: "no SCIM ListResponse"},
		"a refusal midway": {rule: faults.Rule{Fault: faults.Named("403"), After: 4}, code: codes.PermissionDenied, says: "nothing was written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, paged)
			f := launch.NewFolder(t, w)
			f.Env = append(f.Env, test.env)
			if test.rule.Fault.Name != "" {
				w.Set(test.rule)
			}
			f.Fail(test.code, test.says)
			holdsOnly(t, f.Dir)
		})
	}
}
