//go:build unix

package e2e

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

const provisioning = "BATON_PROVISIONING=true"

// service is a connector in service mode between a stand-in for ConductorOne and a simulated workspace.
type service struct {
	*launch.Process
	*faults.Workspace

	t  *testing.T
	c1 *c1.Server
}

func newC1(t *testing.T) *c1.Server {
	t.Helper()
	if runtime.GOOS == "darwin" {
		t.Skip("Go takes no certificate from the environment here")
	}
	return c1.New(t)
}

func accepted(t *testing.T, refusals []string) {
	t.Helper()
	if len(refusals) > 0 {
		t.Errorf("ConductorOne has refused requests of the connector:\n%s", strings.Join(refusals, "\n"))
	}
}

// startService starts a service with additional environment variables. The test
// fails when the service has broken the protocol.
func startService(t *testing.T, cfg sim.Config, env ...string) *service {
	t.Helper()
	s := &service{t: t, Workspace: faults.Serve(t, cfg), c1: newC1(t)}
	s.Process = launch.Service(t, s.c1, s.Workspace, env...)
	t.Cleanup(func() { accepted(t, s.c1.Refusals()) })
	return s
}

func (s *service) finish(task *c1.Task) *c1.Result {
	s.t.Helper()
	result, err := task.Wait(s.Context)
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

func (s *service) succeed(message *v1.Task) *c1.Result {
	s.t.Helper()
	result := s.finish(s.c1.Enqueue(message))
	if err := result.Status.Err(); err != nil {
		s.t.Fatalf("the task has failed: %v", err)
	}
	return result
}

// fails checks that a task ends with a code, a message that holds text, and without an upload.
func (s *service) fails(task *c1.Task, code codes.Code, text string) *c1.Result {
	s.t.Helper()
	result := s.finish(task)
	if result.Status.Code() != code || !strings.Contains(result.Status.Message(), text) || result.C1Z != "" {
		s.t.Errorf("the task has ended with %v and %q, want %s with %q", result.Status, result.C1Z, code, text)
	}
	return result
}

// syncs fails the test unless a full sync is that of the workspace as it is now.
func (s *service) syncs() {
	s.t.Helper()
	launch.Holds(s.t, s.succeed(syncTask()).C1Z, batontest.Expected(s.Users()))
}

// hold holds all requests back from now on, and waits for the first one of a task. It
// returns the task and the function that releases the requests.
func (s *service) hold(message *v1.Task) (*c1.Task, func()) {
	s.t.Helper()
	hold, release := faults.Hold()
	s.t.Cleanup(release)
	s.Set(faults.Rule{Fault: hold})
	task := s.c1.Enqueue(message)
	s.Until(s.Struck())
	return task, release
}

func helloTask() *v1.Task { return v1.Task_builder{Hello: &v1.Task_HelloTask{}}.Build() }

// syncTask is a sync of everything, or of those resources alone that it is given.
func syncTask(targets ...*v2.Resource) *v1.Task {
	return v1.Task_builder{SyncFull: v1.Task_SyncFullTask_builder{TargetedSyncResources: targets}.Build()}.Build()
}

func grantTask(role, user string) *v1.Task {
	task := v1.Task_GrantTask_builder{Entitlement: batontest.Entitlement(role), Principal: batontest.Resource(userType, user)}
	return v1.Task_builder{Grant: task.Build()}.Build()
}

func revokeTask(role, user string) *v1.Task {
	return v1.Task_builder{Revoke: v1.Task_RevokeTask_builder{Grant: batontest.Grant(role, user)}.Build()}.Build()
}

func createTask(email, role string) *v1.Task {
	profile, _ := structpb.NewStruct(map[string]any{"email": email, "first_name": "Ada", "last_name": "Lovelace", "role": role}) // of strings
	task := v1.Task_CreateAccountTask_builder{
		AccountInfo: v2.AccountInfo_builder{
			Emails: []*v2.AccountInfo_Email{v2.AccountInfo_Email_builder{Address: email, IsPrimary: true}.Build()}, Login: email,
			Profile: profile,
		}.Build(),
		CredentialOptions: v2.CredentialOptions_builder{NoPassword: &v2.CredentialOptions_NoPassword{}}.Build(),
	}
	return v1.Task_builder{CreateAccount: task.Build()}.Build()
}

func deleteTask(user string) *v1.Task {
	return v1.Task_builder{DeleteResource: v1.Task_DeleteResourceTask_builder{ResourceId: batontest.Resource(userType, user).GetId()}.Build()}.Build()
}

func actionTask(name, user string) *v1.Task {
	args := &structpb.Struct{Fields: map[string]*structpb.Value{"user_id": structpb.NewStringValue(user)}}
	return v1.Task_builder{ActionInvoke: v1.Task_ActionInvokeTask_builder{Name: name, Args: args}.Build()}.Build()
}

func TestServiceGreetsAndSyncs(t *testing.T) {
	t.Parallel()
	s := startService(t, twelve)
	s.succeed(helloTask())
	hellos := s.c1.Hellos()
	if len(hellos) != 2 {
		t.Fatalf("%d greetings, want the one at the start and the one that was asked for", len(hellos))
	}
	for _, hello := range hellos {
		if got := hello.GetConnectorMetadata().GetDisplayName(); got != "Whimsical" {
			t.Errorf("the connector calls itself %q", got)
		}
		if fields := hello.GetConnectorMetadata().GetAccountCreationSchema().GetFieldMap(); !fields["email"].GetRequired() {
			t.Error("the account creation schema does not require email")
		}
	}
	if requests := s.TakeRequests(); len(requests) != 0 {
		t.Errorf("greetings have caused requests to Whimsical: %v", requests)
	}
	if got := strings.Count(s.Stdout.String()+s.Stderr.String(), "base-url is not the default"); got != 1 {
		t.Errorf("both processes together have said %d times that the base URL is not the default, want once", got)
	}

	task := s.c1.Enqueue(syncTask())
	launch.Holds(t, s.finish(task).C1Z, batontest.Expected(s.Users()))
	if task.Heartbeats() == 0 {
		t.Error("the sync has sent no heartbeat")
	}
	readOnce(t, s.Workspace)

	editor, promoted := true, person(t, s.Workspace, isViewer)
	promoted.Editor = &editor
	s.Update(promoted)
	s.Remove(person(t, s.Workspace, isEditor).ID)
	s.Add(sim.User{UserName: "new@example.com", Email: "new@example.com", DisplayName: "New", Active: true, Editor: &editor})
	s.syncs()
}

func TestServiceSyncsTargets(t *testing.T) {
	t.Parallel()
	s := startService(t, twelve)
	users, want := targeted(t, s.Workspace)
	var targets []*v2.Resource
	for _, user := range users {
		targets = append(targets, batontest.Resource(userType, user.ID))
	}
	launch.Holds(t, s.succeed(syncTask(targets...)).C1Z, want)

	want = batontest.Expected(s.Users())
	maps.DeleteFunc(want, func(thing, _ string) bool {
		return strings.HasPrefix(thing, "user ") || strings.Contains(thing, viewerRole)
	})
	launch.Holds(t, s.succeed(syncTask(batontest.Resource("role", editorRole))).C1Z, want)
}

func TestServiceWithoutProvisioningChangesNothing(t *testing.T) {
	t.Parallel()
	s := startService(t, twelve)
	before := s.Users()
	for name, message := range map[string]*v1.Task{
		"grant":  grantTask(editorRole, person(t, s.Workspace, isViewer).ID),
		"revoke": revokeTask(editorRole, person(t, s.Workspace, isEditor).ID),
		"create": createTask(ada, editorRole),
		"delete": deleteTask(person(t, s.Workspace, isEditor).ID),
	} {
		if result := s.fails(s.c1.Enqueue(message), codes.FailedPrecondition, "provisioning is not enabled"); !result.NonRetryable {
			t.Errorf("%s is to be tried again, though it cannot succeed", name)
		}
	}
	if requests := s.TakeRequests(); len(requests) != 0 || !reflect.DeepEqual(s.Users(), before) {
		t.Errorf("refused tasks have caused requests to Whimsical: %v", requests)
	}
	// The SDK does not count actions as provisioning. The documentation says so, and
	// has to change when this does.
	user := person(t, s.Workspace, isEditor).ID
	s.succeed(actionTask("disable_user", user))
	if disabled, _ := s.User(user); disabled.Active {
		t.Error("the action has changed nothing")
	}
}

func TestSettingsThatCannotWorkEndTheService(t *testing.T) {
	t.Parallel()
	for name, setting := range map[string]string{ //nolint:gosec // names, and no credentials
		"no token":             "BATON_WHIMSICAL_TOKEN=",
		"an unencrypted URL":   "BATON_BASE_URL=http://whimsical.example/scim-v2/",
		"no client secret":     "BATON_CLIENT_SECRET=",
		"a credential refused": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, w := newC1(t), faults.Serve(t, twelve)
			refused := setting == ""
			if refused {
				server.RejectCredentials()
			}
			p := launch.Service(t, server, w, setting)
			code, said := p.Wait(), p.Stderr.String()+p.Stdout.String()
			if code <= 0 || refused && (code != int(codes.Unauthenticated) || !strings.Contains(said, "401")) {
				t.Errorf("exit code %d, want the code of an error, and for a credential %d and a 401", code, codes.Unauthenticated)
			}
			if len(server.Hellos()) != 0 || len(w.TakeRequests()) != 0 {
				t.Error("the service has talked to somebody before it ended")
			}
		})
	}
}

