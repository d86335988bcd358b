//go:build unix

package reliability

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
)

// longest bounds what a process may take; it ends a test that hangs and none
// that is slow.
const longest = 3 * time.Minute

var buildDir string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	// These tests mostly wait. Unless it was asked for otherwise, several of them
	// do so at a time whatever the number of processors.
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		if err := flag.Set("test.parallel", "8"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	dir, err := os.MkdirTemp("", "baton-whimsical-reliability-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	buildDir = dir
	return m.Run()
}

// binary builds the connector, once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "baton-whimsical")
	command := exec.Command("go", "build", "-o", path, "github.com/conductorone/baton-whimsical/cmd/baton-whimsical")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// shell is an empty folder in which the real connector runs before a simulated
// workspace with an injector.
type shell struct {
	t         *testing.T
	dir       string
	file      string
	workspace *sim.Workspace
	injector  *faults.Injector
	url       string
	// env is added to the environment.
	env []string
}

func newShell(t *testing.T, cfg sim.Config, elsewhere string) *shell {
	t.Helper()
	cfg.Token = token
	workspace, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	injector := faults.New(workspace.Handler(), elsewhere)
	server := httptest.NewServer(injector)
	t.Cleanup(func() {
		injector.Close()
		server.CloseClientConnections()
		server.Close()
	})
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &shell{
		t: t, dir: dir, file: filepath.Join(dir, "sync.c1z"), workspace: workspace, injector: injector, url: server.URL + sim.BasePath,
	}
}

// run is a run of the real connector, or what became of it.
type run struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr bytes.Buffer
}

// start starts the connector in a process group of its own. It gets the token
// in its environment, unless the arguments hold one.
func (s *shell) start(ctx context.Context, args ...string) *run {
	s.t.Helper()
	path, err := binary()
	if err != nil {
		s.t.Fatal(err)
	}
	r := &run{t: s.t, cmd: exec.CommandContext(ctx, path, args...)}
	r.cmd.Dir = s.dir
	r.cmd.Env = []string{
		"HOME=" + s.dir, "TMPDIR=" + filepath.Join(s.dir, "tmp"), "BATON_BASE_URL=" + s.url,
		"BATON_LOG_LEVEL=debug",
	}
	r.cmd.Env = append(r.cmd.Env, s.env...)
	if !strings.Contains(strings.Join(args, " "), token) {
		r.cmd.Env = append(r.cmd.Env, "BATON_WHIMSICAL_TOKEN="+token)
	}
	// The second process writes there as well, so Wait waits for its end, too.
	r.cmd.Stdout, r.cmd.Stderr = &r.stdout, &r.stderr
	r.cmd.WaitDelay = longest
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	return r
}

// wait waits for the end of both processes and returns the exit code.
func (r *run) wait() int {
	r.t.Helper()
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatalf("the connector has not ended as it should: %v\n%s", err, r.stderr.String())
	}
	return r.cmd.ProcessState.ExitCode()
}

// runs runs the connector to its end and returns its exit code and the run.
func (s *shell) runs(args ...string) (int, *run) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), longest)
	defer cancel()
	r := s.start(ctx, args...)
	return r.wait(), r
}

// succeeds runs the connector, which must exit with 0.
func (s *shell) succeeds(args ...string) *run {
	s.t.Helper()
	code, r := s.runs(args...)
	if code != 0 {
		s.t.Fatalf("baton-whimsical %q exits with %d:\n%s", args, code, r.stderr.String())
	}
	return r
}

// checkWhole checks that the file holds a completed sync of so many users, and
// every grant of theirs.
func (s *shell) checkWhole(users int) {
	s.t.Helper()
	picture, err := synctest.Read(s.t.Context(), s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	if len(picture.Resources) != users+2 {
		s.t.Errorf("%d resources, want %d users and 2 roles", len(picture.Resources), users)
	}
	grants := 0
	for _, user := range s.workspace.Users() {
		if picture.Resources["user:"+user.ID] == nil {
			s.t.Errorf("user %s is missing", user.ID)
		}
		if !user.Active || user.Editor == nil {
			continue
		}
		grants++
		if id := "role:" + roleName(*user.Editor) + ":assigned:user:" + user.ID; picture.Grants[id] == nil {
			s.t.Errorf("the grant %s is missing", id)
		}
	}
	if len(picture.Grants) != grants {
		s.t.Errorf("%d grants, want %d", len(picture.Grants), grants)
	}
}

// childOf returns the process id of the connector's second process, 0 while
// there is none.
func childOf(t *testing.T, parent int) int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the process is gone
		}
		// pid (command) state ppid ...
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		fields := strings.Fields(string(rest))
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	return 0
}
