//go:build unix

package reliability

import (
	"fmt"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// thirty is a workspace whose listing has pages.
var thirty = sim.Config{Users: 30, PageSize: 10}

func TestASyncThatFailedReportsNothingAndTheNextOneIsWhole(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"401", "404 as JSON", "404 as HTML", "HTML with 200", "truncated JSON", "302 to another host"} {
		for after := range 4 {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := faults.Serve(t, thirty)
				f := launch.NewFolder(t, w)
				w.Set(faults.Rule{Fault: faults.Named(name), After: after})
				if code, _ := f.Run(); code == 0 {
					t.Fatal("the sync has succeeded")
				}
				f.HoldsNothing()
				w.Set()
				f.Syncs(w.Users())
			})
		}
	}
}

// The SDK by itself reports one failure in a hundred as a success, and more on a
// busy machine.
func TestAFailureAlwaysShowsInTheExitCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule faults.Rule
		args []string
		code codes.Code
	}{
		"at the first request": {faults.Rule{Fault: faults.Named("401")}, nil, codes.Unauthenticated},
		"in the middle of a listing": {
			faults.Rule{Fault: faults.Named("HTML with 200"), Operations: []faults.Operation{faults.List}, After: 1}, nil, codes.FailedPrecondition,
		},
		"with a log file": {faults.Rule{Fault: faults.Named("401")}, []string{"--log-path", "sync.log"}, codes.Unauthenticated},
	} {
		for i := range 15 {
			t.Run(fmt.Sprintf("%s, %d", name, i), func(t *testing.T) {
				t.Parallel()
				w := faults.Serve(t, thirty)
				f := launch.NewFolder(t, w)
				f.Env = append(f.Env, "BATON_LOG_LEVEL=debug")
				w.Set(test.rule)
				if code, _ := f.Run(test.args...); code != int(test.code) {
					t.Errorf("exit code %d, want %d (%s)", code, test.code, test.code)
				}
				if logs, _ := filepath.Glob(filepath.Join(f.Dir, "*.log")); len(logs) != len(test.args)/2 {
					t.Errorf("log files: %q", logs)
				}
			})
		}
	}
}
