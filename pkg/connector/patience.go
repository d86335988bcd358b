package connector

import (
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// patienceTime and patienceFailures bound an outage that a sync sits out: it
	// ends when both are exceeded. The SDK waits 1, 2, 3 and up to 60 seconds
	// between its tries; an API that hangs takes a minute a try, a slow one five.
	patienceTime     = 10 * time.Minute
	patienceFailures = 5
	// sameOutage is longer than the SDK waits between two tries: what comes
	// later belongs to another sync.
	sameOutage = 5 * time.Minute
)

// patience ends a sync whose reads do nothing but fail. The SDK's syncer
// repeats a read for as long as it fails with Unavailable or DeadlineExceeded,
// without end, so that an API or a session store that never recovers would keep
// a sync running and silent for ever.
type patience struct {
	// of is whose failures are judged.
	of string

	mu       sync.Mutex
	failures int
	since    time.Time
	last     time.Time
}

// judge takes the result of a read that began at started. It returns err, or
// once the outage has lasted too long an error that the SDK does not retry.
func (p *patience) judge(started time.Time, err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch status.Code(err) {
	case codes.OK:
		p.failures = 0
		return nil
	case codes.Unavailable, codes.DeadlineExceeded:
	default:
		return err
	}
	if p.failures == 0 || started.Sub(p.last) > sameOutage {
		p.failures, p.since = 0, started
	}
	p.failures++
	p.last = time.Now()
	lasted := p.last.Sub(p.since)
	if p.failures < patienceFailures || lasted < patienceTime {
		return err
	}
	failures := p.failures
	p.failures = 0 // the next sync begins anew
	return status.Errorf(codes.Aborted,
		prefix+"%s has been failing for %s, %d times in a row: the sync stops here, run it again later (the last failure: %v)",
		p.of, lasted.Round(time.Second), failures, err)
}
