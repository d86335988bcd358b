package whimsical

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestNoFewChangesHideAUser plays every listing of nine users with every way to change the list at the
// boundaries between requests: up to three deletions and insertions at any boundary, every single move, and
// every two changes of any kind at different boundaries.
func TestNoFewChangesHideAUser(t *testing.T) {
	t.Parallel()
	for _, page := range []int{4, 5} {
		for _, test := range []struct {
			name    string
			changes int
			moves   bool
			apart   bool
			untold  bool
		}{
			{name: "three deletions and insertions", changes: 3},
			{name: "three deletions and insertions without totalResults", changes: 3, untold: true},
			{name: "a move", changes: 1, moves: true},
			{name: "two changes at different boundaries", changes: 2, moves: true, apart: true},
		} {
			t.Run(fmt.Sprintf("%s, pages of %d", test.name, page), func(t *testing.T) {
				t.Parallel()
				m := newModelServer(9, page)
				m.untold = test.untold
				e := &explorer{t: t, moves: test.moves, apart: test.apart}
				e.explore(m, &modelListing{}, test.changes, slices.Clone(m.users))
				t.Logf("%d listings", e.listings)
			})
		}
	}
}

// explorer goes through all histories with a bounded number of changes.
type explorer struct {
	t            *testing.T
	moves, apart bool
	listings     int
}

// explore goes through all continuations of a listing with up to so many
// changes more; stable are the users who were there all along.
func (e *explorer) explore(m *modelServer, l *modelListing, changes int, stable []uint64) {
	next := l.clone()
	if err := next.read(m); err != nil {
		e.t.Fatalf("a listing failed: %v", err)
	}
	if next.done {
		e.listings++
		if next.missing(stable) > 0 {
			e.t.Fatalf("a listing completed in pass %d without a user who was there all along", next.at.Pass)
		}
		return
	}
	e.change(m, next, changes, stable)
}

// change goes through all ways to change the list now, then reads on.
func (e *explorer) change(m *modelServer, l *modelListing, changes int, stable []uint64) {
	e.explore(m, l, changes, stable)
	if changes == 0 {
		return
	}
	next := func(changed *modelServer, stable []uint64) {
		if e.apart {
			e.explore(changed, l, changes-1, stable)
		} else {
			e.change(changed, l, changes-1, stable)
		}
	}
	eachDeletion(m, stable, next)
	eachInsertion(m, stable, next)
	if e.moves {
		eachMove(m, stable, next)
	}
}

// change calls back with every list that one kind of change makes of m, and with
// those of the stable users who stay.
type change func(m *modelServer, stable []uint64, then func(*modelServer, []uint64))

func eachDeletion(m *modelServer, stable []uint64, then func(*modelServer, []uint64)) {
	for i, gone := range m.users {
		changed := m.clone()
		changed.remove(i)
		then(changed, slices.DeleteFunc(slices.Clone(stable), func(user uint64) bool { return user == gone }))
	}
}

func eachInsertion(m *modelServer, stable []uint64, then func(*modelServer, []uint64)) {
	for i := range len(m.users) + 1 {
		changed := m.clone()
		changed.insert(i)
		then(changed, stable)
	}
}

func eachMove(m *modelServer, stable []uint64, then func(*modelServer, []uint64)) {
	for i := range m.users {
		for j := range m.users {
			if i != j && i != j+1 { // else no move, or the same as moving the other of the two
				changed := m.clone()
				changed.move(i, j)
				then(changed, stable)
			}
		}
	}
}

// outcomes count what became of histories: of those that end well, how many miss
// a user who was there all along, with the overlap alone and with both checks.
type outcomes struct {
	histories, missedByOverlap, missed, aborted int
}

// add plays a history to its end: what m is now it stays, and l is about to read on.
func (o *outcomes) add(t *testing.T, m *modelServer, l *modelListing, stable []uint64) {
	o.histories++
	alone := l.clone()
	alone.overlapAlone = true
	if err := alone.finish(m); err == nil && alone.missing(stable) > 0 {
		o.missedByOverlap++
	}
	o.judge(t, l, l.finish(m), stable)
}

