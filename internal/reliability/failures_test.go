//go:build unix

package reliability

import (
	"fmt"
	"maps"
	"net/http"
	"os"
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

// Whatever a run is for, its exit code is the gRPC code of what went wrong, and it
// leaves nothing in the folder for temporary files.
func TestEveryOperationEndsWithTheCodeOfItsError(t *testing.T) {
	t.Parallel()
	id := func(w *faults.Workspace, index int) string { return w.Users()[index].ID }
	changes := map[string]func(w *faults.Workspace) []string{
		"grant": func(w *faults.Workspace) []string {
			return []string{"--grant-entitlement", "role:editor:assigned", "--grant-principal", id(w, aViewer), "--grant-principal-type", "user"}
		},
		"revoke": func(w *faults.Workspace) []string {
			return []string{"--revoke-grant", "role:editor:assigned:user:" + id(w, anEditor)}
		},
		"create": func(*faults.Workspace) []string { return []string{"--create-account-email", newcomer} },
		"delete": func(w *faults.Workspace) []string {
			return []string{"--delete-resource", id(w, aViewer), "--delete-resource-type", "user"}
		},
		"disable": func(w *faults.Workspace) []string { return invocation("disable_user", id(w, aViewer)) },
		"enable":  func(w *faults.Workspace) []string { return invocation("enable_user", id(w, anInactive)) },
	}
	all, patches := maps.Clone(changes), maps.Clone(changes)
	all["sync"] = func(*faults.Workspace) []string { return nil }
	delete(patches, "create")
	delete(patches, "delete")
	for _, test := range []struct {
		fault      faults.Fault
		struck     []faults.Operation
		operations map[string]func(w *faults.Workspace) []string
		code       codes.Code
	}{
		{fault: faults.Named("400"), operations: all, code: codes.InvalidArgument},
		{fault: faults.Named("401"), operations: all, code: codes.Unauthenticated},
		{fault: faults.Named("403"), operations: all, code: codes.PermissionDenied},
		{fault: faults.Refusal(http.StatusConflict), operations: all, code: codes.AlreadyExists},
		{fault: faults.Named("HTML with 200"), operations: all, code: codes.FailedPrecondition},
		{fault: faults.Named("501"), operations: all, code: codes.FailedPrecondition},
		{fault: faults.Named("501"), struck: []faults.Operation{faults.Patch}, operations: patches, code: codes.Unimplemented},
		// A sync goes on trying for ten minutes.
		{fault: faults.Named("reset before the answer"), operations: changes, code: codes.Unavailable},
		{fault: faults.Named("hang before the work"), operations: changes, code: codes.DeadlineExceeded},
	} {
		for name, args := range test.operations {
			t.Run(name+", "+test.fault.Name+" "+test.code.String(), func(t *testing.T) {
				t.Parallel()
				w := faults.Serve(t, sim.Config{Users: people})
				f := launch.NewFolder(t, w)
				f.Succeed()
				w.Set(faults.Rule{Fault: test.fault, Operations: test.struck})
				tmp := t.TempDir()
				f.Env = append(f.Env, "TMPDIR="+tmp, "BATON_HTTP_TIMEOUT_SECONDS=1")
				if code, p := f.Run(args(w)...); code != int(test.code) {
					t.Errorf("exit code %d, want %d (%s):\n%s", code, test.code, test.code, p.Stderr.String())
				}
				if left, err := os.ReadDir(tmp); len(left) != 0 || err != nil {
					t.Errorf("left in the folder for temporary files: %v, %v", left, err)
				}
			})
		}
	}
}

func invocation(action, user string) []string {
	return []string{"--invoke-action", action, "--invoke-action-args", fmt.Sprintf(`{"user_id":%q}`, user)}
}
