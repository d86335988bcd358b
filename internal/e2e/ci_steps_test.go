//go:build unix

package e2e

import (
	"encoding/json"
	"os/exec"
	"slices"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The tests of this file go through the steps of the actions that ConductorOne
// publishes for the CI of connectors, with the real binaries and the same flags:
//
//	https://github.com/ConductorOne/github-workflows/tree/main/actions
//
// Those are shell scripts that end with the first step that fails, which the
// functions here return the name of.

// step is a part of a script. It tells whether the script goes on.
type step struct {
	name string
	ok   func() bool
}

// firstFailure runs steps up to the first that fails, and returns its name, or "".
func firstFailure(steps ...step) string {
	for _, step := range steps {
		if !step.ok() {
			return step.name
		}
	}
	return ""
}

// script is a folder in which a script runs.
type script struct {
	*launch.Folder

	t *testing.T
}

func newScript(t *testing.T, w *faults.Workspace) *script {
	t.Helper()
	return &script{launch.NewFolder(t, w), t}
}

// ok tells whether the connector exits with 0.
func (s *script) ok(args ...string) bool {
	code, _ := s.Run(args...)
	return code == 0
}

// succeeds is a step that runs the connector.
func (s *script) succeeds(name string, args ...string) step {
	return step{name, func() bool { return s.ok(args...) }}
}

// baton runs the baton command on the last sync and reads the JSON that it prints.
func (s *script) baton(into any, args ...string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), launch.Binary(s.t, launch.Baton), append(args, "--output-format=json")...) //nolint:gosec // the SDK's own command
	cmd.Dir = s.Dir
	cmd.Env = []string{"HOME=" + s.Dir, "TMPDIR=" + s.Dir}
	printed, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("baton %v: %v", args, err)
	}
	if err := json.Unmarshal(printed, into); err != nil {
		s.t.Fatalf("baton %v: %v\n%s", args, err, printed)
	}
}

// grantOf returns the id of the grant of an entitlement to a user, or "".
func (s *script) grantOf(entitlement, user string) string {
	s.t.Helper()
	var printed struct {
		Grants []struct {
			Grant     struct{ ID string }
			Principal struct{ ID struct{ Resource string } }
		}
	}
	s.baton(&printed, "grants", "--entitlement="+entitlement)
	for _, g := range printed.Grants {
		if g.Principal.ID.Resource == user {
			return g.Grant.ID
		}
	}
	return ""
}

// listedUser is what the scripts read of a user resource.
type listedUser struct {
	id, displayName, login, status string
	emails                         []string
}

func (s *script) listedUsers() []listedUser {
	s.t.Helper()
	var printed struct {
		Resources []struct {
			Resource struct {
				ID          struct{ Resource string }
				DisplayName string
				Annotations []struct {
					Type   string `json:"@type"`
					Login  string
					Emails []struct{ Address string }
					Status struct{ Status string }
				}
			}
		}
	}
	s.baton(&printed, "resources", "-t", userType)
	var users []listedUser
	for _, r := range printed.Resources {
		user := listedUser{id: r.Resource.ID.Resource, displayName: r.Resource.DisplayName}
		for _, a := range r.Resource.Annotations {
			if a.Type != "type.googleapis.com/c1.connector.v2.UserTrait" {
				continue
			}
			user.login, user.status = a.Login, a.Status.Status
			for _, email := range a.Emails {
				user.emails = append(user.emails, email.Address)
			}
		}
		users = append(users, user)
	}
	return users
}

// can tells whether the connector declares a capability.
func (s *script) can(capability string) bool {
	s.t.Helper()
	var declared struct{ ConnectorCapabilities []string }
	code, p := s.Run("capabilities")
	return code == 0 && json.Unmarshal([]byte(p.Stdout.String()), &declared) == nil &&
		slices.Contains(declared.ConnectorCapabilities, capability)
}

// syncTest is actions/sync-test.
func (s *script) syncTest(role, user string) string {
	ent := batontest.Entitlement(role).GetId()
	grant := []string{"--grant-entitlement=" + ent, "--grant-principal=" + user, "--grant-principal-type=" + userType}
	id := ""
	return firstFailure(
		step{"capabilities", func() bool { return s.can("CAPABILITY_PROVISION") }},
		s.succeeds("sync"),
		s.succeeds("grant", grant...),
		s.succeeds("sync after the grant"),
		step{"the grant is there", func() bool { id = s.grantOf(ent, user); return id != "" }},
		s.succeeds("grant again", grant...),
		step{"revoke", func() bool { return s.ok("--revoke-grant=" + id) }},
		step{"revoke again", func() bool { return s.ok("--revoke-grant=" + id) }},
		s.succeeds("sync after the revoke"),
		step{"the grant is gone", func() bool { return s.grantOf(ent, user) == "" }},
		s.succeeds("grant anew", grant...),
		s.succeeds("sync after the new grant"),
		step{"the grant is there anew", func() bool { return s.grantOf(ent, user) != "" }},
	)
}

