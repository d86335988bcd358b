//go:build unix

package reliability

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

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
			for _, group := range []bool{false, true} {
				to := map[bool]string{false: "the process", true: "the process group"}[group]
				t.Run(sig.String()+" to "+to+" "+name, func(t *testing.T) {
					t.Parallel()
					w := faults.Serve(t, thirty)
					f := launch.NewFolder(t, w)
					w.Set(rule)
					interrupt(t, w, f, sig, group)
					if _, err := os.Stat(f.File); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("the interrupted sync has left a file: %v", err)
					}
					w.Set()
					f.Syncs(w.Users())
				})
			}
		}
	}
}

func TestASignalLeavesTheFileOfAnEarlierSyncAsItWas(t *testing.T) {
	w := faults.Serve(t, thirty)
	f := launch.NewFolder(t, w)
	f.Succeed()
	before, err := os.ReadFile(f.File)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(sim.User{UserName: "new@example.com", Email: "new@example.com", DisplayName: "New", Active: true})
	w.Set(faults.Rule{Fault: faults.Named("hang before the work"), Operations: []faults.Operation{faults.List}, After: 2})
	interrupt(t, w, f, syscall.SIGTERM, false)
	after, err := os.ReadFile(f.File)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the file has changed")
	}
	w.Set()
	f.Syncs(w.Users())
}

// interrupt runs the connector, sends it a signal once a fault has struck, and
// checks that the exit code tells of it.
func interrupt(t *testing.T, w *faults.Workspace, f *launch.Folder, sig syscall.Signal, group bool) {
	t.Helper()
	p := f.Start()
	p.Until(w.Struck())
	if code, want := p.Signal(sig, group), 128+int(sig); code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
}
