package e2e

import (
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestOneShotGrants(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	viewer, editor := w.person(t, isViewer).ID, w.person(t, isEditor).ID
	roleless, inactive := w.person(t, hasNoRole).ID, w.person(t, isInactive).ID

	s.succeed(grantArgs("editor", viewer)...)
	after := before.with(viewer, "editor")
	s.expects(after)

	w.take()
	s.succeed(grantArgs("editor", viewer)...)
	if requests := w.take(); len(requests) != 1 || requests[0].method != "GET" {
		t.Errorf("a grant that changes nothing has made the requests %v", requests)
	}

	s.succeed(grantArgs("viewer", editor)...)
	s.succeed(grantArgs("viewer", roleless)...)
	s.succeed(grantArgs("editor", inactive)...)
	s.expects(after.with(editor, "viewer").with(roleless, "viewer").with(inactive, "editor"))
}

func TestOneShotGrantsThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	leaver := w.person(t, isViewer).ID
	w.Remove(leaver)
	w.take()

	// The SDK looks a user up in the last sync; the connector reads them afresh.
	s.fails(codes.NotFound, "the last sync holds no such user", grantArgs("editor", "nobody")...)
	s.fails(codes.NotFound, "the last sync holds no such user, role", grantArgs("admin", w.person(t, isViewer).ID)...)
	s.fails(codes.NotFound, "role or grant", revokeArgs("editor", "nobody")...)
	newShell(t, w.url).fails(codes.FailedPrecondition, "the file holds no sync", grantArgs("editor", leaver)...)
	s.fails(codes.NotFound, "the account is gone", grantArgs("editor", leaver)...)
	w.untouched(t)
	s.expects(before.with(leaver, ""))
}

func TestOneShotRevokes(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, twelve)
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	editor, viewer := w.person(t, isEditor).ID, w.person(t, isViewer).ID

	s.succeed(revokeArgs("editor", editor)...)
	w.take()
	s.succeed(revokeArgs("editor", editor)...)
	w.untouched(t)
	after := before.with(editor, "viewer")
	s.expects(after)

	s.succeed(revokeArgs("viewer", viewer)...)
	w.take()
	s.succeed(revokeArgs("viewer", viewer)...)
	w.untouched(t)
	s.expects(after.with(viewer, "inactive"))
}

func TestOneShotRevokeOfViewerRemovesTheUserWhereDeactivationDoes(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, sim.Config{Users: 12})
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	viewer := w.person(t, isViewer).ID
	s.succeed(revokeArgs("viewer", viewer)...)
	s.succeed(revokeArgs("viewer", viewer)...)
	s.expects(before.with(viewer, ""))
}

func TestOneShotStaleRevokesChangeNothing(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		state  string
		change func(*whimsical, sim.User)
		code   codes.Code
		says   string
	}{
		{state: "editor", change: func(w *whimsical, u sim.User) { u.Editor = new(true); w.Update(u) }},
		{state: "inactive", change: func(w *whimsical, u sim.User) { u.Active = false; w.Update(u) }},
		{
			state: "no role", change: func(w *whimsical, u sim.User) { u.Editor = nil; w.Update(u) },
			code: codes.FailedPrecondition, says: "does not tell this user's role",
		},
		{state: "", change: func(w *whimsical, u sim.User) { w.Remove(u.ID) }},
	} {
		t.Run("the user is "+test.state, func(t *testing.T) {
			t.Parallel()
			w := newWhimsical(t, sim.Config{Users: 12, DeactivationKeeps: true})
			stale := newShell(t, w.url)
			before := accessOf(stale.sync())
			viewer := w.person(t, isViewer)
			test.change(w, viewer)
			w.take()
			stale.fails(test.code, test.says, revokeArgs("viewer", viewer.ID)...)
			w.untouched(t)
			fresh := newShell(t, w.url)
			fresh.expects(before.with(viewer.ID, test.state))
		})
	}
}

func TestOneShotRoleChangeThatIsAcceptedButNotApplied(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, sim.Config{Users: 12, DeactivationKeeps: true, IgnoreRoleChanges: true})
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	const says = "the server accepted the change but did not apply it"
	s.fails(codes.FailedPrecondition, says, grantArgs("editor", w.person(t, isViewer).ID)...)
	s.fails(codes.FailedPrecondition, says, revokeArgs("editor", w.person(t, isEditor).ID)...)
	s.expects(before)
}

func TestOneShotRoleChangeWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	w := newWhimsical(t, sim.Config{Users: 12})
	s := newShell(t, w.url)
	before := accessOf(s.sync())
	viewer, editor := w.person(t, isViewer).ID, w.person(t, isEditor).ID
	leaver := w.person(t, func(u sim.User) bool { return isViewer(u) && u.ID != viewer }).ID
	for _, args := range [][]string{grantArgs("editor", viewer), revokeArgs("editor", editor), revokeArgs("viewer", leaver)} {
		w.loseOneAnswer(t, "PATCH")
		s.succeed(args...)
	}
	s.expects(before.with(viewer, "editor").with(editor, "viewer").with(leaver, ""))
}
