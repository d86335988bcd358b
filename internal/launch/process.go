//go:build unix

package launch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/conductorone/baton-whimsical/internal/leaks"
)

const (
	// patience bounds every wait. It is far above what any of them takes, so that it
	// ends a test that hangs and none that is slow.
	patience = 3 * time.Minute
	// farewell bounds the time that a process, and the child that a service has, may take
	// to end once they were told to.
	farewell = 5 * time.Second
)

// Process is a run of a command.
type Process struct {
	Cmd *exec.Cmd // of a service's two processes the first
	// Stdout and Stderr keep what the process and its child write.
	Stdout, Stderr *Output
	// Context ends with the test, with the process, or when patience does.
	Context context.Context

	t    testing.TB
	done chan struct{}
	err  error
}

// Command says what to run: a command line, and the folder to run it in. Env is added to an environment of HOME,
// TMPDIR and BATON_LOG_LEVEL=debug.
type Command struct {
	Path, Dir string
	Args, Env []string
}

// Start starts a process in a group of its own. It ends with the test, which fails
// when the output holds a secret.
func Start(t testing.TB, c Command) *Process {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx, end := context.WithCancelCause(deadline)
	cmd := exec.CommandContext(t.Context(), c.Path, c.Args...) //nolint:gosec // the binary under test
	p := &Process{Cmd: cmd, Stdout: &Output{}, Stderr: &Output{}, Context: ctx, t: t, done: make(chan struct{})}
	p.Cmd.Dir = c.Dir
	p.Cmd.Env = append([]string{"HOME=" + c.Dir, "TMPDIR=" + c.Dir, "BATON_LOG_LEVEL=debug"}, c.Env...)
	// A service's child writes there as well. So Wait, which waits for the last
	// writer, returns when both have ended.
	p.Cmd.Stdout, p.Cmd.Stderr = p.Stdout, p.Stderr
	p.Cmd.WaitDelay = patience
	p.Cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.Cmd.Start(); err != nil {
		fail(t, err)
	}
	go func() {
		p.err = p.Cmd.Wait()
		close(p.done)
		end(fmt.Errorf("the connector has ended: %s", p.Cmd.ProcessState))
	}()
	t.Cleanup(p.stop)
	return p
}

// fail is Fatal for tests and benchmarks alike: the linter of ConductorOne's connectors refuses
// testing.TB.Fatal.
func fail(t testing.TB, args ...any) {
	t.Helper()
	t.Error(args...)
	t.FailNow()
}

// stop ends the process, whatever state it is in, and checks its output.
func (p *Process) stop() {
	// It may have ended by itself.
	if err := p.Cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	<-p.done
	if errors.Is(p.err, exec.ErrWaitDelay) {
		p.t.Error("a child of the connector has outlived it")
	}
	for _, leak := range append(leaks.InLog(p.Stdout.String()), leaks.InLog(p.Stderr.String())...) {
		p.t.Error(leak)
	}
	if p.t.Failed() {
		p.t.Logf("the output of %v ends with:\n%s", p.Cmd.Args, p.Stderr.excerpt())
	}
}

// Signal sends a signal to the process, or to the process group, as a supervisor and a
// terminal do. It has to end in time, with its child; the exit code is returned.
func (p *Process) Signal(sig syscall.Signal, group bool) int {
	p.t.Helper()
	target := map[bool]int{true: -p.Cmd.Process.Pid, false: p.Cmd.Process.Pid}[group]
	if err := syscall.Kill(target, sig); err != nil {
		fail(p.t, err)
	}
	overdue := time.AfterFunc(farewell, func() { p.t.Errorf("the connector has not ended %s after the signal", farewell) })
	defer overdue.Stop()
	return p.Wait()
}

// Wait waits until the process and its child have ended, and returns the exit code, which
// is -1 when a signal ended the process.
func (p *Process) Wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		fail(p.t, "the connector has not ended")
	}
	return p.Cmd.ProcessState.ExitCode()
}

// Until waits for a channel to be closed, which must happen while the process runs.
func (p *Process) Until(reached <-chan struct{}) {
	p.t.Helper()
	select {
	case <-reached:
	case <-p.Context.Done():
		fail(p.t, "the connector has not got there: ", context.Cause(p.Context))
	}
}

// Says waits until the process has written text to one of its outputs.
func (p *Process) Says(output *Output, text string) {
	p.t.Helper()
	defer context.AfterFunc(p.Context, func() { _, _ = output.Write(nil) })()
	output.mu.Lock()
	defer output.mu.Unlock()
	output.written.L = &output.mu
	for !bytes.Contains(output.buffer.Bytes(), []byte(text)) {
		if p.Context.Err() != nil {
			fail(p.t, "the connector has not said ", text, ": ", context.Cause(p.Context))
		}
		output.written.Wait()
	}
}

// Output keeps what processes write. It is safe for concurrent use.
type Output struct {
	mu      sync.Mutex
	buffer  bytes.Buffer
	written sync.Cond // Says sets its lock
}

// Write appends p.
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.written.Broadcast()
	return o.buffer.Write(p)
}

// String returns everything that was written.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

// excerpt returns the last lines, without debug messages and those of gRPC.
func (o *Output) excerpt() string {
	lines := strings.Split(strings.TrimRight(o.String(), "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.Contains(line, `"level":"debug"`) || strings.Contains(line, `"grpc_log":true`)
	})
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
