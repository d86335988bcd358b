//go:build unix

package e2e

import (
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
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
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
