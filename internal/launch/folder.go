//go:build unix

package launch

import (
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
)

// Folder is a folder in which the one-shot binary runs as a user would run it.
type Folder struct {
	// Dir is the folder, File the .c1z file in it.
	Dir, File string
	// Env is added to the environment; later settings win.
	Env []string

	t testing.TB
}

// NewFolder returns an empty folder for runs against a workspace, with the log level
// at error.
func NewFolder(t testing.TB, w *faults.Workspace) *Folder {
	t.Helper()
	dir := t.TempDir()
	return &Folder{t: t, Dir: dir, File: filepath.Join(dir, "sync.c1z"), Env: append(Settings(w), "BATON_LOG_LEVEL=error")}
}

// Settings returns the connector's environment for a workspace.
func Settings(w *faults.Workspace) []string {
	return []string{"BATON_WHIMSICAL_TOKEN=" + leaks.Token, "BATON_BASE_URL=" + w.URL}
}

// For returns the same folder for a subtest.
func (f *Folder) For(t testing.TB) *Folder {
	other := *f
	other.t = t
	return &other
}

// Start starts the connector.
func (f *Folder) Start(args ...string) *Process {
	f.t.Helper()
	return Start(f.t, Command{Path: Binary(f.t, Connector), Args: args, Dir: f.Dir, Env: f.Env})
}

// Run runs the connector to its end.
func (f *Folder) Run(args ...string) (code int, p *Process) {
	f.t.Helper()
	p = f.Start(args...)
	return p.Wait(), p
}

// Succeed runs the connector, which must exit with 0.
func (f *Folder) Succeed(args ...string) *Process {
	f.t.Helper()
	code, p := f.Run(args...)
	if code != 0 {
		f.t.Fatalf("baton-whimsical %q: exit %d\n%s", args, code, p.Stderr.excerpt())
	}
	return p
}

// Fail runs the connector, which must exit with a code and say why.
func (f *Folder) Fail(code codes.Code, says string, args ...string) {
	f.t.Helper()
	if got, p := f.Run(args...); got != int(code) || !strings.Contains(p.Stderr.String(), says) {
		f.t.Errorf("baton-whimsical %q: exit %d, want %d; %q is not in:\n%s", args, got, code, says, p.Stderr.excerpt())
	}
}

// Holds fails the test unless the last sync is that of a workspace with these users.
func (f *Folder) Holds(users []sim.User) {
	f.t.Helper()
	Holds(f.t, f.File, synctest.Expected(users))
}

// Syncs fails the test unless a fresh sync is that of a workspace with these users.
func (f *Folder) Syncs(users []sim.User) {
	f.t.Helper()
	f.Succeed()
	f.Holds(users)
}

// HoldsNothing fails the test when the file holds a completed sync.
func (f *Folder) HoldsNothing() {
	f.t.Helper()
	if _, err := synctest.Read(f.t.Context(), f.File); err == nil {
		f.t.Error("the file holds a completed sync")
	}
}

// Holds fails the test unless the last completed sync in a file says what is wanted.
func Holds(t testing.TB, path string, want synctest.Access) {
	t.Helper()
	picture, err := synctest.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	lines := picture.Access().Differences(want)
	for _, line := range lines[:min(len(lines), 20)] {
		t.Error(line)
	}
}
