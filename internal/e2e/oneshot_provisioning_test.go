//go:build unix

package e2e

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The rules of each operation are tested in pkg/connector; here, each is run through
// the binary once, and what the binary adds: arguments and exit codes.

// That no address is in the log is checked of every run.
func TestOneShotChanges(t *testing.T) {
	t.Parallel()
	w, f := served(t, twelve, "BATON_LOG_LEVEL=info")
	// twice makes a change and then asks for it once more, which changes nothing.
	twice := func(args ...string) {
		t.Helper()
		for _, want := range []int{1, 0} {
			w.TakeRequests()
			p := f.Succeed(args...)
			if got := strings.Count(p.Stdout.String()+p.Stderr.String(), "workspace changed"); got != want {
				t.Errorf("%q: %d lines of a change, want %d", args, got, want)
			}
		}
		untouched(t, w)
	}
	twice("--create-account-email", ada, "--create-account-profile", `{"role":"viewer","first_name":"Ada"}`)
	users, editor, viewer := w.Users(), person(t, w, isEditor), person(t, w, isViewer)
	for _, test := range []struct {
		args    []string
		becomes string // what the viewer becomes
	}{
		{grantArgs(editorRole, viewer.ID), editorRole},
		{revokeArgs(editorRole, viewer.ID), viewerRole},
		{revokeArgs(viewerRole, viewer.ID), inactive},
		{actionArgs("enable_user", viewer.ID), viewerRole},
		{[]string{"--grant-entitlement=role:editor:assigned", "--grant-principal=" + strings.ToUpper(viewer.UserName)}, editorRole},
		{[]string{"--revoke-grant=role:editor:assigned:user:" + viewer.UserName}, viewerRole},
		{actionArgs("disable_user", viewer.UserName), inactive},
		{actionArgs("enable_user", viewer.UserName), viewerRole},
		{deleteArgs(viewer.ID), gone},
	} {
		twice(test.args...)
		users = with(users, viewer.ID, test.becomes)
		for _, line := range batontest.Expected(w.Users()).Differences(batontest.Expected(users)) {
			t.Errorf("after %q: %s", test.args, line)
		}
	}
	f.Syncs(users)

	w.TakeRequests()
	f.Succeed(grantArgs(editorRole, editor.ID)...)
	if requests := w.TakeRequests(); len(requests) != 1 || !strings.HasPrefix(requests[0], "GET ") {
		t.Errorf("a grant that changes nothing has made the requests %v", requests)
	}
	f.Succeed(revokeArgs(editorRole, "nobody")...)
	f.Succeed(deleteArgs("nobody")...)
	untouched(t, w)
	f.Succeed("--delete-resource", editor.UserName)
	f.Syncs(with(users, editor.ID, gone))
}

func TestOneShotChangesThatCannotBe(t *testing.T) {
	t.Parallel()
	w, f := served(t, twelve) // no file is needed: the role and the person are named
	viewer, leaver := person(t, w, isViewer).ID, person(t, w, isEditor)
	w.Remove(leaver.ID)
	const (
		known   = "there are role:editor:assigned and role:viewer:assigned"
		nobody  = "nobody in the Whimsical workspace has this e-mail address"
		email   = "--create-account-email"
		profile = "--create-account-profile"
	)
	for _, test := range []struct {
		code codes.Code
		says string
		args []string
	}{
		{codes.NotFound, "the account is gone", grantArgs(editorRole, "nobody")},
		{codes.NotFound, "the account is gone", grantArgs(editorRole, leaver.ID)},
		{codes.InvalidArgument, known, grantArgs("admin", viewer)},
		{codes.InvalidArgument, known, revokeArgs("admin", leaver.ID)},
		{codes.InvalidArgument, "a grant is written as role:editor:assigned:user:ID", []string{"--revoke-grant=role:editor:assigned"}},
		{codes.InvalidArgument, "to a user only", append(grantArgs(editorRole, "editor"), "--grant-principal-type=role")},
		{codes.NotFound, nobody, grantArgs(editorRole, leaver.UserName)},
		{codes.NotFound, nobody, revokeArgs(editorRole, leaver.UserName)},
		{codes.NotFound, nobody, actionArgs("disable_user", leaver.UserName)},
		{codes.NotFound, nobody, []string{"--delete-resource", leaver.UserName}},
		{codes.NotFound, "there is no user with this id", actionArgs("enable_user", "nobody")},
		{codes.NotFound, "promote_user", actionArgs("promote_user", viewer)},
		{codes.InvalidArgument, "disable_user needs the argument user_id", []string{"--invoke-action", "disable_user"}},
		// Accounts with a malformed e-mail, an unknown role, no profile that is an object, and no e-mail.
		{codes.InvalidArgument, "valid email", []string{email, "ada"}},
		{codes.InvalidArgument, "the account's login is not an e-mail address", []string{"--create-account-login", "ada"}},
		{codes.InvalidArgument, "valid email", []string{profile, `{"email":"ada"}`}},
		{codes.InvalidArgument, "it must be editor, viewer or default", []string{email, ada, profile, `{"role":"admin"}`}},
		{codes.InvalidArgument, "nothing was created", []string{email, ada, profile, `{'role':'viewer'}`}},
		{codes.InvalidArgument, "the account has no e-mail address", []string{profile, `{"first_name":"Ada"}`}},
	} {
		f.Fail(test.code, test.says, test.args...)
	}
	untouched(t, w)
}

func TestOneShotCreatesAccounts(t *testing.T) {
	t.Parallel()
	w, f := served(t, sim.Config{Users: 12, PendingUntilLogin: true, DeactivationKeeps: true})
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
	leaver := person(t, w, isInactive)
	named := launch.NewFolder(t, w)
	named.Env = append(named.Env, "BATON_CREATE_ACCOUNT_EMAIL="+leaver.UserName) // as good as the flag
	named.Succeed("--create-account-profile", `{"role":"viewer"}`)
	f.Syncs(append(with(users, leaver.ID, viewerRole), created))
}