func (o *outcomes) judge(t *testing.T, l *modelListing, err error, stable []uint64) {
	switch code := status.Code(err); {
	case code == codes.Aborted, code == codes.FailedPrecondition:
		o.aborted++
	case err != nil:
		t.Fatal(err)
	case l.missing(stable) > 0:
		o.missed++
	}
}

// TestChangesAtOneBoundaryHideNobody plays every listing of nine users, in pages of four and of five, with
// every such change of the list between two requests. Neither check would do alone.
func TestChangesAtOneBoundaryHideNobody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changes []change
		want    outcomes
	}{
		"a deletion and a move":               {[]change{eachDeletion, eachMove}, outcomes{histories: 5_085, missedByOverlap: 405}},
		"two moves":                           {[]change{eachMove, eachMove}, outcomes{histories: 20_480, missedByOverlap: 1_594}},
		"a deletion and two moves":            {[]change{eachDeletion, eachMove, eachMove}, outcomes{histories: 433_485, missedByOverlap: 40_386}},
		"a deletion, an insertion and a move": {[]change{eachDeletion, eachInsertion, eachMove}, outcomes{histories: 176_185, missedByOverlap: 4_825, missed: 4_825}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got outcomes
			for _, page := range []int{4, 5} {
				l, m := &modelListing{}, newModelServer(9, page)
				for l.advance(t, m); !l.done; l.advance(t, m) {
					inEveryOrder(test.changes, m, m.users, func(changed *modelServer, stable []uint64) {
						got.add(t, changed, l.clone(), stable)
					})
				}
			}
			t.Logf("%+v", got)
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// inEveryOrder makes all of the changes, one after the other, in every order.
func inEveryOrder(changes []change, m *modelServer, stable []uint64, then func(*modelServer, []uint64)) {
	if len(changes) == 0 {
		then(m, stable)
		return
	}
	for i, first := range changes {
		same := func(c change) bool { return fmt.Sprintf("%p", c) == fmt.Sprintf("%p", first) }
		if slices.ContainsFunc(changes[:i], same) {
			continue
		}
		rest := slices.Delete(slices.Clone(changes), i, i+1)
		first(m, stable, func(changed *modelServer, stable []uint64) { inEveryOrder(rest, changed, stable, then) })
	}
}

// TestRowsThatTieHideNobody plays every listing of nine users in which some rows that follow each other stand
// in any order, and in any other from one of the requests on.
func TestRowsThatTieHideNobody(t *testing.T) {
	t.Parallel()
	for ties, want := range map[int]outcomes{
		2: {histories: 8 * 2 * 2 * 3},
		3: {histories: 7 * 6 * 6 * 3, missedByOverlap: 18},
		4: {histories: 6 * 24 * 24 * 3, missedByOverlap: 576},
	} {
		var got outcomes
		play := func(page, first int, before, after []int) {
			m, l := newModelServer(9, page), &modelListing{}
			rows := slices.Clone(m.users[first : first+ties])
			for i, row := range before {
				m.users[first+i] = rows[row]
			}
			changed := m.clone()
			for i, row := range after {
				changed.users[first+i] = rows[row]
			}
			for l.advance(t, m); l.at.Read < len(m.users); l.advance(t, m) { // later on, everybody has come
				got.add(t, changed, l.clone(), m.users)
			}
		}
		for first := range 9 - ties + 1 {
			permute(ties, func(before []int) {
				permute(ties, func(after []int) {
					play(4, first, before, after)
					play(5, first, before, after)
				})
			})
		}
		t.Logf("%d rows: %+v", ties, got)
		if got != want {
			t.Errorf("%d rows: got %+v, want %+v", ties, got, want)
		}
	}
}

// permute calls back with every order of n numbers.
func permute(n int, then func([]int)) {
	var extend func(order []int)
	extend = func(order []int) {
		if len(order) == n {
			then(order)
		}
		for i := range n {
			if !slices.Contains(order, i) {
				extend(append(slices.Clone(order), i))
			}
		}
	}
	extend(nil)
}

// TestACompletedListingHoldsEveryUserWhoWasThereAllAlong plays random listings of workspaces that change
// between any two requests. Reorderings alone hide nobody, nor do deletions and insertions; all three together
// may, and how many do is known.
func TestACompletedListingHoldsEveryUserWhoWasThereAllAlong(t *testing.T) {
	t.Parallel()
	reorder := func(r *rand.Rand, m *modelServer) { m.reorder(r) }
	remove := func(r *rand.Rand, m *modelServer) {
		if n := len(m.users); n > 0 {
			m.remove(r.IntN(n))
		}
	}
	insert := func(r *rand.Rand, m *modelServer) { m.insert(r.IntN(len(m.users) + 1)) }
	for name, test := range map[string]struct {
		changes []func(*rand.Rand, *modelServer)
		missed  int
	}{
		"reorderings":                           {changes: []func(*rand.Rand, *modelServer){reorder}},
		"deletions and insertions":              {changes: []func(*rand.Rand, *modelServer){remove, insert}},
		"reorderings, deletions and insertions": {changes: []func(*rand.Rand, *modelServer){remove, reorder, insert}, missed: 88},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const histories = 100_000
			got := outcomes{histories: histories}
			for seed := range uint64(histories) {
				r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
				m := newModelServer(5+r.IntN(60), 2+r.IntN(30))
				stable := slices.Clone(m.users)
				changes := 1 + r.IntN(20)
				l := &modelListing{}
				var err error
				for !l.done && err == nil {
					if err = l.read(m); err == nil && changes > 0 && r.IntN(3) == 0 {
						changes--
						for range 1 + r.IntN(3) {
							test.changes[r.IntN(len(test.changes))](r, m)
						}
					}
				}
				stable = slices.DeleteFunc(stable, func(user uint64) bool { return !slices.Contains(m.users, user) }) // who left does not return
				got.judge(t, l, err, stable)
			}
			t.Logf("%+v", got)
			if got.missed != test.missed || got.aborted > got.histories/50 {
				t.Errorf("got %+v, want %d missed", got, test.missed)
			}
		})
	}
}

