package reliability

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/sync"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

var oddIDs = []string{
	"/", "a/b", "/a/", "?", "a?b=c", "#", "a#b", "%", "%2F", "a%41b", "100%", "+", "a+b", ";", "a;b=c", " ", "a b", " a ", "&", "=", ":", "a:b", "|",
	"@", "person@example.com", ".", "..", "../..", "a/../b", `\`, `"quoted"`, "'", "<b>", "*", "日本", "é", "\u202e", "\U0001F600", "a\tb",
	"x", "0", strings.Repeat("a", 500), strings.Repeat("a/", 250), strings.Repeat("日", 300),
}

// idWorkspace is a workspace of Viewers with odd ids.
func idWorkspace(t *testing.T) (*sim.Workspace, string) {
	t.Helper()
	workspace, err := sim.New(sim.Config{Token: token, PageSize: 7})
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range oddIDs {
		workspace.Add(sim.User{ID: id, UserName: fmt.Sprintf("person%d@example.com", i), Active: true, Editor: new(bool)})
	}
	server := httptest.NewServer(workspace.Handler())
	t.Cleanup(server.Close)
	return workspace, server.URL + sim.BasePath
}

func TestIDsOfEveryShapeAreSynced(t *testing.T) {
	_, url := idWorkspace(t)
	picture, _ := syncFrom(t, url)
	for _, id := range oddIDs {
		if picture.Resources["user:"+id] == nil {
			t.Errorf("user %q is missing", id)
		}
		if picture.Grants["role:viewer:assigned:user:"+id] == nil {
			t.Errorf("the grant of user %q is missing", id)
		}
	}
	if len(picture.Resources) != len(oddIDs)+2 || len(picture.Grants) != len(oddIDs) {
		t.Errorf("%d resources and %d grants", len(picture.Resources), len(picture.Grants))
	}
}

func TestIDsOfEveryShapeAreSyncedWhenTheyAreTargeted(t *testing.T) {
	_, url := idWorkspace(t)
	var targets []*v2.Resource
	for _, id := range oddIDs {
		targets = append(targets, v2.Resource_builder{Id: userID(id)}.Build())
	}
	picture, _ := syncFrom(t, url, sync.WithTargetedSyncResources(targets))
	for _, id := range oddIDs {
		if picture.Resources["user:"+id] == nil || picture.Grants["role:viewer:assigned:user:"+id] == nil {
			t.Errorf("user %q or their grant is missing", id)
		}
	}
	if len(picture.Grants) != len(oddIDs) {
		t.Errorf("%d grants, want %d", len(picture.Grants), len(oddIDs))
	}
}

func TestIDsOfEveryShapeAreProvisioned(t *testing.T) {
	workspace, url := idWorkspace(t)
	h, _ := serveConnector(t, url)
	for _, id := range oddIDs {
		principal := v2.Resource_builder{Id: userID(id)}.Build()
		if _, err := h.Client.Grant(t.Context(), v2.GrantManagerServiceGrantRequest_builder{
			Principal: principal, Entitlement: editorEntitlement(),
		}.Build()); err != nil {
			t.Errorf("grant to %q: %v", id, err)
		}
		if user, _ := workspace.User(id); user.Editor == nil || !*user.Editor {
			t.Errorf("%q is not an Editor", id)
		}
		if _, err := h.Client.Revoke(t.Context(), v2.GrantManagerServiceRevokeRequest_builder{
			Grant: v2.Grant_builder{Id: "role:editor:assigned:user:" + id, Principal: principal, Entitlement: editorEntitlement()}.Build(),
		}.Build()); err != nil {
			t.Errorf("revoke from %q: %v", id, err)
		}
		if user, _ := workspace.User(id); user.Editor == nil || *user.Editor {
			t.Errorf("%q is not a Viewer", id)
		}
		before := len(workspace.Users())
		if _, err := h.Client.DeleteResource(t.Context(), v2.DeleteResourceRequest_builder{ResourceId: userID(id)}.Build()); err != nil {
			t.Errorf("delete %q: %v", id, err)
		}
		if _, there := workspace.User(id); there || len(workspace.Users()) != before-1 {
			t.Errorf("%q is still there, or somebody else is gone", id)
		}
	}
}