func TestTheStepsOfTheSyncTestAction(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg  sim.Config
		role string
		who  func(sim.User) bool
		// fails is the step that fails, which is none but for one case.
		fails string
	}{
		"Editor, granted to a Viewer":         {leaving, "editor", isViewer, ""},
		"Editor, granted to an Editor":        {leaving, "editor", isEditor, ""},
		"Editor, granted to a user without":   {leaving, "editor", hasNoRole, ""},
		"Editor, granted to an inactive user": {twelve, "editor", isInactive, ""},
		"Viewer, granted to a Viewer":         {twelve, "viewer", isViewer, ""},
		"Viewer, granted to an Editor":        {twelve, "viewer", isEditor, ""},
		"Viewer, granted to an inactive user": {twelve, "viewer", isInactive, ""},
		// Where deactivation removes the record, revoking Viewer removes the person
		// from the next sync. The SDK finds nobody there to grant the role to; the
		// account has to be created first.
		"Viewer, where leaving removes the record": {leaving, "viewer", isViewer, "grant anew"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, test.cfg)
			if failed := newScript(t, w).syncTest(test.role, person(t, w, test.who).ID); failed != test.fails {
				t.Errorf("this step has failed: %q, want %q", failed, test.fails)
			}
		})
	}
}

// accountProvisioning is actions/account-provisioning: create is the command of one of
// its variants, matches how it finds the account.
func (s *script) accountProvisioning(create []string, matches func(listedUser) bool) string {
	id := ""
	search := func(want int) func() bool {
		return func() bool {
			found := slices.DeleteFunc(s.listedUsers(), func(u listedUser) bool { return !matches(u) })
			if len(found) == 1 {
				id = found[0].id
			}
			return len(found) == want
		}
	}
	remove := func() bool { return s.ok(deleteArgs(id)...) }
	return firstFailure(
		s.succeeds("sync"),
		step{"create capability", func() bool { return s.can("CAPABILITY_ACCOUNT_PROVISIONING") }},
		step{"delete capability", func() bool { return s.can("CAPABILITY_RESOURCE_DELETE") }},
		s.succeeds("sync once more"),
		step{"there is no such account", search(0)},
		s.succeeds("create", create...),
		s.succeeds("sync after the creation"),
		step{"there is one such account", search(1)},
		step{"delete", remove},
		// The script takes any exit code of this one.
		step{"delete again", remove},
		s.succeeds("sync after the deletion"),
		step{"the account is gone", search(0)},
	)
}

func TestTheStepsOfTheAccountProvisioningAction(t *testing.T) {
	t.Parallel()
	const (
		email   = "--create-account-email=" + ada
		login   = "--create-account-login=" + ada
		profile = `--create-account-profile={"first_name":"Ada","last_name":"Lovelace","username":"ada","email":"` + ada + `"}`
	)
	var (
		byEmail = func(u listedUser) bool { return slices.Contains(u.emails, ada) }
		byLogin = func(u listedUser) bool { return u.login == ada }
		byName  = func(u listedUser) bool { return u.displayName == "Ada Lovelace" }
	)
	for name, test := range map[string]struct {
		create  []string
		matches func(listedUser) bool
	}{
		"e-mail and profile":                  {[]string{email, profile}, byEmail},
		"e-mail and profile, found by name":   {[]string{email, profile}, byName},
		"e-mail alone":                        {[]string{email}, byEmail},
		"login and e-mail, found by login":    {[]string{login, email}, byLogin},
		"login, e-mail and profile":           {[]string{login, email, profile}, byEmail},
		"login, e-mail and profile, by login": {[]string{login, email, profile}, byLogin},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, leaving)
			if failed := newScript(t, w).accountProvisioning(test.create, test.matches); failed != "" {
				t.Errorf("this step has failed: %s", failed)
			}
		})
	}
}

// statusLifecycle is actions/account-status-lifecycle-test, with the actions in the
// order of one of its flows.
func (s *script) statusLifecycle(user string, actions ...string) string {
	steps := []step{s.succeeds("sync")}
	for _, action := range actions {
		// The script takes a user who is not there for one who is not enabled.
		enabled := func() bool {
			return slices.ContainsFunc(s.listedUsers(), func(u listedUser) bool {
				return u.id == user && u.status == "STATUS_ENABLED"
			})
		}
		steps = append(steps,
			s.succeeds(action, "--invoke-action="+action, `--invoke-action-args={"user_id":"`+user+`"}`),
			s.succeeds("sync after "+action),
			step{"the status after " + action, func() bool { return enabled() == (action == "enable_user") }},
		)
	}
	return firstFailure(steps...)
}

func TestTheStepsOfTheAccountStatusLifecycleAction(t *testing.T) {
	t.Parallel()
	const enable, disable = "enable_user", "disable_user"
	for name, test := range map[string]struct {
		cfg   sim.Config
		who   func(sim.User) bool
		flow  []string
		fails string
	}{
		"disable-enable of an Editor":           {twelve, isEditor, []string{disable, enable}, ""},
		"disable-enable of a Viewer":            {twelve, isViewer, []string{disable, enable}, ""},
		"disable-enable of an inactive user":    {twelve, isInactive, []string{disable, enable}, ""},
		"enable-disable of an inactive user":    {twelve, isInactive, []string{enable, disable}, ""},
		"enable-disable of a Viewer":            {twelve, isViewer, []string{enable, disable}, ""},
		"enable-disable, the record is removed": {leaving, isInactive, []string{enable, disable}, ""},
		"enable-only":                           {twelve, isInactive, []string{enable}, ""},
		"disable-only":                          {twelve, isViewer, []string{disable}, ""},
		"disable-only, the record is removed":   {leaving, isViewer, []string{disable}, ""},
		// Where deactivation removes the record, there is nobody left to enable.
		"disable-enable, the record is removed": {leaving, isViewer, []string{disable, enable}, enable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, test.cfg)
			if failed := newScript(t, w).statusLifecycle(person(t, w, test.who).ID, test.flow...); failed != test.fails {
				t.Errorf("this step has failed: %q, want %q", failed, test.fails)
			}
		})
	}
}
