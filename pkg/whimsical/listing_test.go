package whimsical

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// pagingServer answers list requests with the users from..to that paging picks
// for a startIndex and a count.
type pagingServer struct {
	users    int
	paging   func(users, startIndex, count int) (int, int)
	untold   bool
	requests atomic.Int64
}

func (s *pagingServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	startIndex, _ := strconv.Atoi(r.URL.Query().Get("startIndex"))
	count, _ := strconv.Atoi(r.URL.Query().Get("count"))
	from, to := s.paging(s.users, startIndex, count)
	from = min(max(0, from), s.users)
	to = min(max(from, to), s.users)
	var items []string
	for i := from; i < to; i++ {
		items = append(items, fmt.Sprintf(`{"id":"u%d"}`, i))
	}
	total := fmt.Sprintf(`"totalResults":%d,`, s.users)
	if s.untold {
		total = ""
	}
	_, _ = fmt.Fprintf(w, `{`+listSchema+`,%s"Resources":[%s]}`, total, strings.Join(items, ",")) // a client who is gone shows in the test
}

func offset(limit int) func(users, startIndex, count int) (int, int) {
	return func(_, startIndex, count int) (int, int) {
		return startIndex - 1, startIndex - 1 + min(count, limit)
	}
}

func TestAListingIsCompleteOrFailsWhateverTheServersPaging(t *testing.T) {
	ceil := func(n, d int) int { return (max(0, n) + d - 1) / d }
	overlapping := func(page int) func(int) int {
		return func(n int) int { return ceil(n-1, page-1) + 1 }
	}
	always := func(requests int) func(int) int { return func(int) int { return requests } }
	never := func(int) codes.Code { return codes.OK }
	beyond := func(users int, code codes.Code) func(int) codes.Code {
		return func(n int) codes.Code {
			if n > users {
				return code
			}
			return codes.OK
		}
	}
	for name, server := range map[string]struct {
		paging   func(users, startIndex, count int) (int, int)
		untold   bool
		code     func(users int) codes.Code
		requests func(users int) int
	}{
		"an offset": {paging: offset(100), code: never, requests: overlapping(100)},
		"an offset, without totalResults": {
			paging: offset(100), untold: true,
			code:     func(n int) codes.Code { return map[int]codes.Code{0: codes.FailedPrecondition}[n] },
			requests: func(n int) int { return overlapping(100)(n) + 1 },
		},
		"an offset, at most 50 a page": {paging: offset(50), code: never, requests: overlapping(50)},
		"an offset, at most 1 a page":  {paging: offset(1), code: never, requests: func(n int) int { return n + 1 }},
		"an offset, count ignored":     {paging: func(users, startIndex, _ int) (int, int) { return startIndex - 1, users }, code: never, requests: always(2)},
		"startIndex rounded down to whole pages": {
			paging: func(_, startIndex, count int) (int, int) {
				page := (startIndex - 1) / count
				return page * count, (page + 1) * count
			},
			code: never, requests: func(n int) int { return ceil(n, 100) + 3 },
		},
		"startIndex rounded down to whole pages of 50": {
			paging: func(_, startIndex, _ int) (int, int) { return (startIndex - 1) / 50 * 50, (startIndex-1)/50*50 + 50 },
			code:   never, requests: func(n int) int { return ceil(n, 50) + 3 },
		},
		"startIndex and count ignored": {
			paging: func(users, _, _ int) (int, int) { return 0, users }, code: never, requests: always(3),
		},
		"the first page only": {
			paging: func(_, _, count int) (int, int) { return 0, count }, code: beyond(100, codes.FailedPrecondition), requests: always(3),
		},
		"the first page only, without totalResults": {
			paging: func(_, _, count int) (int, int) { return 0, count }, untold: true,
			code: func(n int) codes.Code {
				if n == 0 || n >= 100 {
					return codes.FailedPrecondition
				}
				return codes.OK
			},
			requests: always(3),
		},
		"startIndex as the number of the page": {
			paging: func(_, startIndex, count int) (int, int) { return (startIndex - 1) * count, startIndex * count },
			code:   beyond(1, codes.Aborted), requests: always(2 * maxPasses),
		},
	} {
		for _, users := range []int{0, 1, 2, 99, 100, 101, 199, 200, 250, 1000} {
			t.Run(fmt.Sprintf("%s, %d users", name, users), func(t *testing.T) {
				s := &pagingServer{users: users, paging: server.paging, untold: server.untold}
				web := httptest.NewServer(s)
				t.Cleanup(web.Close)
				ids, err := listAll(t, clientOf(t, web.URL))
				if want := server.code(users); status.Code(err) != want {
					t.Fatalf("the listing ended with %v, want %v", err, want)
				}
				if err == nil && len(ids) != users {
					t.Errorf("the listing holds %d users", len(ids))
				}
				if most := max(1, server.requests(users)); int(s.requests.Load()) > most {
					t.Errorf("%d requests, want at most %d", s.requests.Load(), most)
				}
			})
		}
	}
}

