//go:build unix

package reliability

import (
	"fmt"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/sync"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

var oddIDs = []string{
	"/", "a/b", "/a/", "?", "a?b=c", "#", "a#b", "%", "%2F", "a%41b", "100%", "+", "a+b", ";", "a;b=c", " ", "a b", " a ", "&", "=", ":", "a:b", "|",
	"@", "person@example.com", ".", "..", "../..", "a/../b", `\`, `"quoted"`, "'", "<b>", "*", "日本", "é", "\U0001F600",
	"x", "0", strings.Repeat("a", 500), strings.Repeat("a/", 250), strings.Repeat("日", 300),
}

// idWorkspace is a workspace of Viewers with odd ids.
func idWorkspace(t *testing.T) *faults.Workspace {
	t.Helper()
	w := faults.Serve(t, sim.Config{PageSize: 7})
	for i, id := range oddIDs {
		email := fmt.Sprintf("person%d@example.com", i)
		w.Add(sim.User{ID: id, UserName: email, Email: email, DisplayName: "Person", Active: true, Editor: new(bool)})
	}
	return w
}

func TestIDsOfEveryShapeAreSynced(t *testing.T) {
	w := idWorkspace(t)
	picture, _ := syncFrom(t, w.URL)
	for _, line := range picture.Access().Differences(batontest.Expected(w.Users())) {
		t.Error(line)
	}
}

func TestIDsOfEveryShapeAreSyncedWhenTheyAreTargeted(t *testing.T) {
	url := idWorkspace(t).URL
	var targets []*v2.Resource
	for _, id := range oddIDs {
		targets = append(targets, batontest.Resource("user", id))
	}
	picture, _ := syncFrom(t, url, sync.WithTargetedSyncResources(targets))
	for _, id := range oddIDs {
		if picture.Resources["user:"+id] == nil || picture.Grants[batontest.Grant("viewer", id).GetId()] == nil {
			t.Errorf("user %q or their grant is missing", id)
		}
	}
	if len(picture.Grants) != len(oddIDs) {
		t.Errorf("%d grants, want %d", len(picture.Grants), len(oddIDs))
	}
}

func TestIDsOfEveryShapeAreProvisioned(t *testing.T) {
	workspace := idWorkspace(t)
	h, _ := serveConnector(t, workspace.URL)
	for _, id := range oddIDs {
		principal := batontest.Resource("user", id)
		if _, err := h.Client.Grant(t.Context(), v2.GrantManagerServiceGrantRequest_builder{
			Principal: principal, Entitlement: batontest.Entitlement("editor"),
		}.Build()); err != nil {
			t.Errorf("grant to %q: %v", id, err)
		}
		if user, _ := workspace.User(id); user.Editor == nil || !*user.Editor {
			t.Errorf("%q is not an Editor", id)
		}
		if _, err := h.Client.Revoke(t.Context(), v2.GrantManagerServiceRevokeRequest_builder{
			Grant: batontest.Grant("editor", id),
		}.Build()); err != nil {
			t.Errorf("revoke from %q: %v", id, err)
		}
		if user, _ := workspace.User(id); user.Editor == nil || *user.Editor {
			t.Errorf("%q is not a Viewer", id)
		}
		before := len(workspace.Users())
		if _, err := h.Client.DeleteResource(t.Context(), v2.DeleteResourceRequest_builder{ResourceId: batontest.Resource("user", id).GetId()}.Build()); err != nil {
			t.Errorf("delete %q: %v", id, err)
		}
		if _, there := workspace.User(id); there || len(workspace.Users()) != before-1 {
			t.Errorf("%q is still there, or somebody else is gone", id)
		}
	}
}
