package e2e

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/synctest"
)

// shell is a folder in which the one-shot binary runs as a user would run it.
type shell struct {
	t    *testing.T
	dir  string
	url  string
	file string
}

// newShell returns an empty folder; url is the base URL of the SCIM API.
func newShell(t *testing.T, url string) *shell {
	t.Helper()
	dir := t.TempDir()
	return &shell{t: t, dir: dir, url: url, file: filepath.Join(dir, "sync.c1z")}
}

// outcomeOf is how a run of the binary ended.
type outcomeOf struct {
	code   int
	stderr string
	stdout string
}

// command returns the one-shot binary with the given arguments, not started.
func (s *shell) command(ctx context.Context, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd := exec.CommandContext(ctx, binary(s.t, connectorPackage), args...) //nolint:gosec // the binary under test
	cmd.Dir = s.dir
	cmd.Env = []string{
		"HOME=" + s.dir, "TMPDIR=" + s.dir, "BATON_LOG_LEVEL=error",
		"BATON_WHIMSICAL_TOKEN=" + token, "BATON_BASE_URL=" + s.url,
	}
	return cmd
}

// run runs the one-shot binary to its end.
func (s *shell) run(args ...string) outcomeOf {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return finished(s.t, s.command(ctx, args...))
}

// finished runs a command to its end.
func finished(t *testing.T, cmd *exec.Cmd) outcomeOf {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return outcomeOf{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// succeed runs the one-shot binary, which must exit with 0.
func (s *shell) succeed(args ...string) {
	s.t.Helper()
	if o := s.run(args...); o.code != 0 {
		s.t.Fatalf("baton-whimsical %v: exit %d\n%s", args, o.code, o.stderr)
	}
}

// picture reads the last completed sync.
func (s *shell) picture() *synctest.Picture {
	s.t.Helper()
	p, err := synctest.Read(s.t.Context(), s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// sync runs a full sync and returns what it holds.
func (s *shell) sync() *synctest.Picture {
	s.t.Helper()
	s.succeed()
	return s.picture()
}
