package connector_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// rowOf is the row of user i: an active Editor, or an active Viewer.
func rowOf(i int, editor bool) string {
	return fmt.Sprintf(`{"id":"u%d","userName":"u%[1]d@example.com","active":true,%s:{"editor":%t}}`, i, extension, editor)
}

// serveRows serves what rows returns for the number of a request, from 1, by
// startIndex and count.
func serveRows(t *testing.T, rows func(request int) []string) string {
	t.Helper()
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		requests++
		from, count := 0, 0
		_, _ = fmt.Sscan(r.URL.Query().Get("startIndex"), &from)
		_, _ = fmt.Sscan(r.URL.Query().Get("count"), &count)
		all := rows(requests)
		from = min(from-1, len(all))
		_, _ = fmt.Fprintf(rw, `{"totalResults":%d,"Resources":[%s]}`, len(all), strings.Join(all[from:min(from+count, len(all))], ","))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// everybody are the rows of so many users, of whom every third is an Editor.
func everybody(users int) []string {
	var rows []string
	for i := range users {
		rows = append(rows, rowOf(i, i%3 == 0))
	}
	return rows
}

// listOnce lists the users up to an error or the end, and returns the ids of the
// resources, in order.
func listOnce(t *testing.T, url string, store *batontest.Store) ([]string, error) {
	t.Helper()
	users := syncers(t, url)[0]
	var ids []string
	for token := ""; ; {
		resources, results, err := users.List(t.Context(), nil, attrs(store, "sync", token))
		if err != nil {
			return ids, err
		}
		for _, resource := range resources {
			ids = append(ids, resource.GetId().GetResource())
		}
		if token = results.NextPageToken; token == "" {
			return ids, nil
		}
	}
}

// TestNobodyIsMissingWhereRowsThatTieChangePlaces lists servers in whose order
// some rows have no place of their own.
func TestNobodyIsMissingWhereRowsThatTieChangePlaces(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
		users := 101 + r.IntN(100)
		rows := everybody(users)
		ties := rows[90:102]
		if seed == 0 {
			ties = rows[99:101] // one swap at the boundary of the first pass
		}
		store := &batontest.Store{}
		ids, err := listOnce(t, serveRows(t, func(request int) []string {
			if seed == 0 && request == 2 || seed > 0 && r.IntN(3) == 0 {
				r.Shuffle(len(ties), func(i, j int) { ties[i], ties[j] = ties[j], ties[i] })
			}
			return rows
		}), store)
		if status.Code(err) == codes.Aborted {
			continue
		}
		slices.Sort(ids)
		if ids = slices.Compact(ids); err != nil || len(ids) != users {
			t.Errorf("seed %d: %d of %d users, %v", seed, len(ids), users, err)
		}
	}
}

// TestAUserOnTwoPagesFailsTheSync holds that nobody has two roles, or a role
// though they are inactive, because the server lists them in two places.
func TestAUserOnTwoPagesFailsTheSync(t *testing.T) {
	for name, second := range map[string]string{
		"another role": rowOf(5, true),
		"inactive":     strings.Replace(rowOf(5, false), `"active":true`, `"active":false`, 1),
		"the same":     rowOf(5, false),
	} {
		t.Run(name, func(t *testing.T) {
			rows := append(everybody(150), second)
			_, err := listOnce(t, serveRows(t, func(int) []string { return rows }), &batontest.Store{})
			if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "151 users came where the server counts 151, 1 of them on two pages") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestAUserTwiceInOneAnswerHasTheLaterRow holds it for the resource and the grants,
// also where the rows lie at, or on both sides of, the boundary of two pages.
func TestAUserTwiceInOneAnswerHasTheLaterRow(t *testing.T) {
	for _, at := range []int{0, 50, 97, 98, 99, 100, 148} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			rows := everybody(150)
			rows = slices.Insert(rows, at+1, strings.Replace(rowOf(at, at%3 != 0), `"u`+fmt.Sprint(at)+`@`, `"later@`, 1))
			picture := syncAndRead(t, start(t, serveRows(t, func(int) []string { return rows })))
			role := "viewer"
			if at%3 != 0 {
				role = "editor"
			}
			id := fmt.Sprintf("u%d", at)
			var granted []string
			for _, r := range []string{"editor", "viewer"} {
				if picture.Grants[batontest.Grant(r, id).GetId()] != nil {
					granted = append(granted, r)
				}
			}
			if user := picture.Resources["user:"+id]; !slices.Equal(granted, []string{role}) || !strings.Contains(user.String(), "later@example.com") {
				t.Errorf("the user has the roles %v, and is %v", granted, user)
			}
			if len(picture.Resources) != 152 || len(picture.Grants) != 150 {
				t.Errorf("%d resources and %d grants", len(picture.Resources), len(picture.Grants))
			}
		})
	}
}

