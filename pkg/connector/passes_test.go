package connector_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

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
		ids, err := newSync(t, serveRows(t, func(request int) []string {
			if seed == 0 && request == 2 || seed > 0 && r.IntN(3) == 0 {
				r.Shuffle(len(ties), func(i, j int) { ties[i], ties[j] = ties[j], ties[i] })
			}
			return rows
		})).list("")
		if status.Code(err) == codes.Aborted {
			continue
		}
		if ids = distinct(ids); err != nil || len(ids) != users {
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
			_, err := newSync(t, always(t, rows...)).list("")
			if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "151 users came where the server counts 151, 1 of them on two pages") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestAUserTwiceInOneAnswerHasTheLaterRow holds it for the resource and the grants,
// also where the rows lie at, or on both sides of, the boundary of two pages.
func TestAUserTwiceInOneAnswerHasTheLaterRow(t *testing.T) {
	for at, again := range map[int]int{0: 2, 50: 57, 97: 98, 98: 99, 99: 100, 100: 101, 148: 149} {
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			rows := everybody(150)
			rows = slices.Insert(rows, again, strings.Replace(rowOf(at, at%3 != 0), `"u`+fmt.Sprint(at)+`@`, `"later@`, 1))
			picture := syncAndRead(t, start(t, always(t, rows...)))
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
			_, err := newSync(t, always(t, test.rows...)).list("")
			if status.Code(err) != test.code || err != nil && !strings.Contains(err.Error(), "the API does not report the role of any user") {
				t.Errorf("got %v, want %s", err, test.code)
			}
		})
	}
}

// TestAPageThatTheSDKCannotTakeIsAnErrorThatSaysSo lists a server that ignores
// count, with users whose names are long.
func TestAPageThatTheSDKCannotTakeIsAnErrorThatSaysSo(t *testing.T) {
	const two = `"displayName":%[1]q,"name":{"givenName":%[1]q}`
	const all = `"userName":%[1]q,"emails":[%[1]q],"displayName":%[1]q,"name":{"givenName":%[1]q,"familyName":%[1]q,"formatted":%[1]q}`
	for users, test := range map[int]struct {
		names string
		long  int
		code  codes.Code
	}{
		250:  {all, 9000, codes.OK}, // none is measured, however long
		1000: {two, 1000, codes.OK},
		1900: {two, 1000, codes.FailedPrecondition},
	} {
		rows := make([]string, users)
		for i := range rows {
			rows[i] = strings.Replace(rowOf(i, true), `"active"`, fmt.Sprintf(test.names+`,"active"`, strings.Repeat("n", test.long)), 1)
		}
		url := serve(t, func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprintf(rw, `{"totalResults":%d,"Resources":[%s]}`, len(rows), strings.Join(rows, ","))
		})
		err := start(t, url).Sync(t.Context(), t.TempDir()+"/sync.c1z")
		if status.Code(err) != test.code || err != nil && !strings.Contains(err.Error(), "the 1900 users of one answer take more than 4 MiB") {
			t.Errorf("%d users: got %v, want %s", users, err, test.code)
		}
	}
}

func TestAWorkspaceThatEverybodyLeavesMeanwhileIsEmpty(t *testing.T) {
	s := newSync(t, serveRows(t, func(request int) []string {
		if request == 1 {
			return everybody(2)
		}
		return nil
	}))
	s.mustList(t)
	if got, err := s.grants(); err != nil || len(got) != 0 || !strings.Contains(string(s.store.Values["page/00000000"]), `\"p\":1`) {
		t.Errorf("%d grants, %v, and %s", len(got), err, s.store.Values["page/00000000"])
	}
}

// forgetful is a sync whose store loses records before each call.
func forgetful(t *testing.T, url string, lose func() bool) *aSync {
	t.Helper()
	s := newSync(t, url, connector.InLambda)
	s.before = func() { maps.DeleteFunc(s.store.Values, func(string, []byte) bool { return lose() }) }
	return s
}

// TestRecordsThatAreLostBetweenCallsMakeNoWrongPicture lists and grants with a store that loses records
// before each call, as when a process is killed or AWS Lambda replaces an instance.
func TestRecordsThatAreLostBetweenCallsMakeNoWrongPicture(t *testing.T) {
	const users = 450
	url := always(t, everybody(users)...)
	var want []string
	for i := range users {
		want = append(want, batontest.Grant(map[bool]string{true: "editor", false: "viewer"}[i%3 == 0], fmt.Sprintf("u%d", i)).GetId())
	}
	complete := 0
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
		s := forgetful(t, url, func() bool { return r.IntN(40) == 0 })
		held, err := s.list("")
		var granted []string
		if err == nil {
			granted, err = s.grants()
		}
		if err != nil {
			if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "the session store has lost pages") {
				t.Errorf("seed %d: %v", seed, err)
			}
			continue
		}
		complete++
		if held = distinct(held); len(held) != users {
			t.Errorf("seed %d: %d users are held", seed, len(held))
		}
		assertIDs(t, "grants", slices.Values(distinct(granted)), want...)
	}
	if complete < 10 {
		t.Errorf("%d listings completed", complete)
	}
}

func TestAStoreThatKeepsNothingFailsTheSync(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 150})
	_, err := forgetful(t, w.url, func() bool { return true }).list("")
	if status.Code(err) != codes.Aborted || !strings.Contains(err.Error(), "in the last of 10 passes the session store has lost pages") {
		t.Errorf("got %v", err)
	}
}

// TestAPageThatIsReadAgainIsNotFollowedByWhatWasReadBefore loses one record of a
// finished listing. Meanwhile somebody came, so that the page ends earlier than it
// did: whoever is between it and the old next one is not lost.
func TestAPageThatIsReadAgainIsNotFollowedByWhatWasReadBefore(t *testing.T) {
	rows := everybody(350)
	s := newSync(t, serveRows(t, func(int) []string { return rows }))
	s.mustList(t)
	delete(s.store.Values, "page/00000001")
	rows = slices.Insert(rows, 150, rowOf(1000, false))
	if got, err := s.grants(); err != nil || len(got) != 351 || !slices.Contains(got, batontest.Grant("editor", "u198").GetId()) {
		t.Errorf("%d grants, %v", len(got), err)
	}
}

// TestASyncThatWasResumedGoesOnAsItBegan holds that a process that did not
// begin a listing goes on with it, ten pages a write.
func TestASyncThatWasResumedGoesOnAsItBegan(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 2500})
	first, second := newSync(t, w.url), newSync(t, w.url)
	_, results, err := first.users.List(t.Context(), nil, first.page(""))
	if err != nil {
		t.Fatal(err)
	}
	var log *observer.ObservedLogs
	second.ctx, log = logged(t, zapcore.InfoLevel)
	second.store = first.store
	if _, err := second.list(results.NextPageToken); err != nil {
		t.Fatal(err)
	}
	// The first process had not written its page.
	said := log.FilterMessage("baton-whimsical: users read").All()
	if len(said) != 1 || said[0].ContextMap()["passes"] != int64(2) || said[0].ContextMap()["seconds"] == nil || first.store.Writes > 12 {
		t.Errorf("%v; %d writes", said, first.store.Writes)
	}
}
