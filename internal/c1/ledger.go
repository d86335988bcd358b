package c1

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

// ledger is what ConductorOne knows of one connector: its tasks and its greetings.
type ledger struct {
	*monitor

	// pending are the tasks to hand out, in order. out are those that were handed
	// out and are not finished. all are all that ever were.
	pending []*Task
	out     map[string]*Task
	all     map[string]*Task
	hellos  []*v1.BatonServiceHelloRequest
	// polls is the number of polls that wait for a task. While away is set, they get
	// none: their connections are about to be closed.
	polls int
	away  bool
}

func newLedger() *ledger {
	return &ledger{monitor: newMonitor(), out: make(map[string]*Task), all: make(map[string]*Task)}
}

// add queues a copy of message under a fresh id.
func (l *ledger) add(message *v1.Task) *Task {
	task := &Task{message: proto.CloneOf(message), state: l.monitor}
	l.update(func() {
		// The protocol wants 27 letters and digits.
		task.id = fmt.Sprintf("task%023d", len(l.all)+1)
		l.all[task.id] = task
		task.message.SetId(task.id)
		task.message.SetStatus(v1.Task_STATUS_PENDING)
		l.pending = append(l.pending, task)
	})
	return task
}

// take waits for pending tasks and hands out up to limit of them. It fails when ctx
// ends first; the tasks are pending still then.
func (l *ledger) take(ctx context.Context, limit int) ([]*v1.Task, error) {
	l.update(func() { l.polls++ })
	defer l.update(func() { l.polls-- })
	var messages []*v1.Task
	err := l.await(ctx, func() bool {
		if l.away {
			return false
		}
		taken := l.pending[:min(limit, len(l.pending))]
		for _, task := range taken {
			l.out[task.id] = task
			messages = append(messages, task.message)
		}
		l.pending = slices.Clone(l.pending[len(taken):])
		return len(messages) > 0
	})
	return messages, err
}

// recover makes the tasks pending again that were handed out and that the connector
// does not know of: the answer that held them never arrived.
func (l *ledger) recover(known []string) {
	l.update(func() {
		var lost []*Task
		for id, task := range l.out {
			if !slices.Contains(known, id) {
				delete(l.out, id)
				lost = append(lost, task)
			}
		}
		slices.SortFunc(lost, func(a, b *Task) int { return strings.Compare(a.id, b.id) })
		l.pending = append(lost, l.pending...)
	})
}

// change runs fn on a task that is out, under the lock. It fails with NotFound for
// any other id.
func (l *ledger) change(id string, fn func(*Task)) error {
	var err error
	l.update(func() {
		task, ok := l.out[id]
		if !ok {
			err = status.Errorf(codes.NotFound, "task %q is not under way", id)
			return
		}
		fn(task)
	})
	return err
}

// beat counts a heartbeat for a task and returns whether the task was cancelled. The
// connector beats on its own clock, so a beat may come after the end: it counts for
// nothing then. It fails with NotFound for an id that no task has.
func (l *ledger) beat(id string) (bool, error) {
	var cancelled bool
	var err error
	l.update(func() {
		task, ok := l.all[id]
		switch {
		case !ok:
			err = status.Errorf(codes.NotFound, "there is no task %q", id)
		case task.result == nil:
			task.heartbeats++
			cancelled = task.cancelled
		}
	})
	return cancelled, err
}

// finish ends a task that is out. It fails with NotFound for any other id.
func (l *ledger) finish(id string, result *Result) error {
	return l.change(id, func(task *Task) { l.end(task, result) })
}

// end gives a task its result. The caller holds the lock.
func (l *ledger) end(task *Task, result *Result) {
	result.C1Z = task.upload
	task.result = result
	delete(l.out, task.id)
}

// greet records a greeting, which also ends the hello task that asked for it. It
// fails with NotFound when it names a task that is not under way.
func (l *ledger) greet(hello *v1.BatonServiceHelloRequest) error {
	id := hello.GetTaskId()
	if id == "" {
		l.update(func() { l.hellos = append(l.hellos, hello) })
		return nil
	}
	// In one step: who waits for the task finds the greeting.
	return l.change(id, func(task *Task) {
		l.end(task, &Result{Status: status.New(codes.OK, "")})
		l.hellos = append(l.hellos, hello)
	})
}