// listAll returns the ids of a listing, without those of passes that were
// abandoned.
func listAll(t *testing.T, client *Client) (map[string]bool, error) {
	t.Helper()
	ids := map[string]bool{}
	for token, requests := "", 0; ; requests++ {
		page, err := client.ListUsers(t.Context(), token)
		if err != nil {
			return nil, err
		}
		if page.Request != requests {
			t.Fatalf("request %d has the number %d", requests, page.Request)
		}
		if page.Restarted {
			clear(ids)
		}
		for _, user := range page.Users {
			ids[user.ID] = true
		}
		if page.Next == "" {
			return ids, nil
		}
		if page.Next == token {
			t.Fatalf("request %d: the token does not advance", requests)
		}
		token = page.Next
	}
}

func TestTotalResultsMayBeTooLowAndNeverTooHigh(t *testing.T) {
	for name, test := range map[string]struct {
		total int
		code  codes.Code
	}{
		"zero":              {total: 0},
		"a page":            {total: 100},
		"one too many":      {total: 251, code: codes.FailedPrecondition},
		"absurdly too many": {total: 1 << 62, code: codes.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			m, l := newModelServer(250, pageSize), newModelListing()
			var err error
			for !l.done && err == nil {
				users, _ := m.answer(max(1, l.at.Read))
				var s step
				if s, err = l.at.advance(users, number{known: true, value: test.total}); err == nil {
					l.at, l.done = s.next, s.end
				}
			}
			wantCode(t, err, test.code)
			if err == nil && l.at.Read != 250 {
				t.Errorf("%d users were read", l.at.Read)
			}
		})
	}
}

// TestAUserWhoComesTwiceHidesNobody lists workspaces whose list holds a user
// twice, for good, and counts rows.
func TestAUserWhoComesTwiceHidesNobody(t *testing.T) {
	for _, whole := range []bool{false, true} {
		for _, places := range [][2]int{{10, 11}, {98, 99}, {99, 100}, {50, 249}, {0, 200}, {0, 98}, {0, 99}, {0, 100}, {0, 250}} {
			m, l := newModelServer(251, pageSize), newModelListing()
			m.whole = whole
			m.users[places[1]] = m.users[places[0]]
			for !l.done && l.requests < 10 {
				if err := l.read(m); err != nil {
					t.Fatal(err)
				}
			}
			if !l.done || l.missing(m.users) > 0 {
				t.Errorf("user %v twice: done %v, %d missing", places, l.done, l.missing(m.users))
			}
		}
	}
}

// TestTheFirstUserAtTheEndOfAnAnswerIsNoProgress holds that a server that
// ignores startIndex, and whose first user comes again at the end, is seen
// through.
func TestTheFirstUserAtTheEndOfAnAnswerIsNoProgress(t *testing.T) {
	users := []uint64{1, 2, 1}
	at, end := position{}, false
	for range 3 {
		s, err := at.advance(users, number{known: true, value: 3})
		if err != nil {
			t.Fatal(err)
		}
		at, end = s.next, s.end
	}
	if !end || at.Read != 3 {
		t.Errorf("after three requests: %+v, end %v", at, end)
	}
}