func TestWhereNobodysRoleCanBeReadTheSyncFails(t *testing.T) {
	roleless := func(i int, active bool) string { return fmt.Sprintf(`{"id":"u%d","active":%t}`, i, active) }
	gone := strings.Replace(rowOf(2, true), `"active":true`, `"active":false`, 1)
	for name, test := range map[string]struct {
		rows []string
		code codes.Code
	}{
		"one":                        {[]string{roleless(1, true)}, codes.FailedPrecondition},
		"two, and somebody who left": {[]string{roleless(1, true), gone, roleless(3, true)}, codes.FailedPrecondition},
		"one beside an Editor":       {[]string{roleless(1, true), rowOf(2, true)}, codes.OK},
		"one beside a Viewer":        {[]string{roleless(1, true), rowOf(2, false)}, codes.OK},
		"none who has access":        {[]string{roleless(1, false), gone}, codes.OK},
		"nobody":                     {nil, codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := listOnce(t, serveRows(t, func(int) []string { return test.rows }), &batontest.Store{})
			if status.Code(err) != test.code || err != nil && !strings.Contains(err.Error(), "the API does not report the role of any user") {
				t.Errorf("got %v, want %s", err, test.code)
			}
		})
	}
}

// TestAPageThatTheSDKCannotTakeIsAnErrorThatSaysSo lists a server that ignores
// count, with users whose names are long.
func TestAPageThatTheSDKCannotTakeIsAnErrorThatSaysSo(t *testing.T) {
	for users, names := range map[int]string{
		250:  `"userName":%[1]q,"emails":[%[1]q],"displayName":%[1]q,"name":{"givenName":%[1]q,"familyName":%[1]q,"formatted":%[1]q}`,
		1000: `"displayName":%[1]q,"name":{"givenName":%[1]q}`,
		1900: `"displayName":%[1]q,"name":{"givenName":%[1]q}`,
	} {
		long, want := strings.Repeat("n", 1000), codes.OK
		switch users {
		case 250: // none is measured, however long
			long = strings.Repeat("n", 9000)
		case 1900:
			want = codes.FailedPrecondition
		}
		rows := make([]string, users)
		for i := range rows {
			rows[i] = strings.Replace(rowOf(i, true), `"active"`, fmt.Sprintf(names+`,"active"`, long), 1)
		}
		server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(rw, `{"totalResults":%d,"Resources":[%s]}`, len(rows), strings.Join(rows, ","))
		}))
		t.Cleanup(server.Close)
		err := start(t, server.URL).Sync(t.Context(), t.TempDir()+"/sync.c1z")
		if status.Code(err) != want || err != nil && !strings.Contains(err.Error(), "the 1900 users of one answer take more than 4 MiB") {
			t.Errorf("%d users: got %v, want %s", users, err, want)
		}
	}
}

func TestAWorkspaceThatEverybodyLeavesMeanwhileIsEmpty(t *testing.T) {
	built, store := syncers(t, serveRows(t, func(request int) []string {
		if request == 1 {
			return everybody(2)
		}
		return nil
	})), &batontest.Store{}
	list(t, built[0], store, "sync")
	if got := grantsOf(t, built[1], store, "sync", "viewer"); len(got) != 0 || !strings.Contains(string(store.Values["page/00000000"]), `\"p\":1`) {
		t.Errorf("%d grants, and %s", len(got), store.Values["page/00000000"])
	}
}

// forgetful is a session store that loses records.
type forgetful struct {
	batontest.Store
	lose func(key string) bool
}

func (f *forgetful) forget() {
	maps.DeleteFunc(f.Values, func(key string, _ []byte) bool { return f.lose(key) })
}

