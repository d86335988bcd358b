package connector_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/sync"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
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
	for third := range 3 {
		s := newSync(t, w.url)
		s.mustList(t)
		for i, key := range slices.Sorted(maps.Keys(s.store.Values)) {
			if i%3 == third {
				delete(s.store.Values, key)
			}
		}
		s.assertGrants(t, w)
	}
}

func TestAWriteThatFailsForAMomentLosesNothing(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 2500})
	for after := range 3 {
		s := newSync(t, w.url)
		s.store.FailAt = after + 1
		s.mustList(t)
		if s.store.Writes < s.store.FailAt {
			t.Error("no write has failed")
		}
		s.assertGrants(t, w)
	}
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
	assertIDs(t, "grants of a role", maps.Keys(picture.Grants), w.grants("editor")...)
}

func TestWhoeverStaysWhileOthersLeaveIsHeldAndNoAbandonedPassGivesAGrant(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 550})
	s := newSync(t, w.url)
	w.before = func(n int64, _ http.ResponseWriter, _ *http.Request) {
		if record, kept := s.store.Values["page/00000000"]; n > 2 && (!kept || strings.Contains(string(record), `"m"`)) {
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
	held := s.mustList(t)
	for _, user := range w.Users() {
		if !slices.Contains(held, user.ID) {
			t.Errorf("user %s is missing", user.ID)
		}
	}
	requests := w.requests.Load()
	s.assertGrants(t, w)
	if w.requests.Load() != requests {
		t.Errorf("the grants took %d requests", w.requests.Load()-requests)
	}
	if record := string(s.store.Values["page/00000000"]); strings.Contains(record, `"m"`) || !strings.Contains(record, `\"p\":3`) {
		t.Errorf("the record of page 0 is %s", record)
	}
}

func TestPagesAreStoredAndReadManyAtATime(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 3000})
	for writes, options := range map[int][]func(*connector.Connector){4: nil, 32: {connector.InLambda}} {
		s := newSync(t, w.url, options...)
		s.mustList(t)
		pages, read := len(s.store.Values), s.store.Reads
		if s.store.Writes != writes || read != 2 {
			t.Errorf("%d pages in %d writes and compared in %d reads, want %d and 2", pages, s.store.Writes, read, writes)
		}
		s.assertGrants(t, w)
		if n := s.store.Reads - read; n != 2*2 {
			t.Errorf("%d pages in %d reads for two roles, want 4", pages, n)
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
	s := newSync(t, always(t, rows...))
	s.mustList(t)
	first, results, err := s.roles.Grants(t.Context(), batontest.Resource("role", "editor"), s.page(""))
	// 100 users on the first page, 99 on each that follows, until the ids exceed that.
	if err != nil || results.NextPageToken == "" || len(first) != 100+6*99 {
		t.Errorf("the first answer has %d grants, %v", len(first), err)
	}
	if all, err := s.grants(); err != nil || len(all) != len(rows) {
		t.Errorf("%d grants, %v, want %d", len(all), err, len(rows))
	}
}

func TestWhatASyncLogs(t *testing.T) {
	unknown := scimscript.User{ID: "u5", UserName: "u5@example.com"}
	untold := scimscript.User{ID: "u6", UserName: "u6@example.com", Editor: false}
	noRole := scimscript.User{ID: "u7", UserName: "u7@example.com", Active: true}
	left := scimscript.User{ID: "u3", UserName: "u3@example.com", Active: false, Editor: true}
	const notReported = "warn: baton-whimsical: the API did not report the role or the status of some users: " +
		"without a role they hold no grant, without a status they count as users with access: "
	const twice = "warn: baton-whimsical: the API listed some users twice in one answer: the later row counts: "
	for name, test := range map[string]struct {
		users             scimscript.List
		editors, inactive int
		requests, read    int // how many users are counted
		viewers, noRole   int
		warnings          []string
	}{
		"nobody":               {nil, 0, 0, 1, 0, 0, 0, nil},
		"one inactive":         {scimscript.List{left}, 0, 1, 1, 1, 0, 0, nil},
		"one without a status": {scimscript.List{untold}, 0, 0, 1, 1, 1, 0, []string{notReported + "users=1 users_without_role=0 users_without_status=1"}},
		"one without a role":   {scimscript.List{noRole, anEditor}, 1, 0, 2, 2, 0, 1, []string{notReported + "users=2 users_without_role=1 users_without_status=0"}},
		"one twice":            {scimscript.List{somebody, somebody, anEditor}, 1, 0, 2, 2, 1, 0, []string{twice + "rows_replaced=1"}},
		"one of each": {
			scimscript.List{unknown, anEditor, noRole, somebody, left}, 1, 1, 2, 5, 1, 2,
			[]string{notReported + "users=5 users_without_role=2 users_without_status=1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var rows []string
			for _, user := range test.users {
				rows = append(rows, user.String())
			}
			s := newSync(t, always(t, rows...))
			var log *observer.ObservedLogs
			s.ctx, log = logged(t, zapcore.DebugLevel)
			s.mustList(t)
			got := slices.DeleteFunc(lines(log), func(line string) bool { return strings.HasPrefix(line, "debug: baton-whimsical: request:") })
			page := fmt.Sprintf("debug: baton-whimsical: reading users: total=%d users=%[1]d", len(rows))
			want := append(slices.Repeat([]string{page}, test.requests), fmt.Sprintf(
				"info: baton-whimsical: users read: editors=%d inactive=%d passes=1 requests=%d seconds=0 users=%d viewers=%d without_role=%d",
				test.editors, test.inactive, test.requests, test.read, test.viewers, test.noRole))
			if want = append(want, test.warnings...); !slices.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

func TestTwoSyncsSideBySideKeepTheirPagesApart(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 1234})
	full := newSync(t, w.url)
	other := &aSync{ctx: t.Context(), users: full.users, roles: full.roles, store: &batontest.Store{}, id: "other"}
	// The second one begins and ends while the first is under way.
	w.before = func(n int64, _ http.ResponseWriter, _ *http.Request) {
		if n == 5 {
			other.mustList(t)
		}
	}
	full.mustList(t)
	// What the first had not written yet, four pages, makes another pass: 31 requests, and where it begins.
	if listed := w.requests.Load(); listed != 28+31 || len(other.store.Values) != 14 || len(full.store.Values) != 10+31+1 {
		t.Errorf("%d requests, %d and %d pages stored", listed, len(full.store.Values), len(other.store.Values))
	}
	// The first writes its own pages at once from then on; the second, all but the last four together.
	if full.store.Writes != 10+31+1 || other.store.Writes != 2 {
		t.Errorf("%d and %d writes", full.store.Writes, other.store.Writes)
	}
	full.assertGrants(t, w)
	other.assertGrants(t, w)
}

func TestAnIDThatBatonCannotStoreFailsTheSync(t *testing.T) {
	for length, want := range map[int]codes.Code{998: codes.OK, 999: codes.FailedPrecondition} {
		user := scimscript.User{ID: strings.Repeat("x", length), Active: true, Editor: false}
		if _, err := newSync(t, always(t, user.String())).list(""); status.Code(err) != want {
			t.Errorf("an id of %d bytes: %v, want %s", length, err, want)
		}
	}
}

func TestALongNameIsCutBetweenCharacters(t *testing.T) {
	for name, want := range map[string]int{strings.Repeat("é", 512): 1024, strings.Repeat("é", 513): 1024, "x" + strings.Repeat("é", 512): 1023} {
		s := newSync(t, always(t, fmt.Sprintf(`{"id":"u1","displayName":%q,%s:{"editor":true}}`, name, extension)))
		resources, _, err := s.users.List(t.Context(), nil, s.page(""))
		if err != nil || len(resources) != 1 || len(resources[0].GetDisplayName()) != want || !strings.HasPrefix(name, resources[0].GetDisplayName()) {
			t.Errorf("%d bytes became %v, %v", len(name), resources, err)
		}
	}
}
