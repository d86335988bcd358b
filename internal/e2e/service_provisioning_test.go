package e2e

import (
	"reflect"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// noted fails the test unless a result carries exactly the given annotations, of the
// kinds that change what ConductorOne makes of it.
func noted(t *testing.T, result *c1.Result, want ...proto.Message) {
	t.Helper()
	for _, kind := range []proto.Message{
		&v2.GrantAlreadyExists{}, &v2.GrantAlreadyRevoked{}, &v2.GrantReplaced{}, &v2.ResourceDeleted{}, &v2.ResourceDoesNotExist{},
	} {
		wanted := false
		for _, message := range want {
			wanted = wanted || reflect.TypeOf(message) == reflect.TypeOf(kind)
		}
		if got := result.Annotations.Contains(kind); got != wanted {
			t.Errorf("annotated with %T: %t, want %t", kind, got, wanted)
		}
	}
	for _, message := range want {
		found := message.ProtoReflect().New().Interface()
		if ok, err := result.Annotations.Pick(found); err != nil || !ok {
			continue // reported above
		}
		if !proto.Equal(found, message) {
			t.Errorf("annotation is %v, want %v", found, message)
		}
	}
}

// untouched fails the test when the connector has sent a request that may change
// something, since the last look.
func (s *service) untouched() {
	s.t.Helper()
	if changed := mutations(s.whimsical.take()); len(changed) != 0 {
		s.t.Errorf("the service has sent %v", changed)
	}
}

// granted checks that an answer to a grant holds the grant.
func granted(t *testing.T, result *c1.Result, role, user string) {
	t.Helper()
	response, ok := result.Response.(*v2.GrantManagerServiceGrantResponse)
	if !ok || len(response.GetGrants()) != 1 || response.GetGrants()[0].GetId() != grantID(role, user) {
		t.Errorf("the answer is %v, want the grant %s", result.Response, grantID(role, user))
	}
}

func TestServiceGrants(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve), provisioning)
	viewer := s.whimsical.person(t, isViewer).ID
	roleless := s.whimsical.person(t, hasNoRole).ID
	inactive := s.whimsical.person(t, isInactive).ID

	result := s.succeed(grantTask("editor", viewer))
	granted(t, result, "editor", viewer)
	noted(t, result, v2.GrantReplaced_builder{ReplacedGrantId: grantID("viewer", viewer)}.Build())

	s.whimsical.take()
	result = s.succeed(grantTask("editor", viewer))
	granted(t, result, "editor", viewer)
	noted(t, result, &v2.GrantAlreadyExists{})
	s.untouched()

	result = s.succeed(grantTask("viewer", roleless))
	granted(t, result, "viewer", roleless)
	noted(t, result)

	result = s.succeed(grantTask("editor", inactive))
	granted(t, result, "editor", inactive)
	noted(t, result)

	for id, role := range map[string]string{viewer: "editor", roleless: "viewer", inactive: "editor"} {
		if got := roleOf(s.whimsical.current(t, id)); got != role {
			t.Errorf("user %s is %q now, want %q", id, got, role)
		}
	}
	s.whimsical.take()
	s.refuse(grantTask("editor", "nobody"), codes.NotFound, "gone")
	s.refuse(grantTask("admin", viewer), codes.InvalidArgument, "admin")
	s.untouched()
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
}

func TestServiceRevokes(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve), provisioning)
	editor := s.whimsical.person(t, isEditor).ID
	inactive := s.whimsical.person(t, isInactive).ID

	// A stale revoke neither promotes nor removes.
	noted(t, s.succeed(revokeTask("viewer", editor)), &v2.GrantAlreadyRevoked{})
	noted(t, s.succeed(revokeTask("viewer", inactive)), &v2.GrantAlreadyRevoked{})
	noted(t, s.succeed(revokeTask("editor", "nobody")), &v2.GrantAlreadyRevoked{})
	s.untouched()
	s.refuse(revokeTask("viewer", s.whimsical.person(t, hasNoRole).ID), codes.FailedPrecondition, "role")
	s.untouched()

	noted(t, s.succeed(revokeTask("editor", editor)))
	if got := roleOf(s.whimsical.current(t, editor)); got != "viewer" {
		t.Errorf("the Editor is %q now, want a Viewer", got)
	}
	s.whimsical.take()
	noted(t, s.succeed(revokeTask("editor", editor)), &v2.GrantAlreadyRevoked{})
	s.untouched()

	noted(t, s.succeed(revokeTask("viewer", editor)))
	if s.whimsical.current(t, editor).Active {
		t.Error("the user has lost the lowest role and is active still")
	}
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
}