// TestRecordsThatAreLostBetweenCallsMakeNoWrongPicture lists and grants with a
// store that loses records before each call, as when a process is killed or AWS
// Lambda replaces an instance.
func TestRecordsThatAreLostBetweenCallsMakeNoWrongPicture(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 450})
	complete := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
		store := &forgetful{lose: func(string) bool { return r.IntN(40) == 0 }}
		held, granted, err := syncForgetfully(t, w.url, store)
		if err != nil {
			if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "the session store has lost pages") {
				t.Errorf("seed %d: %v", seed, err)
			}
			continue
		}
		complete++
		if len(held) != len(w.Users()) {
			t.Errorf("seed %d: %d users are held", seed, len(held))
		}
		assertIDs(t, "grants", maps.Keys(granted), append(grants(w, "editor"), grants(w, "viewer")...)...)
	}
	if complete < 10 {
		t.Errorf("%d listings completed", complete)
	}
}

// syncForgetfully lists the users and then the grants of both roles, and returns
// the ids of both.
func syncForgetfully(t *testing.T, url string, store *forgetful) (map[string]bool, map[string]bool, error) {
	t.Helper()
	built := build(t, url, connector.InLambda).ResourceSyncers(t.Context())
	held, granted := map[string]bool{}, map[string]bool{}
	for token, more := "", true; more; more = token != "" {
		store.forget()
		resources, results, err := built[0].List(t.Context(), nil, attrs(store, "sync", token))
		if err != nil {
			return nil, nil, err
		}
		for _, resource := range resources {
			held[resource.GetId().GetResource()] = true
		}
		token = results.NextPageToken
	}
	for _, role := range []string{"editor", "viewer"} {
		for token, more := "", true; more; more = token != "" {
			store.forget()
			grants, results, err := built[1].Grants(t.Context(), batontest.Resource("role", role), attrs(store, "sync", token))
			if err != nil {
				return nil, nil, err
			}
			for _, grant := range grants {
				granted[grant.GetId()] = true
			}
			token = results.NextPageToken
		}
	}
	return held, granted, nil
}

func TestAStoreThatKeepsNothingFailsTheSync(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 150})
	_, _, err := syncForgetfully(t, w.url, &forgetful{lose: func(string) bool { return true }})
	if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "in the last of 10 passes the session store has lost pages") {
		t.Errorf("got %v", err)
	}
}

// TestAPageThatIsReadAgainIsNotFollowedByWhatWasReadBefore loses one record of a
// finished listing. Meanwhile somebody came, so that the page ends earlier than it
// did: whoever is between it and the old next one is not lost.
func TestAPageThatIsReadAgainIsNotFollowedByWhatWasReadBefore(t *testing.T) {
	rows := everybody(350)
	built, store := syncers(t, serveRows(t, func(int) []string { return rows })), &batontest.Store{}
	list(t, built[0], store, "sync")
	delete(store.Values, "page/00000001")
	rows = slices.Insert(rows, 150, rowOf(1000, false))
	got := append(grantsOf(t, built[1], store, "sync", "editor"), grantsOf(t, built[1], store, "sync", "viewer")...)
	if len(got) != 351 || !slices.Contains(got, batontest.Grant("editor", "u198").GetId()) {
		t.Errorf("%d grants", len(got))
	}
}

// TestASyncThatWasResumedGoesOnAsItBegan holds that a process that did not
// begin a listing goes on with it, ten pages a write.
func TestASyncThatWasResumedGoesOnAsItBegan(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 2500})
	store := &batontest.Store{}
	_, results, err := syncers(t, w.url)[0].List(t.Context(), nil, attrs(store, "sync", ""))
	if err != nil {
		t.Fatal(err)
	}
	core, log := observer.New(zapcore.InfoLevel)
	ctx := ctxzap.ToContext(t.Context(), zap.New(core))
	users := syncers(t, w.url)[0]
	for token := results.NextPageToken; token != ""; token = results.NextPageToken {
		if _, results, err = users.List(ctx, nil, attrs(store, "sync", token)); err != nil {
			t.Fatal(err)
		}
	}
	// The first process had not written its page.
	said := log.FilterMessage("baton-whimsical: users read").All()
	if len(said) != 1 || said[0].ContextMap()["passes"] != int64(2) || said[0].ContextMap()["seconds"] == nil || store.Writes > 12 {
		t.Errorf("%v; %d writes", said, store.Writes)
	}
}
