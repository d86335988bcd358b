//go:build unix

package reliability

import (
	"fmt"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The SDK by itself reports one failure in a hundred as a success, and more on a
// busy machine.
func TestAFailureAlwaysShowsInTheExitCode(t *testing.T) {
	t.Parallel()
	refused, _ := faults.Named("401")
	broken, _ := faults.Named("HTML with 200")
	for name, test := range map[string]struct {
		rule faults.Rule
		args []string
		code codes.Code
	}{
		"at the first request":       {faults.Rule{Fault: refused}, nil, codes.Unauthenticated},
		"in the middle of a listing": {faults.Rule{Fault: broken, Operations: []faults.Operation{faults.List}, After: 1}, nil, codes.FailedPrecondition},
		"with a log file":            {faults.Rule{Fault: refused}, []string{"--log-path", "sync.log"}, codes.Unauthenticated},
	} {
		for i := range 15 {
			t.Run(fmt.Sprintf("%s, %d", name, i), func(t *testing.T) {
				t.Parallel()
				s := newShell(t, sim.Config{Users: 30, PageSize: 10}, "")
				s.injector.Set(test.rule)
				code, r := s.runs(test.args...)
				if code != int(test.code) {
					t.Errorf("exit code %d, want %d (%s):\n%s", code, test.code, test.code, r.stderr.String())
				}
				if logs, _ := filepath.Glob(filepath.Join(s.dir, "*.log")); len(logs) != len(test.args)/2 {
					t.Errorf("log files: %q", logs)
				}
			})
		}
	}
}
