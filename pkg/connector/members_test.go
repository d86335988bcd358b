package connector_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/pagination"
	"github.com/conductorone/baton-sdk/pkg/sync"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

const token = "test-token-0123456789"

// workspace is a simulated workspace that counts the listing requests.
type workspace struct {
	*sim.Workspace
	url      string
	requests atomic.Int64
	// before, when set, runs ahead of each request with its number.
	before func(n int64)
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
			w.before(n)
		}
		simulated.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL + sim.BasePath
	return w
}

func build(t *testing.T, url string) connectorbuilder.ConnectorBuilderV2 {
	t.Helper()
	built, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: token, BaseUrl: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func start(t *testing.T, url string) *synctest.Harness {
	t.Helper()
	h, err := synctest.Start(t.Context(), build(t, url), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func syncAndRead(t *testing.T, h *synctest.Harness, options ...sync.SyncOpt) *synctest.Picture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := h.Sync(t.Context(), path, options...); err != nil {
		t.Fatalf("sync: %v", err)
	}
	picture, err := synctest.Read(t.Context(), path)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return picture
}

// expected returns the ids of the resources and of the grants that a full sync of
// users must hold.
func expected(users []sim.User) ([]string, []string) {
	resources, grants := []string{"role:editor", "role:viewer"}, []string(nil)
	for _, user := range users {
		resources = append(resources, "user:"+user.ID)
		if user.Active && user.Editor != nil {
			grants = append(grants, grantID(roleName(user), user.ID))
		}
	}
	return resources, grants
}

// roleName is the role of a simulated user, "" where nobody knows it.
func roleName(user sim.User) string {
	switch {
	case user.Editor == nil:
		return ""
	case *user.Editor:
		return "editor"
	default:
		return "viewer"
	}
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

func TestFullSyncHoldsEveryUserAndGrantWithOneReadEach(t *testing.T) {
	for _, users := range []int{0, 1, 2, 100, 101, 199, 1000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Users: users})
			picture := syncAndRead(t, start(t, w.url))
			resources, grants := expected(w.Users())
			assertIDs(t, "resources", maps.Keys(picture.Resources), resources...)
			assertIDs(t, "grants", maps.Keys(picture.Grants), grants...)
			assertIDs(t, "entitlements", maps.Keys(picture.Entitlements), "role:editor:assigned", "role:viewer:assigned")
			// One more is the SDK's Validate.
			if budget := int64((max(0, users-1)+98)/99 + 2); w.requests.Load() > budget {
				t.Errorf("%d requests, want at most %d", w.requests.Load(), budget)
			}
		})
	}
}

func TestARecordThatTheSessionStoreLosesIsReadAgain(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 2345})
	built := syncers(t, w.url)
	for third := range 3 {
		store := &memory{}
		list(t, built[0], store, "sync")
		for i, key := range slices.Sorted(maps.Keys(store.values)) {
			if i%3 == third {
				delete(store.values, key)
			}
		}
		assertGrants(t, w, built[1], store, "sync")
	}
}

func TestAWriteThatFailsForAMomentLosesNothing(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 2500})
	for after := range 3 {
		built, store := syncers(t, w.url), &memory{failAfter: after + 1}
		list(t, built[0], store, "sync")
		if store.failAfter >= 0 {
			t.Error("no write has failed")
		}
		assertGrants(t, w, built[1], store, "sync")
	}
}

func TestOfAUserTwiceOnAPageTheLastRowCounts(t *testing.T) {
	const row = `{"id":%q,"userName":"%[1]s@example.com","active":true,"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User":{"editor":%t}}`
	rows := []string{fmt.Sprintf(row, "u1", true), fmt.Sprintf(row, "u2", true), fmt.Sprintf(row, "u1", false)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		from := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("startIndex"), &from)
		_, _ = fmt.Fprintf(rw, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":3,"Resources":[%s]}`, strings.Join(rows[from-1:], ","))
	}))
	t.Cleanup(server.Close)
	picture := syncAndRead(t, start(t, server.URL))
	assertIDs(t, "grants", maps.Keys(picture.Grants), grantID("editor", "u2"), grantID("viewer", "u1"))
}

func TestPartialAndTargetedSyncs(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 250})
	h := start(t, w.url)
	picture := syncAndRead(t, h, sync.WithSyncResourceTypes([]string{"role"}))
	assertIDs(t, "resources", maps.Keys(picture.Resources), "role:editor", "role:viewer")

	user := w.Users()[0]
	picture = syncAndRead(t, h, sync.WithTargetedSyncResources([]*v2.Resource{principal("user", user.ID)}))
	assertIDs(t, "grants of a user", maps.Keys(picture.Grants), grantID(roleName(user), user.ID))

	_, grants := expected(w.Users())
	picture = syncAndRead(t, h, sync.WithTargetedSyncResources([]*v2.Resource{principal("role", "editor")}))
	assertIDs(t, "grants of a role", maps.Keys(picture.Grants), slices.DeleteFunc(grants, func(id string) bool { return !strings.HasPrefix(id, "role:editor:") })...)
}

