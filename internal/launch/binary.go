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
	if pkg == Baton {
		cmd.Dir = toolsDir
		_, err = os.ReadFile(filepath.Join(toolsDir, "go.mod")) // as dependOn does
	} else {
		err = dependOn(pkg)
	}
	if err != nil {
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