func TestAListThatDoesNotEndFailsTheListing(t *testing.T) {
	at, user := position{}, uint64(1)
	for at.Read <= 2*maxUsers {
		users := []uint64{at.Last}
		for len(users) < 100 {
			users = append(users, user)
			user++
		}
		if at.Read == 0 {
			users = users[1:]
		}
		s, err := at.advance(users, number{})
		if err != nil {
			wantCode(t, err, codes.FailedPrecondition)
			return
		}
		at = s.next
	}
	t.Error("the listing did not end")
}

// TestAnAnswerOfTooManyUsersFails holds that a server that ignores count fails
// the listing once its answer is larger than a page of the SDK can be.
func TestAnAnswerOfTooManyUsersFails(t *testing.T) {
	t.Parallel()
	for users, want := range map[int]codes.Code{maxAnswer: codes.OK, maxAnswer + 1: codes.FailedPrecondition} {
		_, err := readList(listBody(users))
		wantCode(t, err, want)
		if err != nil && !strings.Contains(err.Error(), "user 2001 of the answer cannot be read: the server ignores count, and more users came") {
			t.Error(err)
		}
	}
}

// TestNoFewChangesHideAUser plays every listing of nine users with every way to
// change the list at the boundaries between requests: up to three deletions and
// insertions at any boundary, every single move, and every two changes of any
// kind at different boundaries.
func TestNoFewChangesHideAUser(t *testing.T) {
	t.Parallel()
	for _, page := range []int{4, 5} {
		for _, test := range []struct {
			name    string
			changes int
			moves   bool
			apart   bool
			untold  bool
		}{
			{name: "three deletions and insertions", changes: 3},
			{name: "three deletions and insertions without totalResults", changes: 3, untold: true},
			{name: "a move", changes: 1, moves: true},
			{name: "two changes at different boundaries", changes: 2, moves: true, apart: true},
		} {
			t.Run(fmt.Sprintf("%s, pages of %d", test.name, page), func(t *testing.T) {
				t.Parallel()
				m := newModelServer(9, page)
				m.untold = test.untold
				e := &explorer{t: t, moves: test.moves, apart: test.apart}
				e.explore(m, newModelListing(), test.changes, slices.Clone(m.users))
				t.Logf("%d listings", e.listings)
			})
		}
	}
}

// explorer goes through all histories with a bounded number of changes.
type explorer struct {
	t            *testing.T
	moves, apart bool
	listings     int
}

// explore goes through all continuations of a listing with up to so many
// changes more; stable are the users who were there all along.
func (e *explorer) explore(m *modelServer, l *modelListing, changes int, stable []uint64) {
	next := l.clone()
	if err := next.read(m); err != nil {
		e.t.Fatalf("a listing failed: %v", err)
	}
	if next.done {
		e.listings++
		if next.missing(stable) > 0 {
			e.t.Fatalf("a listing completed in pass %d without a user who was there all along", next.at.Pass)
		}
		return
	}
	e.change(m, next, changes, stable)
}

// change goes through all ways to change the list now, then reads on.
func (e *explorer) change(m *modelServer, l *modelListing, changes int, stable []uint64) {
	e.explore(m, l, changes, stable)
	if changes == 0 {
		return
	}
	next := func(changed *modelServer, stable []uint64) {
		if e.apart {
			e.explore(changed, l, changes-1, stable)
		} else {
			e.change(changed, l, changes-1, stable)
		}
	}
	for i, gone := range m.users {
		changed := m.clone()
		changed.remove(i)
		next(changed, slices.DeleteFunc(slices.Clone(stable), func(user uint64) bool { return user == gone }))
	}
	for i := range len(m.users) + 1 {
		changed := m.clone()
		changed.insert(i)
		next(changed, stable)
	}
	for i := range m.users {
		for j := range m.users {
			if e.moves && i != j && i != j+1 { // else no move, or the same as moving the other of the two
				changed := m.clone()
				changed.move(i, j)
				next(changed, stable)
			}
		}
	}
}