func TestWhoeverStaysWhileOthersLeaveIsHeldAndNoAbandonedPassGivesAGrant(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 550})
	w.before = func(n int64) {
		if n == 2 || n == 4 || n == 6 { // the second page of a pass
			users := w.Users()
			w.Remove(users[3].ID)
			editor := roleName(users[50]) != "editor" // and not as the pass has recorded
			users[50].Editor = &editor
			w.Update(users[50])
		}
	}
	built, store := syncers(t, w.url), &memory{}
	held := list(t, built[0], store, "sync")
	for _, user := range w.Users() {
		if !slices.Contains(held, user.ID) {
			t.Errorf("user %s is missing", user.ID)
		}
	}
	requests := w.requests.Load()
	assertGrants(t, w, built[1], store, "sync")
	if w.requests.Load() != requests {
		t.Errorf("the grants took %d requests", w.requests.Load()-requests)
	}
	if record := string(store.values["page/00000000"]); strings.Contains(record, `"m"`) || !strings.Contains(record, `\"p\":3`) {
		t.Errorf("the record of page 0 is %s", record)
	}
}

func assertGrants(t *testing.T, w *workspace, roles connectorbuilder.ResourceSyncerV2, store *memory, syncID string) {
	t.Helper()
	_, want := expected(w.Users())
	got := append(grantsOf(t, roles, store, syncID, "editor"), grantsOf(t, roles, store, syncID, "viewer")...)
	assertIDs(t, "grants", slices.Values(got), want...)
}

func TestTwoSyncsSideBySideKeepTheirPagesApart(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 1234})
	built := syncers(t, w.url)
	full, other := &memory{}, &memory{}
	// The second one begins and ends while the first is under way.
	w.before = func(n int64) {
		if n == 5 {
			list(t, built[0], other, "other")
		}
	}
	list(t, built[0], full, "full")
	// What the first has not written yet is read again.
	if listed := w.requests.Load(); listed != 28 || len(other.values) != 14 || len(full.values) < 10 {
		t.Errorf("%d requests, %d and %d pages stored", listed, len(full.values), len(other.values))
	}
	assertGrants(t, w, built[1], full, "full")
	assertGrants(t, w, built[1], other, "other")
}

// memory is a session store.
type memory struct {
	sessions.SessionStore
	values    map[string][]byte
	failAfter int // the number of the write that fails
}

func (m *memory) GetMany(_ context.Context, keys []string, _ ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	found := map[string][]byte{}
	for _, key := range keys {
		if value, ok := m.values[key]; ok {
			found[key] = value
		}
	}
	return found, nil, nil
}

func (m *memory) SetMany(_ context.Context, values map[string][]byte, _ ...sessions.SessionStoreOption) error {
	if m.failAfter--; m.failAfter == 0 {
		return status.Error(codes.Unavailable, "busy")
	}
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	maps.Copy(m.values, values)
	return nil
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
		grants, results, err := roles.Grants(t.Context(), principal("role", role), attrs(store, syncID, token))
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

func TestWhatASyncSaysOfRolesAndUsers(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 12})
	picture := syncAndRead(t, start(t, w.url))
	for role, order := range map[string]uint32{"viewer": 1, "editor": 2} {
		group := &v2.EntitlementExclusionGroup{}
		annos := annotations.Annotations(picture.Entitlements["role:"+role+":assigned"].GetAnnotations())
		if ok, err := annos.Pick(group); !ok || err != nil || group.GetExclusionGroupId() != "whimsical-workspace-role" ||
			group.GetOrder() != order || group.GetIsDefault() {
			t.Errorf("%s has the exclusion group %v, %v", role, group, err)
		}
		license := &v2.LicenseProfileTrait{}
		annos = picture.Resources["role:"+role].GetAnnotations()
		ok, err := annos.Pick(license)
		if ids := license.GetEntitlementIds(); err != nil || ok != (role == "editor") ||
			ok && !slices.Equal(ids, []string{"role:editor:assigned"}) {
			t.Errorf("%s has the license %v, %v", role, license, err)
		}
	}
	for _, user := range w.Users() {
		if got := rs.GetProfile(picture.Resources["user:"+user.ID]).GetFields()["user_id"].GetStringValue(); got != user.ID {
			t.Errorf("the profile of %s has the user_id %q", user.ID, got)
		}
	}
}
