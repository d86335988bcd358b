package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const ada = "ada@example.com"

// ada returns the only user with Ada's address.
func (w *whimsical) ada(t *testing.T) sim.User {
	t.Helper()
	users := slices.DeleteFunc(w.Users(), func(u sim.User) bool { return u.UserName != ada })
	if len(users) != 1 {
		t.Fatalf("%d users are called %s, want one", len(users), ada)
	}
	return users[0]
}

func TestOneShotCreatesAccounts(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	before := accessOf(s.sync())

	s.succeed("--create-account-email", "Ada@Example.com",
		"--create-account-profile", `{"first_name":"Ada","family_name":"Lovelace","role":"Editor"}`)
	created := w.ada(t)
	if created.GivenName != "Ada" || created.FamilyName != "Lovelace" || created.DisplayName != "Ada Lovelace" {
		t.Errorf("the account created is %+v", created)
	}
	after := before.with(created.ID, "editor")
	s.expects(after)

	// A second time, with another role: the account is there, and stays as it is.
	w.take()
	s.succeed("--create-account-email", ada, "--create-account-profile", `{"role":"viewer"}`)
	if changes := mutations(w.take()); len(changes) != 1 || changes[0].method != http.MethodPost {
		t.Errorf("a second creation has sent %v", changes)
	}
	s.expects(after)

	inactive := w.person(t, isInactive)
	s.succeed("--create-account-email", inactive.UserName, "--create-account-profile", `{"role":"viewer"}`)
	s.expects(after.with(inactive.ID, "viewer"))
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
			w := newWhimsical(t, sim.Config{Users: 1, DefaultRole: "editor"})
			s := newShell(t, w.url)
			cmd := s.command(t.Context(), test.args...)
			cmd.Env = append(cmd.Env, test.env...)
			if o := finished(t, cmd); o.code != 0 {
				t.Fatalf("exit %d\n%s", o.code, o.stderr)
			}
			s.expects(access{w.Users()[0].ID: roleOf(w.Users()[0]), w.ada(t).ID: "editor"})
		})
	}
}

func TestOneShotRefusesAccountsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	const profile = "--create-account-profile"
	for name, test := range map[string]struct {
		code codes.Code
		says string
		args []string
	}{
		"a malformed e-mail":               {codes.InvalidArgument, "valid email", []string{"--create-account-email", "ada"}},
		"a malformed login":                {codes.InvalidArgument, "the account's login is not an e-mail address", []string{"--create-account-login", "ada"}},
		"a malformed e-mail in a profile":  {codes.InvalidArgument, "valid email", []string{profile, `{"email":"ada"}`}},
		"an unknown role":                  {codes.InvalidArgument, "it must be editor, viewer, or empty", []string{"--create-account-email", ada, profile, `{"role":"admin"}`}},
		"a profile that is no JSON object": {codes.InvalidArgument, "nothing was created", []string{"--create-account-email", ada, profile, `{'role':'viewer'}`}},
		// The SDK does not get as far as the connector.
		"no e-mail": {codes.Unknown, "unknown provisioning action", []string{profile, `{"first_name":"Ada"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			refusing := *s
			refusing.t = t
			w.take()
			refusing.fails(test.code, test.says, test.args...)
			w.untouched(t)
		})
	}
}

func TestOneShotCreationIsPendingUntilTheFirstLogin(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, sim.Config{Users: 12, PendingUntilLogin: true})
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	args := []string{"--create-account-email", ada, "--create-account-profile", `{"role":"viewer"}`}
	s.succeed(args...)
	s.succeed(args...)
	s.expects(before)
	w.Login(w.ada(t).ID)
	s.expects(before.with(w.ada(t).ID, "viewer"))
}

func TestOneShotCreationWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, pending := range map[string]bool{"visible at once": false, "pending until the first login": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWhimsical(t, sim.Config{Users: 12, PendingUntilLogin: pending})
			s := newShell(t, w.url)
			before := accessOf(s.sync())
			w.loseOneAnswer(t, http.MethodPost)
			s.succeed("--create-account-email", ada, "--create-account-profile", `{"role":"viewer"}`)
			w.Login(w.ada(t).ID)
			s.expects(before.with(w.ada(t).ID, "viewer"))
		})
	}
}

func TestOneShotCreationOnAServerThatIgnoresFilters(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		users int
		code  codes.Code
		says  string
	}{
		"everybody in one answer": {users: 3},
		"page by page":            {users: 12, code: codes.FailedPrecondition, says: "the server ignores the filter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWhimsical(t, sim.Config{Users: test.users, PendingUntilLogin: true})
			for _, user := range w.Users() {
				user.Active = false // an account is activated when it is asked for
				w.Update(user)
			}
			s := newShell(t, w.url)
			before := accessOf(s.sync())
			w.fail(func(rw http.ResponseWriter, r *http.Request) bool {
				query := r.URL.Query()
				if !query.Has("filter") {
					return false
				}
				query.Del("filter")
				r.URL.RawQuery = query.Encode()
				w.Handler().ServeHTTP(rw, r)
				return true
			})
			args := []string{"--create-account-email", ada, "--create-account-profile", `{"role":"editor"}`}
			s.succeed(args...)
			s.fails(test.code, test.says, args...) // 409, and everybody else is "found"
			w.fail(nil)
			s.expects(before)
		})
	}
}

func TestOneShotDeletes(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	editor := w.person(t, isEditor).ID
	s.succeed(deleteArgs(editor)...)
	s.succeed(deleteArgs(editor)...)
	s.succeed(deleteArgs("nobody")...)
	after := before.with(editor, "")
	s.expects(after)

	viewer := w.person(t, isViewer).ID
	w.loseOneAnswer(t, http.MethodDelete)
	s.succeed(deleteArgs(viewer)...)
	after = after.with(viewer, "")
	s.expects(after)

	// Whimsical's own pages do not name DELETE: deactivation is the way out.
	refused := answer(http.StatusMethodNotAllowed, nil)
	w.fail(func(rw http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodDelete && refused(rw, r)
	})
	leaver := w.person(t, isViewer).ID
	s.succeed(deleteArgs(leaver)...)
	s.succeed(deleteArgs(leaver)...)
	s.expects(after.with(leaver, "inactive"))
}

func TestOneShotActions(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	editor := w.person(t, isEditor).ID

	s.succeed(actionArgs("disable_user", editor)...)
	w.take()
	s.succeed(actionArgs("disable_user", editor)...)
	w.untouched(t)
	s.expects(before.with(editor, "inactive"))

	s.succeed(append(actionArgs("enable_user", editor), "--invoke-action-resource-type", userType)...)
	w.take()
	s.succeed(actionArgs("enable_user", editor)...)
	w.untouched(t)
	s.expects(before)

	// The SDK would exit with 2 (Unknown) whatever the reason.
	s.fails(codes.NotFound, "there is no user with this id", actionArgs("enable_user", "nobody")...)
	s.fails(codes.InvalidArgument, "disable_user needs the argument user_id", "--invoke-action", "disable_user")
	s.fails(codes.NotFound, "promote_user", actionArgs("promote_user", editor)...)
	s.expects(before)
}

func TestOneShotActionWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, sim.Config{Users: 12})
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	viewer := w.person(t, isViewer).ID
	w.loseOneAnswer(t, http.MethodPatch)
	s.succeed(actionArgs("disable_user", viewer)...)
	s.expects(before.with(viewer, ""))
}

func TestOneShotChangesLeaveOneLineInTheLogWithoutAnAddress(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	s.sync()
	viewer := w.person(t, isViewer)
	for _, test := range []struct {
		args  []string
		lines int
	}{
		{[]string{"--create-account-email", ada, "--create-account-profile", `{"role":"viewer","first_name":"Ada"}`}, 1},
		{[]string{"--create-account-email", ada, "--create-account-profile", `{"role":"viewer","first_name":"Ada"}`}, 0},
		{grantArgs("editor", viewer.ID), 1},
		{grantArgs("editor", viewer.ID), 0},
		{actionArgs("disable_user", viewer.ID), 1},
		{actionArgs("disable_user", viewer.ID), 0},
		{deleteArgs(viewer.ID), 1},
		{deleteArgs(viewer.ID), 0},
	} {
		cmd := s.command(t.Context(), test.args...)
		cmd.Env = append(cmd.Env, "BATON_LOG_LEVEL=info")
		o := finished(t, cmd)
		output := o.stdout + o.stderr
		if o.code != 0 || strings.Count(output, "workspace changed") != test.lines {
			t.Errorf("%v: exit %d, want %d lines of a change in:\n%s", test.args, o.code, test.lines, output)
		}
		if strings.Contains(output, "example.com") {
			t.Errorf("%v: the log holds an e-mail address:\n%s", test.args, output)
		}
	}
}