func TestServiceRevokesTheLastRoleOfAUser(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, sim.Config{Users: 12}), provisioning)
	viewer := s.whimsical.person(t, isViewer).ID

	deleted := v2.ResourceDeleted_builder{ResourceId: resourceID(userType, viewer)}.Build()
	noted(t, s.succeed(revokeTask("viewer", viewer)), deleted)
	if _, ok := s.whimsical.User(viewer); ok {
		t.Error("the user is in the workspace still")
	}
}

func TestServiceCreatesAccounts(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve), provisioning)

	success, ok := s.succeed(createTask(t, "Ada.Lovelace@example.com", "editor")).Response.(*v2.CreateAccountResponse)
	if !ok || !success.HasSuccess() {
		t.Fatalf("the answer is %v, want a success", success)
	}
	created := s.whimsical.current(t, success.GetSuccess().GetResource().GetId().GetResource())
	if created.UserName != "ada.lovelace@example.com" || created.GivenName != "Ada" || roleOf(created) != "editor" {
		t.Errorf("the workspace has created %+v", created)
	}

	viewer := s.whimsical.person(t, isViewer)
	s.whimsical.take()
	exists, ok := s.succeed(createTask(t, viewer.UserName, "editor")).Response.(*v2.CreateAccountResponse)
	if !ok || exists.GetAlreadyExists().GetResource().GetId().GetResource() != viewer.ID {
		t.Errorf("the answer is %v, want that %s exists", exists, viewer.ID)
	}
	if roleOf(s.whimsical.current(t, viewer.ID)) != "viewer" {
		t.Error("a user who existed has another role now")
	}

	inactive := s.whimsical.person(t, isInactive)
	revived, ok := s.succeed(createTask(t, inactive.UserName, "editor")).Response.(*v2.CreateAccountResponse)
	if !ok || revived.GetSuccess().GetResource().GetId().GetResource() != inactive.ID {
		t.Errorf("the answer is %v, want a success for %s", revived, inactive.ID)
	}
	if got := roleOf(s.whimsical.current(t, inactive.ID)); got != "editor" {
		t.Errorf("the user who was inactive is %q now, want an Editor", got)
	}

	s.whimsical.take()
	s.refuse(createTask(t, "not an address", ""), codes.InvalidArgument, "email address")
	s.refuse(createTask(t, "somebody@example.com", "admin"), codes.InvalidArgument, "role")
	if requests := s.whimsical.take(); len(requests) != 0 {
		t.Errorf("malformed accounts have caused requests: %v", requests)
	}
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
}

func TestServiceCreatesPendingAccounts(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, sim.Config{Users: 12, PendingUntilLogin: true}), provisioning)
	const email = "ada.lovelace@example.com"
	s.succeed(createTask(t, email, "viewer"))
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))

	again, ok := s.succeed(createTask(t, email, "viewer")).Response.(*v2.CreateAccountResponse)
	if !ok || !again.HasActionRequired() {
		t.Errorf("the answer is %v, want that the person has to log in", again)
	}

	pending := s.whimsical.person(t, func(u sim.User) bool { return u.UserName == email })
	s.whimsical.Login(pending.ID)
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
}

func TestServiceDeletes(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve), provisioning)
	editor := s.whimsical.person(t, isEditor).ID

	noted(t, s.succeed(deleteTask(editor)))
	if _, ok := s.whimsical.User(editor); ok {
		t.Error("the user is in the workspace still")
	}
	noted(t, s.succeed(deleteTask(editor)), &v2.ResourceDoesNotExist{})
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
}

func TestServiceInvokesActions(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve), provisioning)
	user := s.whimsical.person(t, isEditor).ID
	invoke := func(name string, active bool) {
		t.Helper()
		result := s.succeed(actionTask(t, name, map[string]any{"user_id": user}))
		response, ok := result.Response.(*v2.InvokeActionResponse)
		if !ok || response.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
			t.Errorf("%s: the answer is %v, want it complete", name, result.Response)
		}
		if !response.GetResponse().GetFields()["success"].GetBoolValue() {
			t.Errorf("%s: the answer is %v, want a success", name, response.GetResponse())
		}
		if got := s.whimsical.current(t, user).Active; got != active {
			t.Errorf("%s: the user is active: %t", name, got)
		}
	}
	invoke("disable_user", false)
	s.whimsical.take()
	invoke("disable_user", false)
	s.untouched()
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
	invoke("enable_user", true)
	s.whimsical.take()
	invoke("enable_user", true)
	s.untouched()
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))

	s.whimsical.take()
	s.refuse(actionTask(t, "disable_user", map[string]any{}), codes.Unknown, "user_id")
	s.refuse(actionTask(t, "disable_user", map[string]any{"user_id": "nobody"}), codes.Unknown, "no user")
	s.untouched()
}
