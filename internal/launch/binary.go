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
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// The commands that can be built. Baton is one of another module, in toolsDir.
const (
	Connector = "github.com/conductorone/baton-whimsical/cmd/baton-whimsical"
	Simulator = "github.com/conductorone/baton-whimsical/cmd/whimsical-sim"
	Generator = "github.com/conductorone/baton-whimsical/pkg/config/gen"
	Baton     = "github.com/conductorone/baton-sdk/cmd/baton"
)

// toolsDir is the folder of the module that pins baton, from where the tests of a package in internal run.
const toolsDir = "../tools"

var (
	builds   sync.Map // of package and tags to a func() (string, error)
	buildDir string
)

// Main runs the tests of a package and removes the binaries that they have built.
func Main(m *testing.M) int {
	// Processes mostly wait; the option -parallel still wins.
	if err := flag.Set("test.parallel", "8"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "baton-whimsical-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	buildDir = dir
	return m.Run()
}

// Binary returns the path of a command, built once for all tests of a package.
func Binary(t testing.TB, pkg string, tags ...string) string {
	t.Helper()
	build, _ := builds.LoadOrStore(fmt.Sprint(pkg, tags), sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp(buildDir, "bin-")
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, filepath.Base(pkg))
		args := []string{"build", "-o", path}
		if pkg == Baton {
			args = []string{"build", "-C", toolsDir, "-o", path}
			_, err = os.ReadFile(filepath.Join(toolsDir, "go.mod")) // as dependOn does
		} else {
			err = dependOn(pkg)
		}
		if err != nil {
			return "", err
		}
		for _, tag := range tags {
			args = append(args, "-tags", tag)
		}
		out, err := exec.Command("go", append(args, pkg)...).CombinedOutput() //nolint:gosec,noctx // constants; shared by all tests
		if err != nil {
			return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
		return path, nil
	}))
	path, err := build.(func() (string, error))()
	if err != nil {
		fail(t, err)
	}
	return path
}

// dependOn reads the folders of a command's source in this module: go test takes a
// result from its cache only where the folders that a test has read are as they were.
func dependOn(pkg string) error {
	const ours = "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}"
	dirs, err := exec.Command("go", "list", "-deps", "-f", ours, pkg).Output() //nolint:noctx // as for the build
	for _, dir := range strings.Fields(string(dirs)) {
		if _, err := os.ReadDir(dir); err != nil {
			return err
		}
	}
	return err
}
