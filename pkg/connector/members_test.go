package connector_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

func TestFullSyncHoldsEveryUserAndGrantWithOneReadEach(t *testing.T) {
	for _, users := range []int{0, 1, 2, 100, 101, 199, 1000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			w := newWorkspace(t, sim.Config{Users: users})
			picture := syncAndRead(t, start(t, w.url))
			for _, difference := range picture.Access().Differences(batontest.Expected(w.Users())) {
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
		store := &batontest.Store{}
		list(t, built[0], store, "sync")
		for i, key := range slices.Sorted(maps.Keys(store.Values)) {
			if i%3 == third {
				delete(store.Values, key)
			}
		}
		assertGrants(t, w, built[1], store, "sync")
	}
}

func TestAWriteThatFailsForAMomentLosesNothing(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 2500})
	for after := range 3 {
		built, store := syncers(t, w.url), &batontest.Store{FailAt: after + 1}
		list(t, built[0], store, "sync")
		if store.Writes < store.FailAt {
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
	assertIDs(t, "grants", maps.Keys(picture.Grants), batontest.Grant("editor", "u2").GetId(), batontest.Grant("viewer", "u1").GetId())
}

func TestPartialAndTargetedSyncs(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 250})
	h := start(t, w.url)
	picture := syncAndRead(t, h, sync.WithSyncResourceTypes([]string{"role"}))
	assertIDs(t, "resources", maps.Keys(picture.Resources), "role:editor", "role:viewer")

	user := w.Users()[0]
	picture = syncAndRead(t, h, sync.WithTargetedSyncResources([]*v2.Resource{batontest.Resource("user", user.ID)}))
	assertIDs(t, "grants of a user", maps.Keys(picture.Grants), batontest.Grant(batontest.ReportedRole(user), user.ID).GetId())

	picture = syncAndRead(t, h, sync.WithTargetedSyncResources([]*v2.Resource{batontest.Resource("role", "editor")}))
	assertIDs(t, "grants of a role", maps.Keys(picture.Grants), grants(w, "editor")...)
}

func TestWhoeverStaysWhileOthersLeaveIsHeldAndNoAbandonedPassGivesAGrant(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 550})
	store := &batontest.Store{}
	w.before = func(n int64, _ http.ResponseWriter, _ *http.Request) {
		if record, kept := store.Values["page/00000000"]; n > 2 && (!kept || strings.Contains(string(record), `"m"`)) {
			t.Errorf("at request %d, the record of page 0 is %s", n, record)
		}
		if n == 2 || n == 4 || n == 6 { // the second page of a pass
			users := w.Users()
			w.Remove(users[3].ID)
			editor := batontest.ReportedRole(users[50]) != "editor" // and not as the pass has recorded
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
	if record := string(store.Values["page/00000000"]); strings.Contains(record, `"m"`) || !strings.Contains(record, `\"p\":3`) {
		t.Errorf("the record of page 0 is %s", record)
	}
}

func TestPagesAreStoredAndReadManyAtATime(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 3000})
	for _, test := range []struct {
		lambda bool
		writes int
	}{{false, 4}, {true, 32}} {
		var options []func(*connector.Connector)
		if test.lambda {
			options = append(options, connector.InLambda)
		}
		built, store := build(t, w.url, options...).ResourceSyncers(t.Context()), &batontest.Store{}
		list(t, built[0], store, "sync")
		if store.Reads != 2 {
			t.Errorf("%d pages were compared in %d reads, want 2", len(store.Values), store.Reads)
		}
		store.Reads = 0
		if store.Writes != test.writes {
			t.Errorf("%d pages in %d writes, want %d", len(store.Values), store.Writes, test.writes)
		}
		assertGrants(t, w, built[1], store, "sync")
		if store.Reads != 2*2 {
			t.Errorf("%d pages in %d reads for two roles, want 4", len(store.Values), store.Reads)
		}
	}
}

