package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

const (
	connectorPackage = "github.com/conductorone/baton-whimsical/cmd/baton-whimsical"
	simulatorPackage = "github.com/conductorone/baton-whimsical/cmd/whimsical-sim"
	batonPackage     = "github.com/conductorone/baton-sdk/cmd/baton"
)

var (
	builds   sync.Map // of package and tags to a func() (string, error)
	buildDir string
)

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "baton-whimsical-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	buildDir = dir
	return m.Run()
}

// binary returns the path of a command, built once for all tests.
func binary(t *testing.T, pkg string, tags ...string) string {
	t.Helper()
	key := fmt.Sprint(pkg, tags)
	build, _ := builds.LoadOrStore(key, sync.OnceValues(func() (string, error) {
		dir, err := os.MkdirTemp(buildDir, "bin-")
		if err != nil {
			return "", err
		}
		path := filepath.Join(dir, filepath.Base(pkg))
		args := []string{"build", "-o", path}
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
		t.Fatal(err)
	}
	return path
}
