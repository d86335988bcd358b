package whimsical

import (
	"math/rand/v2"
	"slices"
)

// member is a user of a model workspace, as far as a listing cares.
type member struct {
	hash    uint64
	created int64
}

// model is a server's list of users, without HTTP. Its fields say which of the
// liberties that servers take with RFC 7644 section 3.4.2.4 it takes.
type model struct {
	members []member
	// clamp is the most rows of an answer; 0 means as many as asked for.
	clamp int
	// totals makes the totalResults of an answer; nil means the truth.
	totals func(*model, []member) number
	// unpaged is set when the server ignores startIndex, uncounted when it
	// ignores count.
	unpaged, uncounted bool
	// undated is set when the server tells no meta.created.
	undated bool

	// now is the server's clock, one tick a request.
	now int64
	ids uint64
}

// newModel returns a workspace of n users who were created before the clock
// began.
func newModel(n int) *model {
	m := &model{now: 1}
	for range n {
		m.members = append(m.members, m.create())
	}
	return m
}

// create makes a user with an id that was never used before.
func (m *model) create() member {
	m.ids++
	return member{hash: scramble(m.ids), created: m.now}
}

// answer is what the server answers to a request.
func (m *model) answer(start, count int) view {
	m.now++
	shown := m.members
	if !m.unpaged {
		shown = shown[min(start-1, len(shown)):]
	}
	if count > 0 && !m.uncounted {
		shown = shown[:min(count, len(shown))]
	}
	if m.clamp > 0 {
		shown = shown[:min(m.clamp, len(shown))]
	}
	v := view{asked: count, now: m.now, total: told(len(m.members))}
	if m.totals != nil {
		v.total = m.totals(m, shown)
	}
	for _, u := range shown {
		r := row{hash: u.hash, size: 100, created: u.created}
		if m.undated {
			r.created = 0
		}
		v.rows = append(v.rows, r)
	}
	return v
}

func told(total int) number { return number{known: true, value: total} }

func untold(*model, []member) number { return number{} }

// position returns where a user is, or -1.
func (m *model) position(hash uint64) int {
	return slices.IndexFunc(m.members, func(u member) bool { return u.hash == hash })
}

func (m *model) remove(at int) {
	m.members = slices.Delete(m.members, at, at+1)
}

func (m *model) insert(at int) {
	m.members = slices.Insert(m.members, at, m.create())
}

func (m *model) move(from, to int) {
	u := m.members[from]
	m.remove(from)
	m.members = slices.Insert(m.members, to, u)
}

// shuffle moves, swaps or reverses users: what a server does that sorts by
// something that changes.
func (m *model) shuffle(r *rand.Rand) {
	n := len(m.members)
	if n < 2 {
		return
	}
	switch r.IntN(4) {
	case 0:
		m.move(r.IntN(n), r.IntN(n))
	case 1:
		i, j := r.IntN(n), r.IntN(n)
		m.members[i], m.members[j] = m.members[j], m.members[i]
	case 2:
		i, j := r.IntN(n+1), r.IntN(n+1)
		slices.Reverse(m.members[min(i, j):max(i, j)])
	case 3:
		slices.Reverse(m.members)
	}
}