func TestAnAnswerOfGrantsIsBounded(t *testing.T) {
	rows := make([]string, 1500)
	for i := range rows {
		length := 860
		if i < 300 { // so that the ids of 595 users are as many bytes as one answer may hold, 500 KiB
			length++
		}
		rows[i] = fmt.Sprintf(`{"id":"%0*d","active":true,%s:{"editor":true}}`, length, i, extension)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		from := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("startIndex"), &from)
		_, _ = fmt.Fprintf(rw, `{"totalResults":%d,"Resources":[%s]}`, len(rows), strings.Join(rows[from-1:min(from+99, len(rows))], ","))
	}))
	t.Cleanup(server.Close)
	built, store := syncers(t, server.URL), &batontest.Store{}
	list(t, built[0], store, "sync")
	first, results, err := built[1].Grants(t.Context(), batontest.Resource("role", "editor"), attrs(store, "sync", ""))
	// 100 users on the first page, 99 on each that follows, until the ids exceed that.
	if err != nil || results.NextPageToken == "" || len(first) != 100+6*99 {
		t.Errorf("the first answer has %d grants, %v", len(first), err)
	}
	if all := grantsOf(t, built[1], store, "sync", "editor"); len(all) != len(rows) {
		t.Errorf("%d grants, want %d", len(all), len(rows))
	}
}

