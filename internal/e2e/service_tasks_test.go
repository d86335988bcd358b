//go:build unix

package e2e

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

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
	s.fails(s.c1.Enqueue(grantTask(editorRole, viewer)), codes.NotFound, "gone")
	s.fails(s.c1.Enqueue(grantTask("admin", stays.ID)), codes.InvalidArgument, "admin")
	s.fails(s.c1.Enqueue(createTask(ada, "admin")), codes.InvalidArgument, "role")
	s.fails(s.c1.Enqueue(actionTask("enable_user", "nobody")), codes.Unknown, "no user")
	untouched(t, s.Workspace)
	if left, _ := s.User(stays.ID); !isViewer(left) || len(s.Users()) != 12-2 {
		t.Errorf("%d users are left, among them %+v", len(s.Users()), left)
	}
	s.syncs()
}

func TestTasksSurviveAnAbsenceOfConductorOne(t *testing.T) {
	t.Parallel()
	s := startService(t, twelve, provisioning)
	running, release := s.hold(syncTask())
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
		"unavailable":                        {"429 in seconds", 0, codes.Unavailable, "429"}, // with a Retry-After that keeps the SDK's tries short
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startService(t, twelve)
			s.Set(faults.Rule{Fault: faults.Named(test.fault), After: test.after})
			s.fails(s.c1.Enqueue(syncTask()), test.code, test.text)
			s.Set(faults.Rule{Fault: faults.Named("503"), Operations: []faults.Operation{faults.List}, After: 1, Times: 1})
			s.syncs()
		})
	}
}

func TestCancelledSyncEnds(t *testing.T) {
	t.Parallel()
	s := startService(t, twelve)
	task, _ := s.hold(syncTask())
	task.Cancel()
	s.fails(task, codes.Canceled, "")
	s.Set()
	s.syncs()
}

// Calls of one sync, of which the first is the validation, go to whichever instance is free, so what one has read
// reaches the other through the session store alone.
func TestLambdaSyncsAndDeletes(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, sim.Config{Users: 60, PageSize: 5, DeactivationKeeps: true})
	lambda := c1.NewLambda(t, map[string]any{"whimsical-token": leaks.Token, "base-url": w.URL})
	t.Cleanup(func() { accepted(t, lambda.Refusals()) })
	instances := []*launch.Process{launch.Function(t, lambda), launch.Function(t, lambda)}
	ctx := instances[0].Context
	if err := lambda.WaitIdle(ctx, len(instances)); err != nil {
		t.Fatal(err)
	}
	connector := lambda.Connector(ctx)
	// syncs fails the test unless a sync by the SDK's syncer, as ConductorOne runs it, is that of the workspace.
	syncs := func() {
		t.Helper()
		path := filepath.Join(t.TempDir(), "sync.c1z")
		syncer, err := sdksync.NewSyncer(ctx, connector, sdksync.WithC1ZPath(path), sdksync.WithTmpDir(t.TempDir()))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(syncer.Sync(ctx), syncer.Close(ctx)); err != nil {
			t.Fatal(err)
		}
		launch.Holds(t, path, batontest.Expected(w.Users()))
	}

	syncs()
	readOnce(t, w)
	for i, instance := range instances {
		if !strings.Contains(instance.Stdout.String()+instance.Stderr.String(), sim.BasePath+"Users") {
			t.Errorf("instance %d has read nothing", i+1)
		}
	}
	if stored, written := lambda.SessionValues(); written == 0 || stored != 0 {
		t.Errorf("the sync has written %d values to the session store and left %d", written, stored)
	}

	editor := batontest.Resource(userType, person(t, w, isEditor).ID)
	if _, err := connector.DeleteResource(ctx, v2.DeleteResourceRequest_builder{ResourceId: editor.GetId()}.Build()); err != nil {
		t.Fatal(err)
	}
	if _, there := w.User(editor.GetId().GetResource()); there {
		t.Error("the user who was deleted is still there")
	}
	syncs()
}

func TestLambdaRefusesAWrongToken(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	lambda := c1.NewLambda(t, map[string]any{"whimsical-token": "another-token-e5f0", "base-url": w.URL})
	t.Cleanup(func() { accepted(t, lambda.Refusals()) })
	ctx := launch.Function(t, lambda).Context
	if err := lambda.WaitIdle(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := lambda.Connector(ctx).Validate(ctx, &v2.ConnectorServiceValidateRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the validation has ended with %v, want Unauthenticated", err)
	}
}
