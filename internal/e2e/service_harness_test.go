package e2e

import (
	"runtime"
	"strings"
	"testing"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// provisioning lets the service change the workspace.
const provisioning = "BATON_PROVISIONING=true"

// service is a connector in service mode between a stand-in for ConductorOne and a
// simulated workspace.
type service struct {
	*process

	c1        *c1.Server
	whimsical *whimsical
}

// twelve is a workspace with every kind of user, among them one who is inactive and
// one without a role, and whose inactive users stay.
var twelve = sim.Config{Users: 12, DeactivationKeeps: true}

// startService starts a service with additional environment variables. The test
// fails when the service has broken the protocol in the end.
func startService(t *testing.T, workspace *whimsical, env ...string) *service {
	t.Helper()
	s := launchService(t, newC1(t), workspace, env...)
	t.Cleanup(func() {
		if refusals := s.c1.Refusals(); len(refusals) > 0 {
			t.Errorf("ConductorOne has refused requests of the service:\n%s", strings.Join(refusals, "\n"))
		}
	})
	return s
}

// launchService starts a service against a stand-in that is there already.
func launchService(t *testing.T, server *c1.Server, workspace *whimsical, env ...string) *service {
	t.Helper()
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go takes no certificate authority from the environment here")
	}
	path := binary(t, connectorPackage)
	all := append(server.Environment(), workspace.settings()...)
	return &service{
		process:   startProcess(t, path, nil, append(all, env...), []string{token, server.Secret()}),
		c1:        server,
		whimsical: workspace,
	}
}

func newC1(t *testing.T) *c1.Server {
	t.Helper()
	server, err := c1.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// waitPoll waits until the service asks for a task.
func (s *service) waitPoll() {
	s.t.Helper()
	if err := s.c1.WaitPoll(s.ctx); err != nil {
		s.t.Fatal(err)
	}
}

// finish waits for the result of a task.
func (s *service) finish(task *c1.Task) *c1.Result {
	s.t.Helper()
	result, err := task.Wait(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	return result
}

// succeed runs a task that has to succeed.
func (s *service) succeed(message *v1.Task) *c1.Result {
	s.t.Helper()
	result := s.finish(s.c1.Enqueue(message))
	if err := result.Err(); err != nil {
		s.t.Fatalf("the task has failed: %s", outcome(err))
	}
	return result
}

// refuse runs a task that has to fail with a code and a message that holds text.
func (s *service) refuse(message *v1.Task, code codes.Code, text string) {
	s.t.Helper()
	s.checkOutcome(s.finish(s.c1.Enqueue(message)), code, text)
}

// checkOutcome checks the code of a result and that its message holds text.
func (s *service) checkOutcome(result *c1.Result, code codes.Code, text string) {
	s.t.Helper()
	if result.Status.Code() != code || !strings.Contains(result.Status.Message(), text) {
		s.t.Errorf("the task has ended with %s, want %s with %q", outcome(result.Err()), code, text)
	}
}

// sync runs a sync that has to succeed, and returns what it has uploaded.
func (s *service) sync(message *v1.Task) census {
	s.t.Helper()
	result := s.succeed(message)
	if result.C1Z == "" {
		s.t.Fatal("the sync has uploaded nothing")
	}
	return count(s.ctx, s.t, result.C1Z)
}
