//go:build unix

package reliability

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// farewell is how long the end of both processes may take after a signal.
const farewell = 5 * time.Second

func TestASignalEndsASyncAtOnceAndTheNextSyncIsWhole(t *testing.T) {
	t.Parallel()
	for name, situation := range map[string]struct {
		fault string
		rule  faults.Rule
	}{
		"while the first request hangs":        {"hang before the work", faults.Rule{}},
		"while a page hangs":                   {"hang before the work", faults.Rule{Operations: []faults.Operation{faults.List}, After: 1}},
		"while an answer drips":                {"slow drip", faults.Rule{Operations: []faults.Operation{faults.List}}},
		"while the SDK waits to try a page":    {"503", faults.Rule{Operations: []faults.Operation{faults.List}, After: 1}},
		"while the SDK waits for a rate reset": {"429 for years", faults.Rule{Operations: []faults.Operation{faults.List}, After: 1}},
	} {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			for _, group := range []bool{false, true} {
				to := "the process"
				if group {
					to = "the process group" // as a terminal and a supervisor do
				}
				t.Run(sig.String()+" to "+to+" "+name, func(t *testing.T) {
					t.Parallel()
					s := newShell(t, sim.Config{Users: 30, PageSize: 10}, "")
					rule := situation.rule
					rule.Fault, _ = faults.Named(situation.fault)
					s.injector.Set(rule)
					s.interrupt(sig, group)
					if _, err := os.Stat(s.file); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("the interrupted sync has left a file: %v", err)
					}

					s.injector.Set()
					s.succeeds()
					s.checkWhole(30)
				})
			}
		}
	}
}

func TestASignalLeavesTheFileOfAnEarlierSyncAsItWas(t *testing.T) {
	s := newShell(t, sim.Config{Users: 30, PageSize: 10}, "")
	s.succeeds()
	before, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	s.workspace.Add(sim.User{UserName: "new@example.com", Active: true})
	hang, _ := faults.Named("hang before the work")
	s.injector.Set(faults.Rule{Fault: hang, Operations: []faults.Operation{faults.List}, After: 2})
	s.interrupt(syscall.SIGTERM, false)
	after, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the file has changed")
	}
	s.injector.Set()
	s.succeeds()
	s.checkWhole(31)
}

// interrupt runs the connector, sends it a signal once a fault has struck, and
// checks that both processes end in time, and that the exit code tells of it.
func (s *shell) interrupt(sig syscall.Signal, group bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), longest)
	defer cancel()
	r := s.start(ctx)
	select {
	case <-s.injector.Struck():
	case <-ctx.Done():
		s.t.Fatalf("no request has come:\n%s", r.stderr.String())
	}
	target := r.cmd.Process.Pid
	if group {
		target = -target
	}
	if err := syscall.Kill(target, sig); err != nil {
		s.t.Fatal(err)
	}
	// Both processes hold the output open; when it is closed, both have ended.
	overdue := time.AfterFunc(farewell, func() { s.t.Errorf("the connector has not ended %s after the signal", farewell) })
	code := r.wait()
	overdue.Stop()
	if want := 128 + int(sig); code != want {
		s.t.Errorf("exit code %d, want %d:\n%s", code, want, r.stderr.String())
	}
}
