package whimsical

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// TestNoFewChangesHideAUser plays every listing of a few users with every way
// to delete, insert and move some of them, at every boundary between two
// requests, several changes at one boundary included.
func TestNoFewChangesHideAUser(t *testing.T) {
	for _, test := range []struct {
		users, clamp, changes int
		// moves is set when users are moved, too; undated and untold when the
		// server does not tell meta.created and totalResults; apart when no two
		// changes happen at one boundary.
		moves, undated, untold, apart bool
	}{
		{users: 3, clamp: 1, changes: 2, moves: true},
		{users: 5, clamp: 2, changes: 2, moves: true},
		{users: 5, clamp: 3, changes: 2, moves: true},
		{users: 3, clamp: 2, changes: 3, moves: true},
		{users: 3, clamp: 3, changes: 3, moves: true},
		{users: 3, clamp: 2, changes: 3, moves: true, undated: true, apart: true},
		{users: 5, clamp: 1, changes: 2, undated: true, untold: true},
		{users: 2, clamp: 1, changes: 3, undated: true, untold: true},
		{users: 4, clamp: 2, changes: 3, undated: true, untold: true},
		{users: 4, clamp: 3, changes: 3, undated: true, untold: true},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			t.Parallel()
			m := newModel(test.users)
			m.clamp, m.undated = test.clamp, test.undated
			if test.untold {
				m.totals = untold
			}
			e := &explorer{t: t, moves: test.moves, apart: test.apart}
			e.explore(m, newReader(), test.changes, slices.Clone(m.members))
			t.Logf("%d listings, %d of them failed", e.listings, e.failed)
			if e.failed > 0 {
				t.Errorf("%d of %d listings failed", e.failed, e.listings)
			}
		})
	}
}

// explorer goes through all histories with a bounded number of changes.
type explorer struct {
	t                *testing.T
	moves, apart     bool
	listings, failed int
}

// explore goes through all continuations of a listing with up to so many
// changes more; stable are the users who were there all along.
func (e *explorer) explore(m *model, r *reader, changes int, stable []member) {
	next := r.clone()
	quiet := m.clone()
	switch err := next.read(quiet); {
	case err != nil:
		e.listings++
		e.failed++
		return
	case next.done:
		e.listings++
		for _, u := range stable {
			if !next.holds(u.hash) {
				e.t.Fatalf("a listing completed in pass %d without user %d", next.cur.Pass, slices.Index(stable, u))
			}
		}
		return
	}
	e.change(quiet, next, changes, stable)
}

// change goes through all ways to change the workspace now, then reads on.
func (e *explorer) change(m *model, r *reader, changes int, stable []member) {
	e.explore(m, r, changes, stable)
	if changes == 0 {
		return
	}
	next := func(changed *model, stable []member) {
		if e.apart {
			e.explore(changed, r, changes-1, stable)
		} else {
			e.change(changed, r, changes-1, stable)
		}
	}
	n := len(m.members)
	for i := range n {
		gone := m.members[i]
		changed := m.clone()
		changed.remove(i)
		next(changed, slices.DeleteFunc(slices.Clone(stable), func(u member) bool { return u == gone }))
	}
	for i := range n + 1 {
		changed := m.clone()
		changed.insert(i)
		next(changed, stable)
	}
	if !e.moves {
		return
	}
	for i := range n {
		for j := range n {
			if i == j || i == j+1 {
				continue // no move, or the same as moving the other of the two
			}
			changed := m.clone()
			changed.move(i, j)
			next(changed, stable)
		}
	}
}

func (m *model) clone() *model {
	cloned := *m
	cloned.members = slices.Clone(m.members)
	return &cloned
}

func (r *reader) clone() *reader {
	cloned := *r
	cloned.held = maps.Clone(r.held)
	return &cloned
}
