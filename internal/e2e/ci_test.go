//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// ciRun goes through the steps of one of the actions that ConductorOne publishes for the CI of connectors, with
// the real binary and the same flags, up to the first step that fails:
//
//	https://github.com/ConductorOne/github-workflows/tree/main/actions
//
// What those actions read of a sync with the baton command is read from its file here; make demo runs that command.
// The capabilities that they look for stand in baton_capabilities.json.
type ciRun struct {
	*launch.Folder

	t      *testing.T
	w      *faults.Workspace
	failed string // the step that has failed, "" for none
}

// step takes a step, unless an earlier one has failed.
func (c *ciRun) step(name string, ok func() bool) {
	if c.failed == "" && !ok() {
		c.failed = name
	}
}

// runs is a step in which the connector has to exit with 0.
func (c *ciRun) runs(name string, args ...string) {
	c.step(name, func() bool {
		code, _ := c.Run(args...)
		return code == 0
	})
}

func (c *ciRun) synced() batontest.Access {
	c.t.Helper()
	picture, err := batontest.Read(c.t.Context(), c.File)
	if err != nil {
		c.t.Fatal(err)
	}
	return picture.Access()
}

// grantIs is two steps: a sync, and that it has a grant, or has it not.
func (c *ciRun) grantIs(name, grant string, want bool) {
	c.runs("a sync before: " + name)
	c.step(name, func() bool {
		_, there := c.synced()["grant "+grant]
		return there == want
	})
}

// syncTest is actions/sync-test.
func syncTest(role string, who func(sim.User) bool) func(*ciRun) {
	return func(c *ciRun) {
		user := person(c.t, c.w, who).ID
		id := batontest.Grant(role, user).GetId()
		grant := []string{"--grant-entitlement=" + batontest.Entitlement(role).GetId(), "--grant-principal=" + user, "--grant-principal-type=" + userType}
		c.runs("sync")
		c.runs("grant", grant...)
		c.grantIs("the grant is there", id, true)
		c.runs("grant again", grant...)
		c.runs("revoke", "--revoke-grant="+id)
		c.runs("revoke again", "--revoke-grant="+id)
		c.grantIs("the grant is gone", id, false)
		c.runs("grant anew", grant...)
		c.grantIs("the grant is there anew", id, true)
	}
}

// accountProvisioning is actions/account-provisioning: create is the command of one of its variants, found is by
// what it finds the account.
func accountProvisioning(found string, create ...string) func(*ciRun) {
	return func(c *ciRun) {
		id := ""
		search := func(name string, want int) { // in a new sync
			c.runs("a sync before: " + name)
			c.step(name, func() bool {
				accounts := 0
				for thing, said := range c.synced() {
					if user, ok := strings.CutPrefix(thing, "user "); ok && strings.Contains(said, found) {
						id = user
						accounts++
					}
				}
				return accounts == want
			})
		}
		c.runs("sync")
		search("there is no such account", 0)
		c.runs("create", create...)
		search("there is one such account", 1)
		c.runs("delete", deleteArgs(id)...)
		c.runs("delete again", deleteArgs(id)...) // of which the action takes any exit code
		search("the account is gone", 0)
	}
}

// statusLifecycle is actions/account-status-lifecycle-test, with the connector's actions in the order of one of its
// flows. Those with a single action are the beginnings of those with two.
func statusLifecycle(who func(sim.User) bool, actions ...string) func(*ciRun) {
	return func(c *ciRun) {
		user := person(c.t, c.w, who).ID
		c.runs("sync")
		for _, action := range actions {
			c.runs(action, "--invoke-action="+action, `--invoke-action-args={"user_id":"`+user+`"}`)
			c.runs("sync after " + action)
			c.step("the status after "+action, func() bool { // of a user who is not there: not enabled
				return strings.HasSuffix(c.synced()["user "+user], ", enabled true") == (action == "enable_user")
			})
		}
	}
}

