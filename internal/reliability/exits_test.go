//go:build unix

package reliability

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The SDK by itself reports one failure in a hundred as a success, and more on a
// busy machine.
func TestAFailureAlwaysShowsInTheExitCode(t *testing.T) {
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

// Whatever a run is for, its exit code is the gRPC code of what went wrong, and it
// leaves nothing in the folder for temporary files.
func TestEveryOperationEndsWithTheCodeOfItsError(t *testing.T) {
	id := func(s *shell, index int) string { return s.workspace.Users()[index].ID }
	changes := map[string]func(s *shell) []string{
		"grant": func(s *shell) []string {
			return []string{"--grant-entitlement", "role:editor:assigned", "--grant-principal", id(s, aViewer), "--grant-principal-type", "user"}
		},
		"revoke": func(s *shell) []string {
			return []string{"--revoke-grant", "role:editor:assigned:user:" + id(s, anEditor)}
		},
		"create": func(*shell) []string { return []string{"--create-account-email", newcomer} },
		"delete": func(s *shell) []string {
			return []string{"--delete-resource", id(s, aViewer), "--delete-resource-type", "user"}
		},
		"disable": func(s *shell) []string { return actionArgs("disable_user", id(s, aViewer)) },
		"enable":  func(s *shell) []string { return actionArgs("enable_user", id(s, aViewer)) },
	}
	all := maps.Clone(changes)
	all["sync"] = func(*shell) []string { return nil }
	for fault, test := range map[string]struct {
		operations map[string]func(s *shell) []string
		code       codes.Code
	}{
		"400":                     {all, codes.InvalidArgument},
		"401":                     {all, codes.Unauthenticated},
		"403":                     {all, codes.PermissionDenied},
		"HTML with 200":           {all, codes.FailedPrecondition},
		"reset before the answer": {changes, codes.Unavailable}, // a sync goes on trying
	} {
		for name, args := range test.operations {
			t.Run(name+", "+fault, func(t *testing.T) {
				t.Parallel()
				s := newShell(t, sim.Config{Users: people}, "")
				s.succeeds()
				rule := faults.Rule{}
				rule.Fault, _ = faults.Named(fault)
				s.injector.Set(rule)
				if code, r := s.runs(args(s)...); code != int(test.code) {
					t.Errorf("exit code %d, want %d (%s):\n%s", code, test.code, test.code, last(r.stderr.String()))
				}
				if left, err := os.ReadDir(filepath.Join(s.dir, "tmp")); len(left) != 0 || err != nil {
					t.Errorf("left in the folder for temporary files: %v, %v", left, err)
				}
			})
		}
	}
}

func actionArgs(action, user string) []string {
	return []string{"--invoke-action", action, "--invoke-action-args", fmt.Sprintf(`{"user_id":%q}`, user)}
}

// last returns the last line of an output.
func last(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return lines[len(lines)-1]
}
