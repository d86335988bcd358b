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
	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/pagination"
	"github.com/conductorone/baton-sdk/pkg/sync"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/conductorone/baton-sdk/pkg/types/sessions"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
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
			for _, difference := range picture.Access().Differences(synctest.Expected(w.Users())) {
				t.Error(difference)
			}
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
	assertIDs(t, "grants", maps.Keys(picture.Grants), synctest.GrantID("editor", "u2"), synctest.GrantID("viewer", "u1"))
}

func TestPartialAndTargetedSyncs(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 250})
	h := start(t, w.url)
	picture := syncAndRead(t, h, sync.WithSyncResourceTypes([]string{"role"}))
	assertIDs(t, "resources", maps.Keys(picture.Resources), "role:editor", "role:viewer")

	user := w.Users()[0]
	picture = syncAndRead(t, h, sync.WithTargetedSyncResources([]*v2.Resource{principal("user", user.ID)}))
	assertIDs(t, "grants of a user", maps.Keys(picture.Grants), synctest.GrantID(roleName(user), user.ID))

	picture = syncAndRead(t, h, sync.WithTargetedSyncResources([]*v2.Resource{principal("role", "editor")}))
	assertIDs(t, "grants of a role", maps.Keys(picture.Grants), grants(w, "editor")...)
}

func TestWhoeverStaysWhileOthersLeaveIsHeldAndNoAbandonedPassGivesAGrant(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 550})
	store := &memory{}
	w.before = func(n int64) {
		if record, kept := store.values["page/00000000"]; n > 2 && (!kept || strings.Contains(string(record), `"m"`)) {
			t.Errorf("at request %d, the record of page 0 is %s", n, record)
		}
		if n == 2 || n == 4 || n == 6 { // the second page of a pass
			users := w.Users()
			w.Remove(users[3].ID)
			editor := roleName(users[50]) != "editor" // and not as the pass has recorded
			users[50].Editor = &editor
			w.Update(users[50])
		}
	}
	built := syncers(t, w.url)
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

func TestPagesAreStoredAndReadManyAtATime(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 3000})
	for _, test := range []struct {
		lambda bool
		writes int
	}{{false, 4}, {true, 32}} {
		if test.lambda {
			t.Setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:1")
		}
		built, store := syncers(t, w.url), &memory{}
		list(t, built[0], store, "sync")
		if store.writes != test.writes {
			t.Errorf("%d pages in %d writes, want %d", len(store.values), store.writes, test.writes)
		}
		assertGrants(t, w, built[1], store, "sync")
		if store.reads != 2*2 {
			t.Errorf("%d pages in %d reads for two roles, want 4", len(store.values), store.reads)
		}
	}
}

func TestAnAnswerOfGrantsIsBounded(t *testing.T) {
	long := strings.Repeat("x", 900)
	rows := make([]string, 1500)
	for i := range rows {
		rows[i] = fmt.Sprintf(`{"id":"%s%d","active":true,%s:{"editor":true}}`, long, i, extension)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		from := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("startIndex"), &from)
		_, _ = fmt.Fprintf(rw, `{"totalResults":%d,"Resources":[%s]}`, len(rows), strings.Join(rows[from-1:min(from+99, len(rows))], ","))
	}))
	t.Cleanup(server.Close)
	built, store := syncers(t, server.URL), &memory{}
	list(t, built[0], store, "sync")
	first, results, err := built[1].Grants(t.Context(), principal("role", "editor"), attrs(store, "sync", ""))
	// 100 users on the first page, 99 on each that follows, until the ids exceed 500 KiB.
	if err != nil || results.NextPageToken == "" || len(first) != 100+5*99 {
		t.Errorf("the first answer has %d grants, %v", len(first), err)
	}
	if all := grantsOf(t, built[1], store, "sync", "editor"); len(all) != len(rows) {
		t.Errorf("%d grants, want %d", len(all), len(rows))
	}
}