func TestSignalsEndTheService(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		for _, idle := range []bool{true, false} {
			t.Run(map[bool]string{true: sig.String() + " while idle", false: sig.String() + " during a sync"}[idle], func(t *testing.T) {
				t.Parallel()
				s := startService(t, twelve)
				if !idle {
					s.hold(syncTask())
				} else if err := s.c1.WaitPoll(s.Context); err != nil {
					t.Fatal(err)
				}
				if code := s.Signal(sig, false); code != 0 {
					t.Errorf("exit code %d, want 0", code)
				}
			})
		}
	}
}

// TestTheReadmesCommandsStartTheService types what the README says under "Without
// Kubernetes", with the stand-ins in the place of Whimsical and ConductorOne.
func TestTheReadmesCommandsStartTheService(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n### Without Kubernetes\n\n```sh\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no commands under Without Kubernetes")
	}
	server, workspace := newC1(t), faults.Serve(t, twelve)
	commands := string(block[1])
	var rest []string
	for _, setting := range append(server.Environment(), launch.Settings(workspace)...) {
		name, value, _ := strings.Cut(setting, "=")
		typed := strings.Replace(commands, name+"=...", name+"='"+value+"'", 1)
		if typed == commands {
			rest = append(rest, setting)
		}
		commands = typed
	}
	if strings.Contains(commands, "=...") {
		t.Fatalf("nobody knows what to type for a placeholder:\n%s", block[1])
	}
	// No shell stays behind, which the end of the test would not end.
	commands = strings.Replace(commands, "\nbin/", "\nexec bin/", 1)
	s := &service{t: t, c1: server, Workspace: workspace, Process: launch.Start(t, launch.Command{
		Path: "bash", Args: []string{"-c", `mkdir bin && ln -s "$CONNECTOR" bin/baton-whimsical` + "\n" + commands}, Dir: t.TempDir(),
		Env: append(rest, "CONNECTOR="+filepath.Clean(launch.Binary(t, launch.Connector)), "PATH="+os.Getenv("PATH")),
	})}
	s.syncs()
	s.TakeRequests()
	s.succeed(grantTask(editorRole, person(t, workspace, isViewer).ID))
	if changed := s.TakeChanges(); len(changed) != 1 {
		t.Errorf("a grant has sent %v", changed)
	}
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
