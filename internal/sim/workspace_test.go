package sim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// order returns the ids of the listing, as the workspace and as HTTP show it.
func order(t *testing.T, c *client) string {
	t.Helper()
	var stored, listed []string
	for _, u := range c.workspace.Users() {
		stored = append(stored, u.ID)
	}
	for _, u := range c.list("").Resources {
		listed = append(listed, u.ID)
	}
	if !slices.Equal(stored, listed) {
		t.Fatalf("Users() = %v, the listing = %v", stored, listed)
	}
	return strings.Join(stored, "")
}

func TestTheListingCanBeRearranged(t *testing.T) {
	for name, test := range map[string]struct {
		change func(w *sim.Workspace)
		want   string
	}{
		"Add appends":                           {func(w *sim.Workspace) { w.Add(sim.User{ID: "x"}) }, "abcx"},
		"Insert at the front":                   {func(w *sim.Workspace) { w.Insert(0, sim.User{ID: "x"}) }, "xabc"},
		"Insert between":                        {func(w *sim.Workspace) { w.Insert(2, sim.User{ID: "x"}) }, "abxc"},
		"Insert far after the end":              {func(w *sim.Workspace) { w.Insert(99, sim.User{ID: "x"}) }, "abcx"},
		"Insert before the front":               {func(w *sim.Workspace) { w.Insert(-1, sim.User{ID: "x"}) }, "xabc"},
		"Remove closes the gap":                 {func(w *sim.Workspace) { w.Remove("b") }, "ac"},
		"Remove of nobody changes nothing":      {func(w *sim.Workspace) { w.Remove("x") }, "abc"},
		"Update keeps the position":             {func(w *sim.Workspace) { w.Update(sim.User{ID: "b"}) }, "abc"},
		"Move to the end":                       {func(w *sim.Workspace) { w.Move(0, 2) }, "bca"},
		"Move to the front":                     {func(w *sim.Workspace) { w.Move(2, 0) }, "cab"},
		"Move to far after the end":             {func(w *sim.Workspace) { w.Move(0, 99) }, "bca"},
		"Move to itself changes nothing":        {func(w *sim.Workspace) { w.Move(1, 1) }, "abc"},
		"Move of nobody changes nothing":        {func(w *sim.Workspace) { w.Move(3, 0); w.Move(-1, 0) }, "abc"},
		"Login of somebody who is not pending":  {func(w *sim.Workspace) { w.Login("a") }, "abc"},
		"Insert beside a user who was appended": {func(w *sim.Workspace) { w.Add(sim.User{ID: "y"}); w.Insert(3, sim.User{ID: "x"}) }, "abcxy"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{}, sim.User{ID: "a"}, sim.User{ID: "b"}, sim.User{ID: "c"})
			test.change(c.workspace)
			if got := order(t, c); got != test.want {
				t.Errorf("order = %s, want %s", got, test.want)
			}
		})
	}
}

func TestOutOfBandMethodsReportWhetherTheUserIsThere(t *testing.T) {
	c := start(t, sim.Config{}, member("ada", "viewer"))
	w := c.workspace
	if w.Update(sim.User{ID: "x"}) || w.Remove("x") || w.Login("x") {
		t.Error("a method found a user who is not there")
	}
	if _, ok := w.User("x"); ok {
		t.Error("User found a user who is not there")
	}
	if !w.Login("ada") || !w.Update(member("ada", "editor")) || !w.Remove("ada") || w.Remove("ada") {
		t.Error("a method did not find a user who is there, or found one who is gone")
	}
}

