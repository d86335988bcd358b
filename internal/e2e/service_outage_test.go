package e2e

import (
	"context"
	"net/http"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/c1"
)

// hold returns a fault that holds requests back, a function that waits until there
// is one, and a function that lets all of them through.
func hold(ctx context.Context, t *testing.T) (faultFunc, func(), func()) {
	t.Helper()
	reached, open := make(chan struct{}), make(chan struct{})
	var first, last sync.Once
	release := func() { last.Do(func() { close(open) }) }
	t.Cleanup(release)
	fault := func(_ http.ResponseWriter, r *http.Request) bool {
		first.Do(func() { close(reached) })
		select {
		case <-open:
		case <-r.Context().Done():
		}
		return false
	}
	wait := func() {
		t.Helper()
		select {
		case <-reached:
		case <-ctx.Done():
			t.Fatal(context.Cause(ctx))
		}
	}
	return fault, wait, release
}

// What the SDK logs when a poll has failed, and when a sync has read everything and
// its upload comes next.
const (
	pollFailed = "error getting next task"
	syncDone   = "Sync complete."
)

func TestTasksSurviveAnAbsenceOfConductorOne(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]string{"single polls": "BATON_GET_TASKS=false", "batch polls": "BATON_GET_TASKS=true"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, newWhimsical(t, twelve), provisioning, env)
			fault, wait, release := hold(s.ctx, t)
			s.whimsical.fail(fault)
			running := s.c1.Enqueue(fullSync())
			wait()
			s.waitPoll()

			s.c1.Pause()
			viewer := s.whimsical.person(t, isViewer).ID
			queued := []*c1.Task{s.c1.Enqueue(grantTask("editor", viewer)), s.c1.Enqueue(helloTask())}
			s.says(pollFailed)
			s.whimsical.fail(nil)
			release()
			s.says(syncDone)
			if err := s.c1.Resume(); err != nil {
				t.Fatal(err)
			}

			for _, task := range append(queued, running) {
				if result := s.finish(task); result.Err() != nil {
					t.Errorf("task %s: %s", task.ID(), outcome(result.Err()))
				}
			}
			if got := roleOf(s.whimsical.current(t, viewer)); got != "editor" {
				t.Errorf("the user is %q, want the grant that was queued", got)
			}
			s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
		})
	}
}

func TestWhimsicalFailsDuringASync(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault faultFunc
		code  codes.Code
		text  string
	}{
		"token refused": {answer(http.StatusUnauthorized, nil), codes.Unauthenticated, "token was refused"},
		// The SDK tries again a few times; Retry-After keeps that short.
		"unavailable": {answer(http.StatusServiceUnavailable, http.Header{"Retry-After": {"1"}}), codes.Unavailable, "503"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, newWhimsical(t, twelve))
			s.whimsical.fail(test.fault)
			task := s.c1.Enqueue(fullSync())
			result := s.finish(task)
			if result.C1Z != "" {
				t.Error("the failed sync has uploaded a file")
			}
			s.checkOutcome(result, test.code, test.text)

			s.whimsical.fail(nil)
			s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
		})
	}
}

func TestWhimsicalFailsInTheMiddleOfAListing(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	var once sync.Once
	broken := answer(http.StatusServiceUnavailable, nil)
	s.whimsical.fail(func(w http.ResponseWriter, r *http.Request) bool {
		failed := false
		if r.URL.Query().Get("startIndex") > "1" {
			once.Do(func() { failed = broken(w, r) })
		}
		return failed
	})
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))

	s.whimsical.fail(func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Get("startIndex") > "1" && answer(http.StatusUnauthorized, nil)(w, r)
	})
	result := s.finish(s.c1.Enqueue(fullSync()))
	s.checkOutcome(result, codes.Unauthenticated, "token was refused")
	if result.C1Z != "" {
		t.Error("the failed sync has uploaded a file")
	}
}

func TestCancelledSyncEnds(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	fault, wait, _ := hold(s.ctx, t)
	s.whimsical.fail(fault)
	task := s.c1.Enqueue(fullSync())
	wait()
	task.Cancel()
	result := s.finish(task)
	if result.Status.Code() != codes.Canceled || result.C1Z != "" {
		t.Errorf("the sync has ended with %s and %q, want it cancelled", outcome(result.Err()), result.C1Z)
	}
	s.whimsical.fail(nil)
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
}

func TestSignalsEndTheService(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String()+" while idle", func(t *testing.T) {
			t.Parallel()
			s := startService(t, newWhimsical(t, twelve))
			s.waitPoll()
			s.endsAfter(sig)
		})
		t.Run(sig.String()+" during a sync", func(t *testing.T) {
			t.Parallel()
			s := startService(t, newWhimsical(t, twelve))
			fault, wait, _ := hold(s.ctx, t)
			s.whimsical.fail(fault)
			s.c1.Enqueue(fullSync())
			wait()
			s.endsAfter(sig)
		})
	}
}

// endsAfter sends a signal, after which the service and its children have to end
// within the time that a container runtime leaves them, and without an error.
func (s *service) endsAfter(sig syscall.Signal) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), farewell)
	defer cancel()
	s.signal(sig)
	if code := s.exitCode(ctx); code != 0 {
		s.t.Errorf("exit code %d, want 0", code)
	}
}
