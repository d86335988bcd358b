package c1

import (
	"context"
	"fmt"
	"sync"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// watched is a mutex whose holders can wait for a change of what it guards, so that
// nobody has to poll.
type watched struct {
	mu      sync.Mutex
	changed chan struct{}
}

// update runs change under the lock and wakes everybody in [watched.await].
func (w *watched) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	if w.changed != nil {
		close(w.changed)
	}
	w.changed = make(chan struct{})
}

// await returns once condition is true, or with the context's error. condition runs
// under the lock, never after ctx has ended, and may take what it found.
func (w *watched) await(ctx context.Context, condition func() bool) error {
	for {
		w.mu.Lock()
		err := context.Cause(ctx)
		met := err == nil && condition()
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		if met || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
}

// queue holds the tasks of one connector, and its greetings.
type queue struct {
	*watched

	// all are all tasks that ever were, pending are those to hand out, in order.
	all     map[string]*Task
	pending []*Task
	hellos  []*v1.BatonServiceHelloRequest
	// polls is the number of polls that wait for a task. While away is set, they get
	// none: their connections are about to be closed.
	polls int
	away  bool
}

// add queues a copy of message under a fresh id.
func (q *queue) add(message *v1.Task) *Task {
	task := &Task{message: proto.CloneOf(message), state: q.watched}
	q.update(func() {
		// The protocol wants 27 letters and digits.
		id := fmt.Sprintf("task%023d", len(q.all)+1)
		task.message.SetId(id)
		task.message.SetStatus(v1.Task_STATUS_PENDING)
		q.all[id] = task
		q.pending = append(q.pending, task)
	})
	return task
}

// take waits for a pending task and hands it out. It fails when ctx ends first.
func (q *queue) take(ctx context.Context) (*v1.Task, error) {
	q.update(func() { q.polls++ })
	defer q.update(func() { q.polls-- })
	var message *v1.Task
	err := q.await(ctx, func() bool {
		if q.away || len(q.pending) == 0 {
			return false
		}
		message, q.pending = q.pending[0].message, q.pending[1:]
		return true
	})
	return message, err
}

// change runs fn on a task that is not finished, under the lock. It fails with
// NotFound for any other id.
func (q *queue) change(id string, fn func(*Task)) error {
	err := status.Errorf(codes.NotFound, "task %q is not under way", id)
	q.update(func() {
		if task := q.all[id]; task != nil && task.result == nil {
			fn(task)
			err = nil
		}
	})
	return err
}

// greet records a greeting, which also ends the hello task that asked for it: in one
// step, so that who waits for the task finds the greeting.
func (q *queue) greet(hello *v1.BatonServiceHelloRequest) error {
	record := func() { q.hellos = append(q.hellos, hello) }
	if hello.GetTaskId() == "" {
		q.update(record)
		return nil
	}
	return q.change(hello.GetTaskId(), func(task *Task) {
		task.result = &Result{Status: status.New(codes.OK, "")}
		record()
	})
}

// Task is a task that was given to [Server.Enqueue]. All methods are safe for
// concurrent use.
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
	// C1Z is the path of the file that was uploaded for the task, or empty. The
	// file lives until [Server.Close].
	C1Z string
}

// ID returns the identifier that the task was given.
func (t *Task) ID() string {
	return t.message.GetId()
}

// Wait returns the result of the task once the connector has finished it. It fails
// when ctx ends first.
func (t *Task) Wait(ctx context.Context) (*Result, error) {
	if err := t.state.await(ctx, func() bool { return t.result != nil }); err != nil {
		return nil, fmt.Errorf("task %s is not finished: %w", t.ID(), err)
	}
	return t.result, nil
}

// Cancel tells the connector with the answer to its next heartbeat that the task is
// no longer wanted. Only syncs send heartbeats.
func (t *Task) Cancel() {
	t.state.update(func() { t.cancelled = true })
}

// Heartbeats returns how many heartbeats the connector has sent for the task.
func (t *Task) Heartbeats() int {
	var n int
	t.state.update(func() { n = t.heartbeats })
	return n
}
