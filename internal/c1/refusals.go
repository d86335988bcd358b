package c1

import (
	"slices"
	"sync"
)

// refusals are the requests that a stand-in did not accept, in the words of the
// answer.
type refusals struct {
	mu    sync.Mutex
	lines []string
}

func (r *refusals) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
}

func (r *refusals) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lines)
}