func TestTheStepsOfTheCIActions(t *testing.T) {
	t.Parallel()
	const (
		enable, disable = "enable_user", "disable_user"

		email   = "--create-account-email=" + ada
		login   = "--create-account-login=" + ada
		profile = `--create-account-profile={"first_name":"Ada","last_name":"Lovelace","username":"ada","email":"` + ada + `"}`

		byEmail, byLogin, byName = "e-mail " + ada + ",", "login " + ada + ",", "Ada Lovelace, login "
	)
	for name, test := range map[string]struct {
		cfg   sim.Config
		steps func(*ciRun)
		fails string // the step that fails, "" for none
	}{
		"Editor, granted to a Viewer":         {leaving, syncTest(editorRole, isViewer), ""},
		"Editor, granted to an Editor":        {leaving, syncTest(editorRole, isEditor), ""},
		"Editor, granted to a user without":   {leaving, syncTest(editorRole, hasNoRole), ""},
		"Editor, granted to an inactive user": {twelve, syncTest(editorRole, isInactive), ""},
		"Viewer, granted to a Viewer":         {twelve, syncTest(viewerRole, isViewer), ""},
		"Viewer, granted to an Editor":        {twelve, syncTest(viewerRole, isEditor), ""},
		"Viewer, granted to an inactive user": {twelve, syncTest(viewerRole, isInactive), ""},
		// Where deactivation removes the record, revoking Viewer removes the person from the next sync. There is
		// nobody to grant the role to; the account has to be created first.
		"Viewer, where leaving removes the record": {leaving, syncTest(viewerRole, isViewer), "grant anew"},

		"account by e-mail and profile":                  {leaving, accountProvisioning(byEmail, email, profile), ""},
		"account by e-mail and profile, found by name":   {leaving, accountProvisioning(byName, email, profile), ""},
		"account by e-mail alone":                        {leaving, accountProvisioning(byEmail, email), ""},
		"account by login alone":                         {leaving, accountProvisioning(byLogin, login), ""},
		"account by login and e-mail, found by login":    {leaving, accountProvisioning(byLogin, login, email), ""},
		"account by login, e-mail and profile":           {leaving, accountProvisioning(byEmail, login, email, profile), ""},
		"account by login, e-mail and profile, by login": {leaving, accountProvisioning(byLogin, login, email, profile), ""},

		"disable-enable of an Editor":           {twelve, statusLifecycle(isEditor, disable, enable), ""},
		"disable-enable of a Viewer":            {twelve, statusLifecycle(isViewer, disable, enable), ""},
		"disable-enable of an inactive user":    {twelve, statusLifecycle(isInactive, disable, enable), ""},
		"enable-disable of an inactive user":    {twelve, statusLifecycle(isInactive, enable, disable), ""},
		"enable-disable of a Viewer":            {twelve, statusLifecycle(isViewer, enable, disable), ""},
		"enable-disable, the record is removed": {leaving, statusLifecycle(isInactive, enable, disable), ""},
		// Where deactivation removes the record, there is nobody left to enable.
		"disable-enable, the record is removed": {leaving, statusLifecycle(isViewer, disable, enable), enable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := served(t, test.cfg)
			c := &ciRun{Folder: f, t: t, w: w}
			if test.steps(c); c.failed != test.fails {
				t.Errorf("this step has failed: %q, want %q", c.failed, test.fails)
			}
		})
	}
}

var generate = flag.Bool("generate", false, "write the generated files anew")

// make generate writes the files by this test.
func TestGeneratedFilesAreFresh(t *testing.T) {
	dir := t.TempDir()
	run := func(name string, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v", name, args, err)
		}
		return out
	}
	connector := launch.Binary(t, launch.Connector)
	run(launch.Binary(t, launch.Generator))
	settings, err := os.ReadFile(filepath.Join(dir, "conf.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	for file, fresh := range map[string][]byte{
		"pkg/config/conf.gen.go":  settings,
		"config_schema.json":      indented(t, run(connector, "config")),
		"baton_capabilities.json": indented(t, run(connector, "capabilities")),
	} {
		path := filepath.Join("../..", file)
		if *generate {
			if err := os.WriteFile(path, fresh, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if committed, err := os.ReadFile(path); err != nil || !bytes.Equal(committed, fresh) {
			t.Errorf("%s is stale (%v): run make generate and commit the result", file, err)
		}
	}
}

// indented returns a JSON document in one form: the SDK's white space differs from build to build.
func indented(t *testing.T, document []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(document), "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}
