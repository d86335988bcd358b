package e2e

import (
	"reflect"
	"strings"
	"testing"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/grpc/codes"
)

func TestServiceWithoutProvisioningChangesNothing(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	before := s.whimsical.Users()
	for name, message := range map[string]*v1.Task{
		"grant":  grantTask("editor", s.whimsical.person(t, isViewer).ID),
		"revoke": revokeTask("editor", s.whimsical.person(t, isEditor).ID),
		"create": createTask(t, "ada.lovelace@example.com", "editor"),
		"delete": deleteTask(s.whimsical.person(t, isEditor).ID),
	} {
		result := s.finish(s.c1.Enqueue(message))
		if result.Status.Code() != codes.FailedPrecondition || !strings.Contains(result.Status.Message(), "provisioning is not enabled") {
			t.Errorf("%s has ended with %s, want FailedPrecondition: provisioning is not enabled", name, outcome(result.Err()))
		}
		if !result.NonRetryable {
			t.Errorf("%s is to be tried again, though it cannot succeed", name)
		}
	}
	if requests := s.whimsical.take(); len(requests) != 0 {
		t.Errorf("refused tasks have caused requests to Whimsical: %v", requests)
	}
	if !reflect.DeepEqual(s.whimsical.Users(), before) {
		t.Error("the workspace has changed")
	}
	s.sync(fullSync()).check(t, expected(before))
}

// The SDK does not count actions as provisioning. The documentation says so, and has
// to change when this does.
func TestActionsNeedNoProvisioning(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	user := s.whimsical.person(t, isEditor).ID
	s.succeed(actionTask(t, "disable_user", map[string]any{"user_id": user}))
	if s.whimsical.current(t, user).Active {
		t.Error("the action has changed nothing")
	}
}

func TestRejectedCredentialEndsTheService(t *testing.T) {
	t.Parallel()
	server := newC1(t)
	server.RejectCredentials(true)
	s := launchService(t, server, newWhimsical(t, twelve))
	// A context of its own: the one of the process ends with the process.
	if got, want := s.exitCode(t.Context()), int(codes.Unauthenticated); got != want {
		t.Errorf("exit code %d, want %d", got, want)
	}
	if hellos := server.Hellos(); len(hellos) != 0 {
		t.Errorf("%d greetings have been accepted", len(hellos))
	}
	if !strings.Contains(s.output.String(), "401") {
		t.Error("the output does not say that the credential was refused")
	}
}

func TestUnusableSettingsEndTheService(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{
		"BATON_WHIMSICAL_TOKEN=",
		"BATON_BASE_URL=http://whimsical.example/scim-v2/",
		"BATON_CLIENT_SECRET=",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			server := newC1(t)
			workspace := newWhimsical(t, twelve)
			s := launchService(t, server, workspace, setting)
			if code := s.exitCode(t.Context()); code == 0 || code == -1 {
				t.Errorf("exit code %d, want the code of an error", code)
			}
			if len(server.Hellos()) != 0 || len(workspace.take()) != 0 {
				t.Error("the service has talked to somebody before it ended")
			}
		})
	}
}
