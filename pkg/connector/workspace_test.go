package connector_test

import (
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/pagination"
	"github.com/conductorone/baton-sdk/pkg/sync"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

const token = "test-token-0123456789"

// workspace is a simulated workspace that counts the listing requests.
type workspace struct {
	*sim.Workspace
	url      string
	requests atomic.Int64
	// before, when set, runs ahead of each request, with its number.
	before func(n int64, rw http.ResponseWriter, r *http.Request)
}

func newWorkspace(t *testing.T, cfg sim.Config) *workspace {
	t.Helper()
	cfg.Token = token
	simulated, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &workspace{Workspace: simulated}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := w.requests.Add(1)
		if w.before != nil {
			w.before(n, rw, r)
		}
		simulated.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL + sim.BasePath
	return w
}

func build(t *testing.T, url string, options ...func(*connector.Connector)) connectorbuilder.ConnectorBuilderV2 {
	t.Helper()
	built, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: token, BaseUrl: url}, nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func start(t *testing.T, url string) *batontest.Harness {
	t.Helper()
	h, err := batontest.Start(t.Context(), build(t, url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func syncAndRead(t *testing.T, h *batontest.Harness, options ...sync.SyncOpt) *batontest.Picture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := h.Sync(t.Context(), path, options...); err != nil {
		t.Fatalf("sync: %v", err)
	}
	picture, err := batontest.Read(t.Context(), path)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return picture
}

func assertIDs(t *testing.T, what string, ids iter.Seq[string], want ...string) {
	t.Helper()
	got := slices.Sorted(ids)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	missing := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return slices.Contains(got, id) })
	tooMany := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return slices.Contains(want, id) })
	t.Errorf("%s: got %d, want %d; missing %v, too many %v", what, len(got), len(want), missing, tooMany)
}

// grants returns the ids of the grants of a role that a sync must hold.
func grants(w *workspace, role string) []string {
	var ids []string
	for _, user := range w.Users() {
		if batontest.RoleOf(user) == role {
			ids = append(ids, batontest.Grant(role, user.ID).GetId())
		}
	}
	return ids
}

func assertGrants(t *testing.T, w *workspace, roles connectorbuilder.ResourceSyncerV2, store *batontest.Store, syncID string) {
	t.Helper()
	want := append(grants(w, "editor"), grants(w, "viewer")...)
	got := append(grantsOf(t, roles, store, syncID, "editor"), grantsOf(t, roles, store, syncID, "viewer")...)
	assertIDs(t, "grants", slices.Values(got), want...)
}

// list lists the users as a sync does, and returns the ids.
func list(t *testing.T, users connectorbuilder.ResourceSyncerV2, store sessions.SessionStore, syncID string) []string {
	t.Helper()
	var ids []string
	for token := ""; ; {
		resources, results, err := users.List(t.Context(), nil, attrs(store, syncID, token))
		if status.Code(err) == codes.Unavailable {
			continue // as the SDK does
		}
		if err != nil {
			t.Error(err)
			return nil
		}
		for _, resource := range resources {
			ids = append(ids, resource.GetId().GetResource())
		}
		if token = results.NextPageToken; token == "" {
			return ids
		}
	}
}

func grantsOf(t *testing.T, roles connectorbuilder.ResourceSyncerV2, store sessions.SessionStore, syncID, role string) []string {
	t.Helper()
	var ids []string
	for token := ""; ; {
		grants, results, err := roles.Grants(t.Context(), batontest.Resource("role", role), attrs(store, syncID, token))
		if err != nil {
			t.Fatal(err)
		}
		for _, grant := range grants {
			ids = append(ids, grant.GetId())
		}
		if token = results.NextPageToken; token == "" {
			return ids
		}
	}
}

// syncers are the builders of users and of roles.
func syncers(t *testing.T, url string) []connectorbuilder.ResourceSyncerV2 {
	t.Helper()
	return build(t, url).ResourceSyncers(t.Context())
}

func attrs(store sessions.SessionStore, syncID, token string) rs.SyncOpAttrs {
	return rs.SyncOpAttrs{Session: store, SyncID: syncID, PageToken: pagination.Token{Token: token}}
}
