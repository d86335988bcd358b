package connector

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

const (
	// A sync gives up once its reads have failed for outageTime and outageFailures times in a row. The SDK waits
	// 1, 2, 3 and up to 60 seconds between its tries. By default a try takes a minute where the API hangs, and
	// five minutes where it is slow.
	outageTime     = 10 * time.Minute
	outageFailures = 5
	// sameOutage is longer than the SDK waits between two tries: what comes later belongs to another sync.
	sameOutage = 5 * time.Minute
)

// outage ends a sync whose reads only fail: the SDK's syncer repeats a read without limit while it fails with
// Unavailable or DeadlineExceeded.
type outage struct {
	mu       sync.Mutex
	failures int
	since    time.Time
	last     time.Time
}

// watch runs a read and returns its error. To Unavailable and DeadlineExceeded it adds the number of the try
// and when the sync gives up. Once the outage has lasted too long, it returns Aborted, which the SDK does not
// repeat.
func (o *outage) watch(read func() error) error {
	started := time.Now()
	err := read()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch status.Code(err) {
	case codes.OK:
		o.failures = 0
		return nil
	case codes.Unavailable, codes.DeadlineExceeded:
	default:
		return err
	}
	if o.failures == 0 || started.Sub(o.last) > sameOutage {
		o.failures, o.since = 0, started
	}
	o.failures++
	o.last = time.Now()
	lasted := o.last.Sub(o.since)
	if o.failures < outageFailures || lasted < outageTime {
		return fmt.Errorf(whimsical.Prefix+"try %d failed, the sync gives up %s: %w", o.failures, o.end(lasted), err)
	}
	failures := o.failures
	o.failures = 0 // the next sync begins anew
	return whimsical.Errorf(codes.Aborted,
		"reading the workspace has been failing for %s, %d times in a row: the sync stops here, run it again later (the last failure: %w)",
		lasted.Round(time.Second), failures, err)
}

// end says when a sync gives up.
func (o *outage) end(lasted time.Duration) string {
	if left := outageTime - lasted; left > 0 {
		return "in " + left.Round(time.Second).String()
	}
	return fmt.Sprintf("after try %d", outageFailures)
}
