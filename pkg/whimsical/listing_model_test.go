package whimsical

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// modelServer is a server's list of users, by fingerprint, without HTTP.
type modelServer struct {
	users []uint64
	// page is the most users of an answer.
	page int
	// whole is set when startIndex is rounded down to whole pages.
	whole bool
	// untold is set when the server does not report totalResults, counts when it reports so many.
	untold bool
	counts *int

	created uint64
}

func newModelServer(users, page int) *modelServer {
	m := &modelServer{page: page, users: make([]uint64, users), created: uint64(users)} //nolint:gosec // a small number
	for i := range m.users {
		m.users[i] = uint64(i + 1)
	}
	return m
}

// answer returns the users and the totalResults of the answer to a request.
func (m *modelServer) answer(startIndex, count int) ([]uint64, number) {
	size := min(count, m.page)
	start := startIndex - 1
	if m.whole {
		start = start / size * size
	}
	start = min(start, len(m.users))
	total := number{known: !m.untold, value: len(m.users)}
	if m.counts != nil {
		total.value = *m.counts
	}
	return m.users[start:min(start+size, len(m.users))], total
}

func (m *modelServer) clone() *modelServer {
	cloned := *m
	cloned.users = slices.Clone(m.users)
	return &cloned
}

func (m *modelServer) remove(at int) {
	m.users = slices.Delete(m.users, at, at+1)
}

// insert adds a user who was never there before.
func (m *modelServer) insert(at int) {
	m.created++
	m.users = slices.Insert(m.users, at, m.created)
}

func (m *modelServer) move(from, to int) {
	user := m.users[from]
	m.remove(from)
	m.users = slices.Insert(m.users, to, user)
}

// reorder moves, swaps or reverses users: what a server does that sorts by something that changes.
func (m *modelServer) reorder(r *rand.Rand) {
	n := len(m.users)
	if n < 2 {
		return
	}
	switch i, j := r.IntN(n), r.IntN(n); r.IntN(3) {
	case 0:
		m.move(i, j)
	case 1:
		m.users[i], m.users[j] = m.users[j], m.users[i]
	default:
		slices.Reverse(m.users[min(i, j) : max(i, j)+1])
	}
}

// modelListing reads a modelServer as a sync reads a real one. Its zero value
// is about to make the first request.
type modelListing struct {
	at position
	// overlapAlone is set when the end of a pass is not checked.
	overlapAlone bool
	// held are the users of the pass under way, those of each answer once. rows counts
	// them with their doubles, counted is the largest totalResults.
	held          []uint64
	rows, counted int
	requests      int
	done          bool
}

// read makes one request.
func (l *modelListing) read(m *modelServer) error {
	l.requests++
	users, total := m.answer(l.at.query())
	s, err := l.at.advance(users, total)
	if err != nil {
		return err
	}
	first := len(l.held)
	for _, user := range users[len(users)-s.fresh:] {
		if !slices.Contains(l.held[first:], user) {
			l.held = append(l.held, user)
		}
	}
	l.rows += s.fresh
	l.counted = max(l.counted, total.value)
	if s.end && !l.overlapAlone {
		if reason := Incomplete(l.held, l.rows, l.counted); reason != "" {
			s, err = s.next.restart(reason)
		}
	}
	if err != nil {
		return err
	}
	if s.restarted {
		l.held, l.rows, l.counted = nil, 0, 0
	}
	l.at, l.done = s.next, s.end
	return nil
}

// advance makes one request, which must succeed.
func (l *modelListing) advance(t *testing.T, m *modelServer) {
	t.Helper()
	if err := l.read(m); err != nil {
		t.Fatal(err)
	}
}

// finish reads on to the end.
func (l *modelListing) finish(m *modelServer) error {
	for !l.done {
		if err := l.read(m); err != nil {
			return err
		}
	}
	return nil
}

// missing counts the users whom a listing does not hold.
func (l *modelListing) missing(users []uint64) int {
	n := 0
	for _, user := range users {
		if !slices.Contains(l.held, user) {
			n++
		}
	}
	return n
}

func (l *modelListing) clone() *modelListing {
	cloned := *l
	cloned.held = slices.Clone(l.held)
	return &cloned
}
