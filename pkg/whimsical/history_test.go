package whimsical

import (
	"math/rand/v2"
	"testing"
)

// kinds of change between two requests.
const (
	deletions = 1 << iota
	insertions
	reorderings
	everything = deletions | insertions | reorderings
)

// churn says how a workspace changes while it is listed.
type churn struct {
	kinds int
	// chance is how likely it is that anything changes between two requests;
	// most is how many changes happen then.
	chance float64
	most   int
	// bursts is how often it changes at all; then the workspace is quiet.
	bursts int
}

// history is one listing of a workspace that changes meanwhile.
type history struct {
	*model
	*reader
	churn churn
	rand  *rand.Rand
	// stable are the users who were there all along.
	stable map[uint64]bool
	// passes tells what happened during each pass.
	passes map[int]*passLog
}

// passLog is the truth about one pass.
type passLog struct {
	// deleted is set when anybody was deleted, masked when somebody was inserted
	// between the same two requests.
	deleted, masked bool
	// overtaken are the users whom a reordering carried from behind the user
	// read last to before.
	overtaken map[uint64]bool
}

func newHistory(seed uint64, m *model, c churn) *history {
	h := &history{
		model: m, reader: newReader(), churn: c, rand: rand.New(rand.NewPCG(seed, 1)), //nolint:gosec // repeatable, not secret
		stable: make(map[uint64]bool), passes: make(map[int]*passLog),
	}
	for _, u := range m.members {
		h.stable[u.hash] = true
	}
	return h
}

// play runs the listing to its end. It fails the test when that takes more
// requests than any listing may need.
func (h *history) play(t *testing.T) error {
	t.Helper()
	grown := len(h.members) + h.churn.bursts*h.churn.most
	limit := maxPasses * (grown + 3)
	for !h.done {
		if h.requests == limit {
			t.Fatalf("the listing of %d users did not end within %d requests", grown, limit)
		}
		if err := h.read(h.model); err != nil {
			return err
		}
		if h.churn.bursts > 0 && h.rand.Float64() < h.churn.chance {
			h.churn.bursts--
			h.change()
		}
	}
	return nil
}

// change changes the workspace between two requests, and keeps account of it.
func (h *history) change() {
	behind := make(map[uint64]bool)
	if at := h.position(h.last); at >= 0 {
		for _, u := range h.members[at+1:] {
			behind[u.hash] = true
		}
	}
	deleted, inserted := false, false
	for range 1 + h.rand.IntN(h.churn.most) {
		n := len(h.members)
		switch h.churn.kinds & (1 << h.rand.IntN(3)) {
		case deletions:
			if n > 0 {
				at := h.rand.IntN(n)
				delete(h.stable, h.members[at].hash)
				h.remove(at)
				deleted = true
			}
		case insertions:
			h.insert(h.rand.IntN(n + 1))
			inserted = true
		case reorderings:
			h.shuffle(h.rand)
		}
	}
	if h.cur.Read == 0 {
		return // the pass has not begun
	}
	log := h.log()
	log.deleted = log.deleted || deleted
	log.masked = log.masked || deleted && inserted
	for _, u := range h.members[:max(0, h.position(h.last))] {
		if behind[u.hash] {
			log.overtaken[u.hash] = true
		}
	}
}

// log is what happened during the pass that is under way, or that concluded.
func (h *history) log() *passLog {
	log := h.passes[h.cur.Pass]
	if log == nil {
		log = &passLog{overtaken: make(map[uint64]bool)}
		h.passes[h.cur.Pass] = log
	}
	return log
}

// missing returns the users who were there all along and whom no pass held.
func (h *history) missing() []uint64 {
	var missing []uint64
	for hash := range h.stable {
		if !h.holds(hash) {
			missing = append(missing, hash)
		}
	}
	return missing
}