func TestWhatASyncLogs(t *testing.T) {
	unknown := scimscript.User{ID: "u5", UserName: "u5@example.com"}
	untold := scimscript.User{ID: "u6", UserName: "u6@example.com", Editor: false}
	noRole := scimscript.User{ID: "u7", UserName: "u7@example.com", Active: true}
	const warning = "warn: baton-whimsical: the API did not report the role or the status of some users: " +
		"without a role they hold no grant, without a status they count as users with access:"
	for name, test := range map[string]struct {
		users scimscript.List
		want  []string
	}{
		"nobody": {nil, []string{
			"debug: baton-whimsical: reading users: total=0 users=0",
			"info: baton-whimsical: users read: editors=0 inactive=0 passes=1 requests=1 seconds=0 users=0 viewers=0 without_role=0",
		}},
		"one inactive": {scimscript.List{anInactiveEditor}, []string{
			"debug: baton-whimsical: reading users: total=1 users=1",
			"info: baton-whimsical: users read: editors=0 inactive=1 passes=1 requests=1 seconds=0 users=1 viewers=0 without_role=0",
		}},
		"one without a status": {scimscript.List{untold}, []string{
			"debug: baton-whimsical: reading users: total=1 users=1",
			"info: baton-whimsical: users read: editors=0 inactive=0 passes=1 requests=1 seconds=0 users=1 viewers=1 without_role=0",
			warning + " users=1 users_without_role=0 users_without_status=1",
		}},
		"one without a role": {scimscript.List{noRole, anEditor}, []string{
			"debug: baton-whimsical: reading users: total=2 users=2",
			"debug: baton-whimsical: reading users: total=2 users=2",
			"info: baton-whimsical: users read: editors=1 inactive=0 passes=1 requests=2 seconds=0 users=2 viewers=0 without_role=1",
			warning + " users=2 users_without_role=1 users_without_status=0",
		}},
		"one twice": {scimscript.List{somebody, somebody, anEditor}, []string{
			"debug: baton-whimsical: reading users: total=3 users=3",
			"debug: baton-whimsical: reading users: total=3 users=3",
			"info: baton-whimsical: users read: editors=1 inactive=0 passes=1 requests=2 seconds=0 users=2 viewers=1 without_role=0",
			"warn: baton-whimsical: the API listed some users twice in one answer: the later row counts: rows_replaced=1",
		}},
		"one of each": {scimscript.List{unknown, anEditor, noRole, somebody, scimscript.User{ID: "u3", UserName: "u3@example.com", Active: false, Editor: true}}, []string{
			"debug: baton-whimsical: reading users: total=5 users=5",
			"debug: baton-whimsical: reading users: total=5 users=5",
			"info: baton-whimsical: users read: editors=1 inactive=1 passes=1 requests=2 seconds=0 users=5 viewers=1 without_role=2",
			warning + " users=5 users_without_role=2 users_without_status=1",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			pages := []scimscript.Step{{Method: "GET", Target: "Users?count=100&startIndex=1", Reply: scimscript.OK(test.users)}}
			if n := len(test.users); n > 1 { // the last user again
				rest := strings.Replace(test.users[n-1:].String(), `"totalResults":1`, fmt.Sprintf(`"totalResults":%d`, n), 1)
				pages = append(pages, scimscript.Step{
					Method: "GET", Target: fmt.Sprintf("Users?count=100&startIndex=%d", n), Reply: scimscript.Reply{Status: 200, Body: rest},
				})
			}
			built, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: scimscript.Token, BaseUrl: scimscript.Serve(t, pages...)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			core, log := observer.New(zapcore.DebugLevel)
			ctx := ctxzap.ToContext(t.Context(), zap.New(core))
			for token, more := "", true; more; more = token != "" {
				_, results, err := built.ResourceSyncers(ctx)[0].List(ctx, nil, attrs(&batontest.Store{}, "sync", token))
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

func TestTwoSyncsSideBySideKeepTheirPagesApart(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 1234})
	built := syncers(t, w.url)
	full, other := &batontest.Store{}, &batontest.Store{}
	// The second one begins and ends while the first is under way.
	w.before = func(n int64, _ http.ResponseWriter, _ *http.Request) {
		if n == 5 {
			list(t, built[0], other, "other")
		}
	}
	list(t, built[0], full, "full")
	// What the first had not written yet, four pages, makes another pass: 31 requests, and where it begins.
	if listed := w.requests.Load(); listed != 28+31 || len(other.Values) != 14 || len(full.Values) != 10+31+1 {
		t.Errorf("%d requests, %d and %d pages stored", listed, len(full.Values), len(other.Values))
	}
	// The first writes its own pages at once from then on; the second, all but the last four together.
	if full.Writes != 10+31+1 || other.Writes != 2 {
		t.Errorf("%d and %d writes", full.Writes, other.Writes)
	}
	assertGrants(t, w, built[1], full, "full")
	assertGrants(t, w, built[1], other, "other")
}

func TestAnIDThatBatonCannotStoreFailsTheSync(t *testing.T) {
	for length, want := range map[int]codes.Code{998: codes.OK, 999: codes.FailedPrecondition} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(rw, scimscript.List{{ID: strings.Repeat("x", length), Active: true, Editor: false}})
		}))
		t.Cleanup(server.Close)
		if _, _, err := syncers(t, server.URL)[0].List(t.Context(), nil, attrs(&batontest.Store{}, "sync", "")); status.Code(err) != want {
			t.Errorf("an id of %d bytes: %v, want %s", length, err, want)
		}
	}
}

func TestALongNameIsCutBetweenCharacters(t *testing.T) {
	for name, want := range map[string]int{strings.Repeat("é", 512): 1024, strings.Repeat("é", 513): 1024, "x" + strings.Repeat("é", 512): 1023} {
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(rw, `{"totalResults":1,"Resources":[{"id":"u1","displayName":%q,%s:{"editor":true}}]}`, name, extension)
		}))
		t.Cleanup(server.Close)
		resources, _, err := syncers(t, server.URL)[0].List(t.Context(), nil, attrs(&batontest.Store{}, "sync", ""))
		if err != nil || len(resources) != 1 || len(resources[0].GetDisplayName()) != want || !strings.HasPrefix(name, resources[0].GetDisplayName()) {
			t.Errorf("%d bytes became %v, %v", len(name), resources, err)
		}
	}
}
