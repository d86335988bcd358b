//go:build unix

// Package launch runs the real binary: one-shot in a [Folder], as a service with [Service], as a lambda
// function with [Function]. Use it where the process matters: flags, exit codes, signals, files, memory. What
// every [Process] writes is checked for secrets when the test ends. A package that uses it calls [Main].
//
//	func TestMain(m *testing.M) { os.Exit(launch.Main(m)) }
//
//	w := faults.Serve(t, sim.Config{Users: 12})
//	f := launch.NewFolder(t, w)
//	f.Succeed("--grant-entitlement", "role:editor:assigned", "--grant-principal", id, "--grant-principal-type", "user")
//	f.Holds(w.Users())
package launch

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The commands that can be built.
const (
	Connector = "github.com/conductorone/baton-whimsical/cmd/baton-whimsical"
	Simulator = "github.com/conductorone/baton-whimsical/cmd/whimsical-sim"
	Generator = "github.com/conductorone/baton-whimsical/pkg/config/gen"
)

var (
	builds   sync.Map // of package and tags to a func() (string, error)
	buildDir string
)

// Main runs the tests of a package and removes the binaries that they have built.
func Main(m *testing.M) int {
	// Processes mostly wait; the option -parallel still wins.
	err := flag.Set("test.parallel", "8")
	if err == nil {
		buildDir, err = os.MkdirTemp("", "baton-whimsical-")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(buildDir) }()
	return m.Run()
}

// Binary returns the path of a command, built once for all tests of a package.
func Binary(t testing.TB, pkg string, tags ...string) string {
	t.Helper()
	built, _ := builds.LoadOrStore(fmt.Sprint(pkg, tags), sync.OnceValues(func() (string, error) { return build(pkg, tags) }))
	path, err := built.(func() (string, error))()
	if err != nil {
		fail(t, err)
	}
	return path
}

func build(pkg string, tags []string) (string, error) {
	dir, err := os.MkdirTemp(buildDir, "bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-tags", strings.Join(tags, ","), "-o", path, pkg) //nolint:gosec,noctx // constants; shared by all tests
	if err := dependOn(pkg); err != nil {
		return "", err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return path, nil
}

// dependOn reads the folders of a command's source in this module: go test takes a result from its cache only
// where the folders that a test has read are as they were.
func dependOn(pkg string) error {
	const ours = "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}"
	dirs, err := exec.Command("go", "list", "-deps", "-f", ours, pkg).Output() //nolint:noctx // as for the build
	for _, dir := range strings.Fields(string(dirs)) {
		_, failed := os.ReadDir(dir)
		err = errors.Join(err, failed)
	}
	return err
}

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
