//go:build unix

package reliability

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// thirty is a workspace whose listing has pages.
var thirty = sim.Config{Users: 30, PageSize: 10}

// The SDK by itself reports one failure in a hundred as a success, and more on a busy machine.
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

func TestASignalEndsASyncAtOnceAndTheNextSyncIsWhole(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]faults.Rule{
		"while the first request hangs":        {Fault: faults.Named("hang before the work")},
		"while a page hangs":                   {Fault: faults.Named("hang before the work"), Operations: []faults.Operation{faults.List}, After: 1},
		"while an answer drips":                {Fault: faults.Named("slow drip"), Operations: []faults.Operation{faults.List}},
		"while the SDK waits to try a page":    {Fault: faults.Named("503"), Operations: []faults.Operation{faults.List}, After: 1},
		"while the SDK waits for a rate reset": {Fault: faults.Named("429 for years"), Operations: []faults.Operation{faults.List}, After: 1},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			for to, group := range map[string]bool{"the process": false, "the process group, over an earlier sync": true} {
				t.Run(sig.String()+" to "+to+" "+name, func(t *testing.T) {
					t.Parallel()
					w := faults.Serve(t, thirty)
					f := launch.NewFolder(t, w)
					if group {
						f.Succeed()
					}
					before, _ := os.ReadFile(f.File) // which is there, or not
					w.Add(sim.User{UserName: newcomer, Email: newcomer, DisplayName: "New", Active: true})
					w.Set(rule)
					p := f.Start()
					p.Until(w.Struck())
					if code, want := p.Signal(sig, group), 128+int(sig); code != want {
						t.Errorf("exit code %d, want %d", code, want)
					}
					if after, err := os.ReadFile(f.File); !bytes.Equal(before, after) || group != (err == nil) {
						t.Errorf("the file has changed: %v", err)
					}
					w.Set()
					f.Syncs(w.Users())
				})
			}
		}
	}
}