func TestWhatASyncLogs(t *testing.T) {
	unknown := script.User{ID: "u5", UserName: "u5@example.com"}
	untold := script.User{ID: "u6", UserName: "u6@example.com", Editor: false}
	noRole := script.User{ID: "u7", UserName: "u7@example.com", Active: true}
	const warning = "warn: baton-whimsical: the API did not report the role or the status of some users: " +
		"without a role they hold no grant, without a status they count as users with access:"
	for name, test := range map[string]struct {
		users script.List
		want  []string
	}{
		"nobody": {nil, []string{
			"debug: baton-whimsical: reading users: total=0 users=0",
			"info: baton-whimsical: users read: editors=0 others=0 passes=1 requests=1 seconds=0 users=0 viewers=0",
		}},
		"one inactive": {script.List{anInactiveEditor}, []string{
			"debug: baton-whimsical: reading users: total=1 users=1",
			"info: baton-whimsical: users read: editors=0 others=1 passes=1 requests=1 seconds=0 users=1 viewers=0",
		}},
		"one without a status": {script.List{untold}, []string{
			"debug: baton-whimsical: reading users: total=1 users=1",
			"info: baton-whimsical: users read: editors=0 others=0 passes=1 requests=1 seconds=0 users=1 viewers=1",
			warning + " users=1 users_without_role=0 users_without_status=1",
		}},
		"one without a role": {script.List{noRole}, []string{
			"debug: baton-whimsical: reading users: total=1 users=1",
			"info: baton-whimsical: users read: editors=0 others=1 passes=1 requests=1 seconds=0 users=1 viewers=0",
			warning + " users=1 users_without_role=1 users_without_status=0",
		}},
		"one of each": {script.List{unknown, anEditor, noRole, somebody, script.User{ID: "u3", UserName: "u3@example.com", Active: false, Editor: true}}, []string{
			"debug: baton-whimsical: reading users: total=5 users=5",
			"debug: baton-whimsical: reading users: total=5 users=5",
			"info: baton-whimsical: users read: editors=1 others=3 passes=1 requests=2 seconds=0 users=5 viewers=1",
			warning + " users=5 users_without_role=2 users_without_status=1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			pages := []script.Step{{Method: "GET", Target: "Users?count=100&startIndex=1", Reply: script.OK(test.users)}}
			if n := len(test.users); n > 1 { // the last user again
				rest := strings.Replace(test.users[n-1:].String(), `"totalResults":1`, fmt.Sprintf(`"totalResults":%d`, n), 1)
				pages = append(pages, script.Step{
					Method: "GET", Target: fmt.Sprintf("Users?count=100&startIndex=%d", n), Reply: script.Reply{Status: 200, Body: rest},
				})
			}
			built, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: script.Token, BaseUrl: script.Serve(t, pages...)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			core, log := observer.New(zapcore.DebugLevel)
			ctx := ctxzap.ToContext(t.Context(), zap.New(core))
			for token, more := "", true; more; more = token != "" {
				_, results, err := built.ResourceSyncers(ctx)[0].List(ctx, nil, attrs(&memory{}, "sync", token))
				if err != nil {
					t.Fatal(err)
				}
				token = results.NextPageToken
			}
			p := &provisioner{log: log}
			got := slices.DeleteFunc(p.told(outcome{}).changes, func(line string) bool { return strings.HasPrefix(line, "debug: baton-whimsical: request:") })
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestASyncOfRolesWithoutUsersIsWarnedOf(t *testing.T) {
	for types, want := range map[string]int{"": 0, "role": 1, "user": 0, "user role": 0} {
		core, log := observer.New(zapcore.WarnLevel)
		opts := &cli.ConnectorOpts{SyncResourceTypeIDs: strings.Fields(types)}
		_, _, err := connector.New(ctxzap.ToContext(t.Context(), zap.New(core)), &config.Whimsical{WhimsicalToken: token}, opts)
		if err != nil || log.FilterMessageSnippet("both roles will look empty").Len() != want {
			t.Errorf("types %q: %d warnings, %v", types, log.Len(), err)
		}
	}
}

func TestAPageTellsTheAPIsRateLimit(t *testing.T) {
	for limit, want := range map[string]int{"": 0, "100": 1} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Ratelimit-Limit", limit)
			_, _ = fmt.Fprint(rw, script.List{somebody})
		}))
		t.Cleanup(server.Close)
		_, results, err := syncers(t, server.URL)[0].List(t.Context(), nil, attrs(&memory{}, "sync", ""))
		if err != nil || len(results.Annotations) != want {
			t.Errorf("limit %q: %v, %v", limit, results.Annotations, err)
		}
	}
}

// grants returns the ids of the grants of a role that a sync must hold.
func grants(w *workspace, role string) []string {
	var ids []string
	for _, user := range w.Users() {
		if synctest.RoleOf(user) == role {
			ids = append(ids, synctest.GrantID(role, user.ID))
		}
	}
	return ids
}

func assertGrants(t *testing.T, w *workspace, roles connectorbuilder.ResourceSyncerV2, store *memory, syncID string) {
	t.Helper()
	want := append(grants(w, "editor"), grants(w, "viewer")...)
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
	// What the first had not written yet, four pages, is read again.
	if listed := w.requests.Load(); listed != 28 || len(other.values) != 14 || len(full.values) != 10 {
		t.Errorf("%d requests, %d and %d pages stored", listed, len(full.values), len(other.values))
	}
	// The first writes its own pages at once from then on; the second, all but the last four together.
	if full.writes != 10 || other.writes != 2 {
		t.Errorf("%d and %d writes", full.writes, other.writes)
	}
	assertGrants(t, w, built[1], full, "full")
	assertGrants(t, w, built[1], other, "other")
}

// memory is a session store.
type memory struct {
	sessions.SessionStore
	values    map[string][]byte
	reads     int
	writes    int
	failAfter int // the number of the write that fails
}

func (m *memory) GetMany(_ context.Context, keys []string, _ ...sessions.SessionStoreOption) (map[string][]byte, []string, error) {
	m.reads++
	found := map[string][]byte{}
	for _, key := range keys {
		if value, ok := m.values[key]; ok {
			found[key] = value
		}
	}
	return found, nil, nil
}

func (m *memory) SetMany(_ context.Context, values map[string][]byte, _ ...sessions.SessionStoreOption) error {
	m.writes++
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
