//go:build unix

package e2e

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The rules of each operation are tested in pkg/connector; here, each is run through
// the binary once, and what the binary adds: arguments and exit codes.

func TestOneShotGrantsAndRevokes(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	users, viewer := w.Users(), person(t, w, isViewer).ID

	f.Succeed(grantArgs("editor", viewer)...)
	users = with(users, viewer, "editor")
	f.Syncs(users)
	w.TakeRequests()
	f.Succeed(grantArgs("editor", viewer)...)
	if requests := w.TakeRequests(); len(requests) != 1 || !strings.HasPrefix(requests[0], "GET ") {
		t.Errorf("a grant that changes nothing has made the requests %v", requests)
	}
	for _, step := range []struct{ revoke, leaves string }{{"editor", "viewer"}, {"viewer", "inactive"}} {
		f.Succeed(revokeArgs(step.revoke, viewer)...)
		w.TakeRequests()
		f.Succeed(revokeArgs(step.revoke, viewer)...)
		untouched(t, w)
		users = with(users, viewer, step.leaves)
		f.Syncs(users)
	}
}

func TestOneShotGrantsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	leaver := person(t, w, isViewer).ID
	w.Remove(leaver)
	w.TakeRequests()

	// No file is needed: the role and the person are named.
	const known = "there are role:editor:assigned and role:viewer:assigned"
	f.Fail(codes.NotFound, "the account is gone", grantArgs("editor", "nobody")...)
	f.Fail(codes.InvalidArgument, known, grantArgs("admin", person(t, w, isViewer).ID)...)
	f.Fail(codes.InvalidArgument, known, revokeArgs("admin", leaver)...)
	f.Fail(codes.InvalidArgument, "a grant is written as role:editor:assigned:user:ID", "--revoke-grant=role:editor:assigned")
	f.Fail(codes.InvalidArgument, "to a user only", "--grant-entitlement=role:editor:assigned", "--grant-principal=editor", "--grant-principal-type=role")
	f.Fail(codes.NotFound, "the account is gone", grantArgs("editor", leaver)...)
	f.Succeed(revokeArgs("editor", "nobody")...)
	untouched(t, w)
}

func TestOneShotCreatesAccounts(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, sim.Config{Users: 12, PendingUntilLogin: true, DeactivationKeeps: true})
	f := launch.NewFolder(t, w)
	users := w.Users()
	args := []string{"--create-account-email", "Ada@Example.com", "--create-account-profile", `{"first_name":"Ada","family_name":"Lovelace","role":"Editor"}`}
	f.Succeed(args...)
	f.Succeed(args...)
	f.Syncs(users) // until the first login
	w.Login(newUser(t, w).ID)
	created := newUser(t, w)
	if created.GivenName != "Ada" || created.FamilyName != "Lovelace" || created.DisplayName != "Ada Lovelace" || !isEditor(created) {
		t.Errorf("the account created is %+v", created)
	}

	// Who is there already stays as they are; who is inactive is activated.
	f.Succeed("--create-account-email", ada, "--create-account-profile", `{"role":"viewer"}`)
	inactive := person(t, w, isInactive)
	f.Succeed("--create-account-email", inactive.UserName, "--create-account-profile", `{"role":"viewer"}`)
	f.Syncs(append(with(users, inactive.ID, "viewer"), created))
}

func TestOneShotCreatesAnAccountFromAnEMailAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args, env []string
	}{
		"one word":      {args: []string{"--create-account-email=" + ada}},
		"two words":     {args: []string{"--create-account-email", ada}},
		"a variable":    {env: []string{"BATON_CREATE_ACCOUNT_EMAIL=" + ada}},
		"a login alone": {args: []string{"--create-account-login", ada}},
		"both":          {args: []string{"--create-account-login", ada, "--create-account-email=" + ada}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, sim.Config{Users: 1, DefaultRole: "editor"})
			f := launch.NewFolder(t, w)
			f.Env = append(f.Env, test.env...)
			f.Succeed(test.args...)
			if created := newUser(t, w); !isViewer(created) || len(w.Users()) != 2 {
				t.Errorf("the account created is %+v, of %d", created, len(w.Users()))
			}
		})
	}
}

func TestOneShotRefusesAccountsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	const profile = "--create-account-profile"
	for name, test := range map[string]struct {
		code codes.Code
		says string
		args []string
	}{
		"a malformed e-mail":               {codes.InvalidArgument, "valid email", []string{"--create-account-email", "ada"}},
		"a malformed login":                {codes.InvalidArgument, "the account's login is not an e-mail address", []string{"--create-account-login", "ada"}},
		"a malformed e-mail in a profile":  {codes.InvalidArgument, "valid email", []string{profile, `{"email":"ada"}`}},
		"an unknown role":                  {codes.InvalidArgument, "it must be editor, viewer or default", []string{"--create-account-email", ada, profile, `{"role":"admin"}`}},
		"a profile that is no JSON object": {codes.InvalidArgument, "nothing was created", []string{"--create-account-email", ada, profile, `{'role':'viewer'}`}},
		"no e-mail":                        {codes.InvalidArgument, "the account has no e-mail address", []string{profile, `{"first_name":"Ada"}`}},
	} {
		t.Log(name)
		f.Fail(test.code, test.says, test.args...)
	}
	untouched(t, w)
}

func TestOneShotDeletes(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	users, editor := w.Users(), person(t, w, isEditor).ID
	f.Succeed(deleteArgs(editor)...)
	f.Succeed(deleteArgs(editor)...)
	f.Succeed(deleteArgs("nobody")...)
	f.Syncs(with(users, editor, "gone"))
}

func TestOneShotChangesTakeAddresses(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	users, editor, viewer := w.Users(), person(t, w, isEditor), person(t, w, isViewer)

	f.Succeed("--grant-entitlement=role:editor:assigned", "--grant-principal="+strings.ToUpper(viewer.UserName))
	users = with(users, viewer.ID, "editor")
	f.Syncs(users)
	f.Succeed("--revoke-grant=role:editor:assigned:user:" + viewer.UserName)
	users = with(users, viewer.ID, "viewer")
	f.Syncs(users)
	f.Succeed(actionArgs("disable_user", viewer.UserName)...)
	f.Syncs(with(users, viewer.ID, "inactive"))
	f.Succeed(actionArgs("enable_user", viewer.UserName)...)
	f.Syncs(users)
	f.Succeed("--delete-resource", editor.UserName)
	f.Syncs(with(users, editor.ID, "gone"))

	w.TakeRequests()
	const nobody = "nobody in the Whimsical workspace has this e-mail address"
	f.Fail(codes.NotFound, nobody, "--delete-resource", editor.UserName)
	f.Fail(codes.NotFound, nobody, grantArgs("editor", editor.UserName)...)
	f.Fail(codes.NotFound, nobody, revokeArgs("editor", editor.UserName)...)
	f.Fail(codes.NotFound, nobody, actionArgs("disable_user", editor.UserName)...)
	untouched(t, w)
}

func TestOneShotActions(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	users, editor := w.Users(), person(t, w, isEditor).ID

	f.Succeed(actionArgs("disable_user", editor)...)
	w.TakeRequests()
	f.Succeed(actionArgs("disable_user", editor)...)
	untouched(t, w)
	f.Syncs(with(users, editor, "inactive"))
	f.Succeed(actionArgs("enable_user", editor)...)
	f.Syncs(users)

	w.TakeRequests()
	f.Fail(codes.NotFound, "there is no user with this id", actionArgs("enable_user", "nobody")...)
	f.Fail(codes.InvalidArgument, "disable_user needs the argument user_id", "--invoke-action", "disable_user")
	f.Fail(codes.NotFound, "promote_user", actionArgs("promote_user", editor)...)
	untouched(t, w)
}

// That no address is in the log is checked of every run.
func TestOneShotChangesLeaveOneLineInTheLog(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	f.Succeed()
	f.Env = append(f.Env, "BATON_LOG_LEVEL=info")
	viewer := person(t, w, isViewer)
	for _, args := range [][]string{
		{"--create-account-email", ada, "--create-account-profile", `{"role":"viewer","first_name":"Ada"}`},
		grantArgs("editor", viewer.ID),
		actionArgs("disable_user", viewer.ID),
		deleteArgs(viewer.ID),
	} {
		for _, want := range []int{1, 0} { // the second time, nothing changes
			p := f.Succeed(args...)
			if got := strings.Count(p.Stdout.String()+p.Stderr.String(), "workspace changed"); got != want {
				t.Errorf("%v: %d lines of a change, want %d", slices.Clone(args), got, want)
			}
		}
	}
}
