//go:build linux

package reliability

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

const (
	mebibyte = 1 << 20
	// bodyCap is what the connector reads of one answer at most.
	bodyCap = 16 * mebibyte
	// largeTests is the environment variable that switches the tests on that take
	// longer.
	largeTests = "RELIABILITY_LARGE"
)

// measured runs the connector and returns its exit code and the largest amount of
// anonymous memory that both processes together had at a time.
func (s *shell) measured() (int, int64) {
	s.t.Helper()
	var peak int64
	ctx, cancel := context.WithTimeout(s.t.Context(), longest)
	defer cancel()
	r := s.start(ctx)
	done := make(chan int)
	go func() { done <- r.wait() }()
	// The kernel keeps no peak of anonymous memory alone.
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	child := 0
	for {
		select {
		case code := <-done:
			return code, peak
		case <-tick.C:
			if child == 0 {
				child = childOf(s.t, r.cmd.Process.Pid)
			}
			peak = max(peak, anonymous(r.cmd.Process.Pid)+anonymous(child))
		}
	}
}

// anonymous returns the anonymous memory of a process in bytes, 0 when there is no
// such process.
func anonymous(pid int) int64 {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "RssAnon:"); ok {
			kibibytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kibibytes << 10
		}
	}
	return 0
}

func TestHugeBodiesCostAFewTimesTheBodyCap(t *testing.T) {
	s := newShell(t, sim.Config{Users: 30, PageSize: 10}, "")
	code, usual := s.measured()
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for name, caps := range map[string]int64{
		"200 MB body": 6,
		"gzip bomb":   6,
		// The SDK's transport takes 10 MiB of headers, each a string of its own.
		"large headers": 16,
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, sim.Config{Users: 30, PageSize: 10}, "")
			fault, _ := faults.Named(name)
			s.injector.Set(faults.Rule{Fault: fault, Operations: []faults.Operation{faults.List}, After: 1, Times: 1})
			_, peak := s.measured()
			t.Logf("%d MiB, where a usual sync takes %d MiB", peak/mebibyte, usual/mebibyte)
			if peak > usual+caps*bodyCap {
				t.Errorf("a peak of %d MiB, where a usual sync takes %d MiB", peak/mebibyte, usual/mebibyte)
			}
		})
	}
}

func TestASyncOfAHundredThousandUsersTakesLittleMemory(t *testing.T) {
	if os.Getenv(largeTests) == "" {
		t.Skip("it takes half a minute: set " + largeTests)
	}
	const users = 100_000
	s := newShell(t, sim.Config{Users: users}, "")
	began := time.Now()
	code, peak := s.measured()
	t.Logf("%d users: %d MiB in %s", users, peak/mebibyte, time.Since(began).Round(100*time.Millisecond))
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if peak > 400_000_000 {
		t.Errorf("a peak of %d MiB of anonymous memory", peak/mebibyte)
	}
	s.checkWhole(users)
}
