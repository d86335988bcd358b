package whimsical

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// modelServer is a server's list of users, by fingerprint, without HTTP.
type modelServer struct {
	users []uint64
	// page is the most users of an answer.
	page int
	// whole is set when startIndex is rounded down to whole pages.
	whole bool
	// untold is set when the server does not report totalResults.
	untold bool

	created uint64
}

func newModelServer(users, page int) *modelServer {
	m := &modelServer{page: page}
	for range users {
		m.insert(len(m.users))
	}
	return m
}

// answer returns the users and the totalResults of the answer to a request for
// pageSize users.
func (m *modelServer) answer(startIndex int) ([]uint64, number) {
	size := min(pageSize, m.page)
	start := startIndex - 1
	if m.whole {
		start = start / size * size
	}
	start = min(start, len(m.users))
	return m.users[start:min(start+size, len(m.users))], number{known: !m.untold, value: len(m.users)}
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
	m.users = slices.Insert(m.users, at, m.created*0x9e3779b97f4a7c15)
}

func (m *modelServer) move(from, to int) {
	user := m.users[from]
	m.remove(from)
	m.users = slices.Insert(m.users, to, user)
}

// reorder moves, swaps or reverses users: what a server does that sorts by
// something that changes.
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

// modelListing reads a modelServer as ListUsers reads a real one.
type modelListing struct {
	at position
	// held are the users of the pass under way.
	held     map[uint64]bool
	requests int
	done     bool
}

func newModelListing() *modelListing {
	return &modelListing{held: map[uint64]bool{}}
}

// read makes one request.
func (l *modelListing) read(m *modelServer) error {
	l.requests++
	startIndex := max(1, l.at.Read)
	if l.at.Aligned {
		startIndex = l.at.Read + 1
	}
	users, total := m.answer(startIndex)
	s, err := l.at.advance(users, total)
	if err != nil {
		return err
	}
	if s.restarted {
		clear(l.held)
	}
	for _, user := range users[len(users)-s.fresh:] {
		l.held[user] = true
	}
	l.at, l.done = s.next, s.end
	return nil
}

// missing counts the users whom a listing does not hold.
func (l *modelListing) missing(users []uint64) int {
	n := 0
	for _, user := range users {
		if !l.held[user] {
			n++
		}
	}
	return n
}

func (l *modelListing) clone() *modelListing {
	cloned := *l
	cloned.held = maps.Clone(l.held)
	return &cloned
}
