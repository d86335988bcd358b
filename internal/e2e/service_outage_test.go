//go:build unix

package e2e

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// What the SDK logs when a poll has failed, and when a sync has read everything and its upload comes next.
const (
	pollFailed = "error getting next task"
	syncDone   = "Sync complete."
)

func TestTasksSurviveAnAbsenceOfConductorOne(t *testing.T) {
	t.Parallel()
	s := startService(t, twelve, provisioning)
	running, release := s.hold(fullSync())
	if err := s.c1.WaitPoll(s.Context); err != nil {
		t.Fatal(err)
	}

	s.c1.Pause()
	viewer := person(t, s.Workspace, isViewer).ID
	queued := []*c1.Task{s.c1.Enqueue(grantTask(editorRole, viewer)), s.c1.Enqueue(helloTask())}
	s.Says(s.Stderr, pollFailed)
	s.Set()
	release()
	s.Says(s.Stderr, syncDone)
	if err := s.c1.Resume(); err != nil {
		t.Fatal(err)
	}
	for _, task := range append(queued, running) {
		if result := s.finish(task); result.Status.Err() != nil {
			t.Errorf("task %s: %v", task.ID(), result.Status)
		}
	}
	if user, _ := s.User(viewer); !isEditor(user) {
		t.Error("the grant that was queued has changed nothing")
	}
	s.syncs()
}

// What starts the service again, Kubernetes or systemd, is what makes it try again.
func TestAServiceThatFindsNoConductorOneAtItsStartEnds(t *testing.T) {
	t.Parallel()
	away := newC1(t)
	away.Pause()
	p := launch.Service(t, away, faults.Serve(t, sim.Config{}))
	if code := p.Wait(); code != int(codes.DeadlineExceeded) || !strings.Contains(p.Stderr.String(), "startup Hello failed with non-retryable error; giving up") {
		t.Errorf("exit %d, want %d, and the log\n%s", code, codes.DeadlineExceeded, p.Stderr.String())
	}
}

func TestASyncOfTheServiceThatFailsUploadsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault string
		after int
		code  codes.Code
		text  string
	}{
		"token refused":                      {"401", 0, codes.Unauthenticated, "token was refused"},
		"refused in the middle of a listing": {"401", 2, codes.Unauthenticated, "token was refused"},
		// The SDK tries again a few times; Retry-After keeps that short.
		"unavailable": {"429 in seconds", 0, codes.Unavailable, "429"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, twelve)
			s.Set(faults.Rule{Fault: faults.Named(test.fault), After: test.after})
			s.ended(s.run(fullSync()), test.code, test.text)
			s.Set(faults.Rule{Fault: faults.Named("503"), Operations: []faults.Operation{faults.List}, After: 1, Times: 1})
			s.syncs()
		})
	}
}

func TestCancelledSyncEnds(t *testing.T) {
	t.Parallel()
	s := startService(t, twelve)
	task, _ := s.hold(fullSync())
	task.Cancel()
	s.ended(s.finish(task), codes.Canceled, "")
	s.Set()
	s.syncs()
}
