//go:build unix

// Package e2e tests the real binaries: one-shot, service mode and lambda, against the
// simulated workspace and stand-ins for ConductorOne's side, all on loopback.
package e2e

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestMain(m *testing.M) {
	// The binaries are static, as those of a release are, and as the pod needs them.
	if err := os.Setenv("CGO_ENABLED", "0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(launch.Main(m))
}

var (
	// twelve is a workspace with every kind of user, among them one who is inactive
	// and one without a role, and whose inactive users stay. A listing has pages.
	twelve = sim.Config{Users: 12, PageSize: 5, DeactivationKeeps: true}
	// leaving is the same, but deactivation removes the record.
	leaving = sim.Config{Users: 12, PageSize: 5}

	editorRole, viewerRole = batontest.Roles[true], batontest.Roles[false]
)

const (
	userType = "user"
	ada      = "ada@example.com"

	// What else than a role may have become of a user.
	inactive, gone = "inactive", "gone"
)

// with returns the users after one of them has got a role, or has become inactive or gone.
func with(users []sim.User, id, state string) []sim.User {
	users = slices.Clone(users)
	i := slices.IndexFunc(users, func(u sim.User) bool { return u.ID == id })
	switch editor := state == editorRole; state {
	case gone:
		return slices.Delete(users, i, i+1)
	case inactive:
		users[i].Active = false
	default:
		users[i].Active, users[i].Editor = true, &editor
	}
	return users
}

// person returns the first user that matches, who must exist.
func person(t *testing.T, w *faults.Workspace, match func(sim.User) bool) sim.User {
	t.Helper()
	users := w.Users()
	i := slices.IndexFunc(users, match)
	if i < 0 {
		t.Fatal("the workspace has no such user")
	}
	return users[i]
}

func isEditor(u sim.User) bool   { return batontest.RoleOf(u) == editorRole }
func isViewer(u sim.User) bool   { return batontest.RoleOf(u) == viewerRole }
func isInactive(u sim.User) bool { return !u.Active }
func hasNoRole(u sim.User) bool  { return u.Active && u.Editor == nil }

// newUser returns the only user with Ada's address.
func newUser(t *testing.T, w *faults.Workspace) sim.User {
	t.Helper()
	users := slices.DeleteFunc(w.Users(), func(u sim.User) bool { return u.UserName != ada })
	if len(users) != 1 {
		t.Fatalf("%d users are called %s, want one", len(users), ada)
	}
	return users[0]
}

// untouched fails the test when a request that may change something has come since the last look.
func untouched(t *testing.T, w *faults.Workspace) {
	t.Helper()
	if changes := w.TakeChanges(); len(changes) != 0 {
		t.Errorf("the workspace was sent %v", changes)
	}
}

// readOnce fails the test when a sync has read the users more than once since the
// last look. Every page of 5 begins with the last row of the one before; two requests
// more are for the end of the list and for the validation.
func readOnce(t *testing.T, w *faults.Workspace) {
	t.Helper()
	users, requests := len(w.Users()), w.TakeRequests()
	if budget := (users+3)/4 + 2 + 1; len(requests) > budget {
		t.Errorf("%d requests for %d users in pages of 5, want at most %d: %v", len(requests), users, budget, requests)
	}
	if i := slices.IndexFunc(requests, func(r string) bool { return r[:len(http.MethodGet)] != http.MethodGet }); i >= 0 {
		t.Errorf("a sync has sent %s", requests[i])
	}
}

// served serves a workspace, and returns a folder for runs against it, with additional environment variables.
func served(t *testing.T, cfg sim.Config, env ...string) (*faults.Workspace, *launch.Folder) {
	t.Helper()
	w := faults.Serve(t, cfg)
	f := launch.NewFolder(t, w)
	f.Env = append(f.Env, env...)
	return w, f
}

// held starts a run and waits until a request of it is held back, after so many others. It returns the run, and
// the function that releases the request.
func held(w *faults.Workspace, f *launch.Folder, after int, args ...string) (*launch.Process, func()) {
	hold, release := faults.Hold()
	w.Set(faults.Rule{Fault: hold, After: after, Times: 1})
	p := f.Start(args...)
	p.Until(w.Struck())
	return p, release
}

func grantArgs(role, user string) []string {
	return []string{"--grant-entitlement", batontest.Entitlement(role).GetId(), "--grant-principal", user, "--grant-principal-type", userType}
}

func revokeArgs(role, user string) []string {
	return []string{"--revoke-grant", batontest.Grant(role, user).GetId()}
}

func deleteArgs(user string) []string {
	return []string{"--delete-resource", user, "--delete-resource-type", userType}
}

func actionArgs(name, user string) []string {
	return []string{"--invoke-action", name, "--invoke-action-args", `{"user_id":"` + user + `"}`}
}
