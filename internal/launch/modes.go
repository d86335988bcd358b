//go:build unix

package launch

import (
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// Folder is a folder in which the one-shot binary runs as a user would run it.
type Folder struct {
	// Dir is the folder, File the .c1z file in it. Of Env, later settings win.
	Dir, File string
	Env       []string

	t *testing.T
}

// NewFolder returns an empty folder for runs against a workspace, with the log level at error.
func NewFolder(t *testing.T, w *faults.Workspace) *Folder {
	t.Helper()
	dir := t.TempDir()
	return &Folder{t: t, Dir: dir, File: filepath.Join(dir, "sync.c1z"), Env: append(Settings(w), "BATON_LOG_LEVEL=error")}
}

// Settings returns the connector's environment for a workspace.
func Settings(w *faults.Workspace) []string {
	return []string{"BATON_WHIMSICAL_TOKEN=" + leaks.Token, "BATON_BASE_URL=" + w.URL}
}

// Start starts the connector.
func (f *Folder) Start(args ...string) *Process {
	f.t.Helper()
	return Start(f.t, Command{Path: Binary(f.t, Connector), Args: args, Dir: f.Dir, Env: f.Env})
}

// Run runs the connector to its end, and returns its exit code and the process.
func (f *Folder) Run(args ...string) (int, *Process) {
	f.t.Helper()
	p := f.Start(args...)
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
	Holds(f.t, f.File, batontest.Expected(users))
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
	if _, err := batontest.Read(f.t.Context(), f.File); err == nil {
		f.t.Error("the file holds a completed sync")
	}
}

// Holds fails the test unless the last completed sync in a file says what is wanted.
func Holds(t *testing.T, path string, want batontest.Access) {
	t.Helper()
	picture, err := batontest.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	lines := picture.Access().Differences(want)
	for _, line := range lines[:min(len(lines), 20)] {
		t.Error(line)
	}
}

// Service starts a connector in service mode with additional environment variables.
func Service(t *testing.T, server *c1.Server, w *faults.Workspace, env ...string) *Process {
	t.Helper()
	all := append(server.Environment(), Settings(w)...)
	return Start(t, Command{Path: Binary(t, Connector), Dir: t.TempDir(), Env: append(all, env...)})
}

// Function starts an execution environment of a lambda function.
func Function(t *testing.T, lambda *c1.Lambda) *Process {
	t.Helper()
	path := Binary(t, Connector, "baton_lambda_support")
	return Start(t, Command{Path: path, Args: []string{"lambda"}, Dir: t.TempDir(), Env: lambda.Environment()})
}
