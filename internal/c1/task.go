package c1

import (
	"context"
	"fmt"
	"sync"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// watched is a mutex whose holders can wait for a change of what it guards, so that nobody has to poll.
type watched struct {
	mu      sync.Mutex
	changed sync.Cond // await sets its lock
}

// update runs change under the lock and wakes everybody in [watched.await].
func (w *watched) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	w.changed.Broadcast()
}

// await returns once condition is true, or with the context's error. condition runs under the lock, never after
// ctx has ended, and may take what it found.
func (w *watched) await(ctx context.Context, condition func() bool) error {
	defer context.AfterFunc(ctx, func() { w.update(func() {}) })()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed.L = &w.mu
	for ctx.Err() == nil {
		if condition() {
			return nil
		}
		w.changed.Wait()
	}
	return context.Cause(ctx)
}

// Task is a task that was given to [Server.Enqueue]. All methods are safe for concurrent use.
type Task struct {
	message *v1.Task
	state   *watched

	// The rest is guarded by state.
	heartbeats int
	cancelled  bool
	upload     string
	result     *Result
}

// Result is what the connector said in FinishTask, or in Hello for a hello task.
type Result struct {
	// Status is the outcome, with the details that the connector sent.
	Status *status.Status
	// NonRetryable is set on a failed task that is not to be tried again.
	NonRetryable bool
	// Annotations are those of the outcome.
	Annotations annotations.Annotations
	// Response is the connector's answer, for example a
	// *v2.GrantManagerServiceGrantResponse. It is nil when there is none.
	Response proto.Message
	// C1Z is the path of the file that was uploaded for the task, or empty. The file
	// lives until the test ends.
	C1Z string
}

// ID returns the identifier that the task was given.
func (t *Task) ID() string { return t.message.GetId() }

// Wait returns the result of the task once the connector has finished it. It fails when ctx ends first.
func (t *Task) Wait(ctx context.Context) (*Result, error) {
	if err := t.state.await(ctx, func() bool { return t.result != nil }); err != nil {
		return nil, fmt.Errorf("task %s is not finished: %w", t.ID(), err)
	}
	return t.result, nil
}

// Cancel tells the connector with the answer to its next heartbeat that the task is
// no longer wanted. Only syncs send heartbeats.
func (t *Task) Cancel() { t.state.update(func() { t.cancelled = true }) }

// Heartbeats returns how many heartbeats the connector has sent for the task.
func (t *Task) Heartbeats() int {
	var n int
	t.state.update(func() { n = t.heartbeats })
	return n
}
