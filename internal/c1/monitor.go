package c1

import (
	"context"
	"sync"
)

// monitor is a mutex whose holders can wait for a change of what it guards, so that
// nobody has to poll.
type monitor struct {
	mu      sync.Mutex
	changed chan struct{}
}

func newMonitor() *monitor {
	return &monitor{changed: make(chan struct{})}
}

// update runs change under the lock and wakes everybody in [monitor.await].
func (m *monitor) update(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
	close(m.changed)
	m.changed = make(chan struct{})
}

// read runs look under the lock.
func (m *monitor) read(look func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	look()
}

// await returns once condition is true, or with the context's error. condition runs
// under the lock, never after ctx has ended, and may take what it found.
func (m *monitor) await(ctx context.Context, condition func() bool) error {
	for {
		changed, met, err := m.check(ctx, condition)
		if met || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

func (m *monitor) check(ctx context.Context, condition func() bool) (<-chan struct{}, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := context.Cause(ctx); err != nil {
		return nil, false, err
	}
	return m.changed, condition(), nil
}
