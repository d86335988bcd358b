//go:build unix

package e2e

import (
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

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

// annotated fails the test unless a result has an annotation, of those that change
// what ConductorOne makes of it, or none of them where want is nil.
func annotated(t *testing.T, result *c1.Result, want proto.Message) {
	t.Helper()
	for _, kind := range []proto.Message{
		&v2.GrantAlreadyExists{}, &v2.GrantAlreadyRevoked{}, &v2.GrantReplaced{}, &v2.ResourceDeleted{}, &v2.ResourceDoesNotExist{},
	} {
		wanted := want != nil && want.ProtoReflect().Descriptor() == kind.ProtoReflect().Descriptor()
		got, err := result.Annotations.Pick(kind)
		if err != nil || got != wanted || wanted && !proto.Equal(kind, want) {
			t.Errorf("annotated with %T %v: %t, %v, want %v", kind, kind, got, err, want)
		}
	}
}

// Each kind of task goes through the service once, with what ConductorOne is told; the
// rules are tested in pkg/connector.
func TestServiceProvisions(t *testing.T) {
	t.Parallel()
	s := startService(t, leaving, provisioning)
	viewer, editor := person(t, s.Workspace, isViewer).ID, person(t, s.Workspace, isEditor).ID
	stays := person(t, s.Workspace, func(u sim.User) bool { return isViewer(u) && u.ID != viewer })

	granted := s.succeed(grantTask(editorRole, viewer))
	annotated(t, granted, v2.GrantReplaced_builder{ReplacedGrantId: batontest.Grant(viewerRole, viewer).GetId()}.Build())
	response, ok := granted.Response.(*v2.GrantManagerServiceGrantResponse)
	if !ok || len(response.GetGrants()) != 1 || response.GetGrants()[0].GetId() != batontest.Grant(editorRole, viewer).GetId() {
		t.Errorf("the answer is %v, want the grant", granted.Response)
	}
	s.TakeRequests()
	annotated(t, s.succeed(grantTask(editorRole, viewer)), &v2.GrantAlreadyExists{})
	annotated(t, s.succeed(revokeTask(viewerRole, viewer)), &v2.GrantAlreadyRevoked{}) // a stale one
	untouched(t, s.Workspace)
	annotated(t, s.succeed(revokeTask(editorRole, viewer)), nil)
	annotated(t, s.succeed(revokeTask(viewerRole, viewer)), v2.ResourceDeleted_builder{ResourceId: batontest.Resource(userType, viewer).GetId()}.Build())

	annotated(t, s.succeed(deleteTask(editor)), nil)
	annotated(t, s.succeed(deleteTask(editor)), &v2.ResourceDoesNotExist{})

	created, ok := s.succeed(createTask("Ada@example.com", editorRole)).Response.(*v2.CreateAccountResponse)
	if !ok || created.GetSuccess().GetResource().GetId().GetResource() != newUser(t, s.Workspace).ID {
		t.Errorf("the answer is %v, want the new user", created)
	}
	exists, ok := s.succeed(createTask(stays.UserName, editorRole)).Response.(*v2.CreateAccountResponse)
	if !ok || exists.GetAlreadyExists().GetResource().GetId().GetResource() != stays.ID {
		t.Errorf("the answer is %v, want that %s exists", exists, stays.ID)
	}

	invoked, ok := s.succeed(actionTask("disable_user", newUser(t, s.Workspace).ID)).Response.(*v2.InvokeActionResponse)
	if !ok || invoked.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE || !invoked.GetResponse().GetFields()["success"].GetBoolValue() {
		t.Errorf("the answer is %v, want a success", invoked)
	}

	s.TakeRequests()
	s.ended(s.run(grantTask(editorRole, viewer)), codes.NotFound, "gone")
	s.ended(s.run(grantTask("admin", stays.ID)), codes.InvalidArgument, "admin")
	s.ended(s.run(createTask(ada, "admin")), codes.InvalidArgument, "role")
	s.ended(s.run(actionTask("enable_user", "nobody")), codes.Unknown, "no user")
	untouched(t, s.Workspace)
	if left, _ := s.User(stays.ID); !isViewer(left) || len(s.Users()) != 12-2 {
		t.Errorf("%d users are left, among them %+v", len(s.Users()), left)
	}
	s.syncs()
}

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
	s.Says(s.Stderr, "error getting next task") // which the SDK logs when a poll has failed
	s.Set()
	release()
	s.Says(s.Stderr, "Sync complete.") // everything is read, and the upload comes next
	s.c1.Resume()
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