// TestACompletedListingHoldsEveryUserWhoWasThereAllAlong plays random listings
// of workspaces that change between any two requests. Deletions and insertions
// never hide a user. Reorderings together with compensating changes may: how
// many do is reported.
func TestACompletedListingHoldsEveryUserWhoWasThereAllAlong(t *testing.T) {
	t.Parallel()
	for _, reorderings := range []bool{false, true} {
		t.Run(fmt.Sprintf("reorderings %v", reorderings), func(t *testing.T) {
			t.Parallel()
			var completed, missed int
			const histories = 5_000
			for seed := range uint64(histories) {
				r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable, not secret
				m := newModelServer(5+r.IntN(60), 2+r.IntN(30))
				m.untold = r.IntN(2) == 0
				stable := slices.Clone(m.users)
				changes := 1 + r.IntN(20)
				l := newModelListing()
				var err error
				for !l.done && err == nil {
					if err = l.read(m); err == nil && changes > 0 && r.IntN(3) == 0 {
						changes--
						stable = randomChange(r, m, stable, reorderings)
					}
				}
				switch code := status.Code(err); {
				case code == codes.Aborted, code == codes.FailedPrecondition && m.untold && len(stable) == 0:
				case err != nil:
					t.Fatalf("seed %d: %v", seed, err)
				default:
					completed++
					if l.missing(stable) > 0 {
						missed++
					}
				}
			}
			t.Logf("%d of %d listings completed, %d of them miss a user", completed, histories, missed)
			if !reorderings && missed > 0 || completed < histories/2 {
				t.Errorf("%d of %d listings completed, %d of them miss a user", completed, histories, missed)
			}
		})
	}
}

// randomChange changes the list, and returns who of the stable users stayed.
func randomChange(r *rand.Rand, m *modelServer, stable []uint64, reorderings bool) []uint64 {
	for range 1 + r.IntN(3) {
		n := len(m.users)
		switch kind := r.IntN(3); {
		case kind == 0 && n > 0:
			at := r.IntN(n)
			gone := m.users[at]
			m.remove(at)
			stable = slices.DeleteFunc(stable, func(user uint64) bool { return user == gone })
		case kind == 1 && reorderings:
			m.reorder(r)
		default:
			m.insert(r.IntN(n + 1))
		}
	}
	return stable
}

// TestAChangeBetweenPagesWithoutAnOverlapShowsInTotalResults holds that a server
// that rounds startIndex down is not trusted across a change.
func TestAChangeBetweenPagesWithoutAnOverlapShowsInTotalResults(t *testing.T) {
	for boundary := 1; ; boundary++ {
		m, l := newModelServer(450, pageSize), newModelListing()
		m.whole = true
		stable := slices.Clone(m.users)[1:]
		for !l.done {
			if err := l.read(m); err != nil {
				t.Fatal(err)
			}
			if l.requests == boundary {
				m.remove(0)
			}
		}
		if l.missing(stable) > 0 {
			t.Errorf("somebody leaves after request %d: %d users are missing", boundary, l.missing(stable))
		}
		if l.requests <= boundary {
			return // it was over before anything changed
		}
	}
}

func TestATokenThatNoListingMadeIsRefused(t *testing.T) {
	for _, token := range []string{
		"2", "not a token", "e30", "{}", `{"n":0}`, `{"n":-1}`, `{"n":1,"p":10}`, `{"n":1,"r":-5}`,
		`{"n":20000001}`, `{"n":1,"r":2000001}`, `{"n":1,"x":1}`, ` {"n":1,"c":{}}`, strings.Repeat("A", 10_000),
	} {
		_, err := following(t).ListUsers(t.Context(), token)
		wantCode(t, err, codes.InvalidArgument)
		if err != nil && strings.Contains(err.Error(), token) && len(token) > 1 {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
}
