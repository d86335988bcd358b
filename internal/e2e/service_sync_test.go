package e2e

import (
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestServiceGreets(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	if err := s.c1.WaitHello(s.ctx, 1); err != nil {
		t.Fatal(err)
	}
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
	if requests := s.whimsical.take(); len(requests) != 0 {
		t.Errorf("greetings have caused requests to Whimsical: %v", requests)
	}
}

func TestServiceSyncs(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	users := s.whimsical.Users()
	task := s.c1.Enqueue(fullSync())
	result := s.finish(task)
	if result.Err() != nil {
		t.Fatal(outcome(result.Err()))
	}
	count(s.ctx, t, result.C1Z).check(t, expected(users))
	if task.Heartbeats() == 0 {
		t.Error("the sync has sent no heartbeat")
	}

	// Every page begins with the last row of the one before; two requests more are
	// for the end of the list and for the validation.
	requests := s.whimsical.take()
	if budget := (len(users)+3)/4 + 2 + 1; len(requests) > budget {
		t.Errorf("%d requests for %d users in pages of 5, want at most %d: %v", len(requests), len(users), budget, requests)
	}
	if changed := mutations(requests); len(changed) != 0 {
		t.Errorf("a sync has sent %v", changed)
	}
}

func TestSecondSyncShowsTheChanges(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))

	promoted := s.whimsical.person(t, isViewer)
	editor := true
	promoted.Editor = &editor
	gone := s.whimsical.person(t, isEditor)
	left := s.whimsical.person(t, func(u sim.User) bool { return isViewer(u) && u.ID != promoted.ID })
	left.Active = false
	s.whimsical.Update(promoted)
	s.whimsical.Remove(gone.ID)
	s.whimsical.Update(left)
	s.whimsical.Add(sim.User{UserName: "new@example.com", Email: "new@example.com", DisplayName: "New", Active: true, Editor: &editor})

	s.sync(fullSync()).check(t, expected(s.whimsical.Users()))
}

func TestTargetedSyncOfUsers(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	users := []sim.User{
		s.whimsical.person(t, isEditor),
		s.whimsical.person(t, isViewer),
		s.whimsical.person(t, isInactive),
		s.whimsical.person(t, hasNoRole),
	}
	message := targetedSync(
		resource(userType, users[0].ID), resource(userType, users[1].ID),
		resource(userType, users[2].ID), resource(userType, users[3].ID),
	)
	want := expected(users)
	// Entitlements come with the role that has them.
	clear(want.Entitlements)
	s.sync(message).check(t, want)
	read := request{http.MethodGet, sim.BasePath + "Users/" + users[0].ID}
	if requests := s.whimsical.take(); !slices.Contains(requests, read) {
		t.Errorf("the user was not read by id: %v", requests)
	}
}

func TestTargetedSyncOfARole(t *testing.T) {
	t.Parallel()
	s := startService(t, newWhimsical(t, twelve))
	want := expected(s.whimsical.Users())
	clear(want.Users)
	delete(want.Roles, "viewer")
	delete(want.Entitlements, entitlementID("viewer"))
	maps.DeleteFunc(want.Grants, func(id, user string) bool { return id != grantID("editor", user) })
	s.sync(targetedSync(resource(roleType, "editor"))).check(t, want)
}
