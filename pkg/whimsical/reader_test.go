package whimsical

// reader reads a listing of a model as the connector reads one: it keeps which
// users each pass held, and concludes.
type reader struct {
	cur cursor
	// held tells for each user the last pass that held it.
	held map[uint64]int
	// users and repeated describe the pass that is under way.
	users    int
	repeated bool
	requests int
	// last is the user read last.
	last uint64
	done bool
}

func newReader() *reader {
	return &reader{cur: firstCursor(), held: make(map[uint64]int)}
}

// read makes one request. The listing is complete when it sets done.
func (r *reader) read(m *model) error {
	r.requests++
	count := pageSize
	if r.cur.NoCount {
		count = 0
	}
	pass := r.cur.Pass
	answer := m.answer(r.cur.startIndex(), count)
	s, err := r.cur.advance(answer)
	if err != nil {
		return err
	}
	for _, shown := range answer.rows[s.from:s.to] {
		if r.held[shown.hash] == pass {
			r.repeated = true
		} else {
			r.users++
		}
		r.held[shown.hash] = pass
		r.last = shown.hash
	}
	r.cur = s.next
	if s.end {
		token, err := s.next.conclude(Evidence{Repeated: r.repeated, Users: r.users})
		if err != nil {
			return err
		}
		if r.done = token == ""; r.done {
			return nil
		}
		if r.cur, err = parseCursor(token); err != nil {
			return err
		}
	}
	if r.cur.Pass != pass {
		r.users, r.repeated = 0, false
	}
	return nil
}

// holds tells whether any pass held a user.
func (r *reader) holds(hash uint64) bool {
	return r.held[hash] > 0
}