// TestRowsThatTieHideNobodyAtRealSizes plays listings of 101 to 400 users, of whom
// some that follow each other come in an order that depends on the request.
func TestRowsThatTieHideNobodyAtRealSizes(t *testing.T) {
	t.Parallel()
	const histories = 2_000
	orders := map[string]func(l *modelListing, startIndex, count int) int{
		"at every request":        func(l *modelListing, _, _ int) int { return l.requests },
		"by startIndex":           func(_ *modelListing, startIndex, _ int) int { return startIndex },
		"by startIndex and count": func(_ *modelListing, startIndex, count int) int { return startIndex*1000 + count },
		"on the first page alone": func(_ *modelListing, startIndex, _ int) int { return min(startIndex, 2) },
		"once":                    func(l *modelListing, _, _ int) int { return min(l.requests/2, 1) },
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := outcomes{histories: histories}
			for seed := range uint64(histories) {
				r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
				m, ties := newModelServer(101+r.IntN(300), pageSize), 2+r.IntN(11)
				first := r.IntN(len(m.users) - ties)
				stable := slices.Clone(m.users)
				l := &modelListing{}
				var err error
				for !l.done && err == nil {
					copy(m.users, stable)
					tied := m.users[first : first+ties]
					startIndex, count := l.at.query()
					shuffled := rand.New(rand.NewPCG(seed, uint64(order(l, startIndex, count)))) //nolint:gosec // see above, and small
					shuffled.Shuffle(ties, func(i, j int) { tied[i], tied[j] = tied[j], tied[i] })
					err = l.read(m)
				}
				got.judge(t, l, err, stable)
			}
			t.Logf("%+v", got)
			if got.missed > 0 || got.aborted > got.histories/50 {
				t.Errorf("got %+v", got)
			}
		})
	}
}