func TestAddGivesAnIDWhereOneIsNeeded(t *testing.T) {
	c := start(t, sim.Config{Users: 2}, member("ada", "viewer"))
	fresh, duplicate := c.workspace.Add(sim.User{}), c.workspace.Add(member("ada", "editor"))
	if len(fresh.ID) != 24 || len(duplicate.ID) != 24 || fresh.ID == duplicate.ID {
		t.Errorf("ids = %q and %q, want two fresh ones", fresh.ID, duplicate.ID)
	}
	if u := c.get("ada"); u.role() != "viewer" {
		t.Errorf("role = %s, want the first user untouched", u.role())
	}
	if got := c.find(`userName eq "ada@example.com"`).TotalResults; got != 2 {
		t.Errorf("the filter finds %d users, want both", got)
	}
	c.workspace.Remove("ada")
	if got := c.find(`userName eq "ada@example.com"`); got.TotalResults != 1 || got.Resources[0].ID != duplicate.ID {
		t.Errorf("the filter finds %+v, want the second user", got)
	}
}

func TestUpdateIsSeenByEveryRead(t *testing.T) {
	c := start(t, sim.Config{}, member("ada", "viewer"))
	u := member("ada", "editor")
	u.UserName, u.Pending = "New@example.com", true
	c.workspace.Update(u)
	c.do(http.MethodGet, "Users/ada", "").want(t, http.StatusNotFound)
	u.Pending = false
	c.workspace.Update(u)
	if got := c.get("ada"); got.role() != "editor" || got.UserName != "New@example.com" {
		t.Errorf("user = %+v, want what Update stored, unchecked", got)
	}
	if c.find(`userName eq "ada@example.com"`).TotalResults != 0 || c.find(`userName eq "new@example.com"`).TotalResults != 1 {
		t.Error("the filter does not follow the update")
	}
}

func TestSnapshotsShareNothingWithTheWorkspace(t *testing.T) {
	editor := true
	given := sim.User{ID: "ada", Editor: &editor}
	c := start(t, sim.Config{}, given)
	*given.Editor = false
	*c.workspace.Users()[0].Editor = false
	u, _ := c.workspace.User("ada")
	*u.Editor = false
	if got := c.get("ada").role(); got != "editor" {
		t.Errorf("role = %s, want editor: a copy was written through", got)
	}
}

func TestAWorkspaceIsSafeForConcurrentUse(t *testing.T) {
	c := start(t, sim.Config{Users: 50, PendingUntilLogin: true, DeactivationKeeps: true, RequestLog: &strings.Builder{}})
	handler := c.workspace.Handler()
	serve := func(method, path, body string) int {
		request := httptest.NewRequestWithContext(t.Context(), method, sim.BasePath+path, strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+token)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		return recorder.Code
	}
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for i := range 25 {
				userName := fmt.Sprintf("w%d.%d@example.com", worker, i)
				if got := serve(http.MethodPost, "Users", `{"userName":"`+userName+`"}`); got != http.StatusCreated {
					t.Errorf("POST = %d", got)
				}
				id := c.workspace.Add(sim.User{UserName: userName, Active: true}).ID
				operation := fmt.Sprintf(`{"schemas":[%q],"Operations":[{"op":"replace","path":%q,"value":true}]}`, patchOp, editorPath)
				if got := serve(http.MethodPatch, "Users/"+id, operation); got != http.StatusOK {
					t.Errorf("PATCH = %d", got)
				}
				for _, path := range []string{"Users?startIndex=20", "Users/" + id, "Users?filter=active%20eq%20true"} {
					if got := serve(http.MethodGet, path, ""); got != http.StatusOK {
						t.Errorf("GET %s = %d", path, got)
					}
				}
				c.workspace.Move(i, 0)
				c.workspace.Insert(0, sim.User{})
				for _, u := range c.workspace.Users() {
					if u.UserName == userName && u.Pending {
						c.workspace.Login(u.ID)
					}
				}
				if got := serve(http.MethodDelete, "Users/"+id, ""); got != http.StatusNoContent {
					t.Errorf("DELETE = %d", got)
				}
			}
		})
	}
	group.Wait()
	if got := len(c.workspace.Users()); got != 50+4*25*2 {
		t.Errorf("%d users at the end, want %d", got, 50+4*25*2)
	}
}
