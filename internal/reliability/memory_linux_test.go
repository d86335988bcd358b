package reliability

import (
	"os"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
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
// anonymous memory that it had at a time.
func measured(f *launch.Folder) (int, int64) {
	p := f.Start()
	peak := p.PeakMemory()
	return p.Wait(), peak
}

func TestHugeBodiesCostAFewTimesTheBodyCap(t *testing.T) {
	code, usual := measured(launch.NewFolder(t, faults.Serve(t, thirty)))
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
			w := faults.Serve(t, thirty)
			w.Set(faults.Rule{Fault: faults.Named(name), Operations: []faults.Operation{faults.List}, After: 1, Times: 1})
			_, peak := measured(launch.NewFolder(t, w))
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
	w := faults.Serve(t, sim.Config{Users: 100_000})
	f := launch.NewFolder(t, w)
	code, peak := measured(f)
	t.Logf("%d MiB", peak/mebibyte)
	if code != 0 || peak > 400_000_000 {
		t.Errorf("exit code %d, a peak of %d MiB of anonymous memory", code, peak/mebibyte)
	}
	f.Holds(w.Users())
}
