package c1

import (
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

// watched is a mutex whose holders can wait for a change of what it guards, so that
// nobody has to poll.
type watched struct {
	mu      sync.Mutex
	changed chan struct{}
}

func newWatched() *watched {
	return &watched{changed: make(chan struct{})}
}

// update runs change under the lock and wakes everybody in [watched.await].
func (w *watched) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	close(w.changed)
	w.changed = make(chan struct{})
}

// await returns once condition is true, or with the context's error. condition runs
// under the lock, never after ctx has ended, and may take what it found.
func (w *watched) await(ctx context.Context, condition func() bool) error {
	for {
		w.mu.Lock()
		err := context.Cause(ctx)
		met := err == nil && condition()
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
func (q *queue) take(ctx context.Context) (message *v1.Task, err error) {
	q.update(func() { q.polls++ })
	defer q.update(func() { q.polls-- })
	err = q.await(ctx, func() bool {
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
