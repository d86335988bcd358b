package e2e

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
)

const (
	// patience bounds every wait. It is far above what any of them takes, so that
	// it ends a test that hangs and none that is slow.
	patience = 2 * time.Minute
	// farewell bounds the time that a child may take to end once it was told to.
	farewell = 5 * time.Second
)

// process is a connector that runs as a child.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *logBuffer
	// ctx ends with the test, with the process, or when patience does.
	ctx  context.Context
	end  context.CancelCauseFunc
	done chan struct{}
	err  error
}

// startProcess starts a connector in an empty folder, with no environment but the
// given one. The process and its children end with the test, which fails when one of
// secrets is in their output.
func startProcess(t *testing.T, path string, args, env, secrets []string) *process {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx, end := context.WithCancelCause(deadline)
	dir := t.TempDir()
	p := &process{
		t:      t,
		cmd:    exec.CommandContext(t.Context(), path, args...),
		output: &logBuffer{},
		ctx:    ctx,
		end:    end,
		done:   make(chan struct{}),
	}
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"HOME=" + dir, "TMPDIR=" + dir, "BATON_LOG_LEVEL=debug"}, env...)
	// The connector's children write there as well. So Wait, which waits for the
	// last writer, returns when all of them have ended.
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.WaitDelay = patience
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
		end(fmt.Errorf("the connector has ended: %s", p.cmd.ProcessState))
	}()
	t.Cleanup(func() { p.stop(secrets) })
	return p
}

// stop ends the process, whatever state it is in, and reports what its output says.
func (p *process) stop(secrets []string) {
	// It may have ended by itself.
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Error(err)
	}
	<-p.done
	if errors.Is(p.err, exec.ErrWaitDelay) {
		p.t.Error("a child of the connector has outlived it")
	}
	output := p.output.String()
	for _, secret := range secrets {
		if strings.Contains(output, secret) {
			p.t.Error("the connector's output holds a secret")
		}
	}
	if p.t.Failed() {
		p.t.Logf("the connector's output ends with:\n%s", excerpt(output))
	}
}

// signal sends a signal to the process, not to its children.
func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// exitCode waits until the process and its children have ended, and returns the
// code of the process, which is -1 when a signal ended it.
func (p *process) exitCode(ctx context.Context) int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-ctx.Done():
		p.t.Fatalf("the connector has not ended: %v", ctx.Err())
	}
	return p.cmd.ProcessState.ExitCode()
}

// says waits until the output of the process holds text.
func (p *process) says(text string) {
	p.t.Helper()
	for {
		output, more := p.output.look()
		if strings.Contains(output, text) {
			return
		}
		select {
		case <-more:
		case <-p.ctx.Done():
			p.t.Fatalf("the connector has not said %q: %v", text, context.Cause(p.ctx))
		}
	}
}

// logBuffer keeps what several processes write.
type logBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
	// more is closed with the next write, when somebody waits for it.
	more chan struct{}
}

// Write appends p.
func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more != nil {
		close(b.more)
		b.more = nil
	}
	return b.buffer.Write(p)
}

// look returns everything that was written, and a channel that is closed when there
// is more.
func (b *logBuffer) look() (string, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.more == nil {
		b.more = make(chan struct{})
	}
	return b.buffer.String(), b.more
}

// String returns everything that was written.
func (b *logBuffer) String() string {
	output, _ := b.look()
	return output
}

// excerpt returns the last lines of a log, without debug messages and those of gRPC.
func excerpt(output string) string {
	lines := strings.Split(strings.TrimRight(output, "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.Contains(line, `"level":"debug"`) || strings.Contains(line, `"grpc_log":true`)
	})
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}
