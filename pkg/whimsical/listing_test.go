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

// pagingServer answers list requests with the users from..to that paging picks for a startIndex and a count.
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

// listAll returns the ids of a listing, without those of passes that were abandoned.
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
	for total, code := range map[int]codes.Code{0: codes.OK, 100: codes.OK, 251: codes.FailedPrecondition, 1 << 62: codes.FailedPrecondition} {
		m, l := newModelServer(250, pageSize), &modelListing{}
		m.counts = &total
		err := l.finish(m)
		failsWith(t, err, code, "")
		if err == nil && l.at.Read != 250 {
			t.Errorf("%d users were read where the server counts %d", l.at.Read, total)
		}
	}
}

// TestAUserWhoComesTwiceHidesNobody lists workspaces whose list holds a user twice, for good. Where one answer
// shows both rows they count as two, and else nobody knows that they are not a sign of somebody who is missing.
func TestAUserWhoComesTwiceHidesNobody(t *testing.T) {
	for _, whole := range []bool{false, true} {
		for places, want := range map[[2]int]struct {
			code   codes.Code
			passes int
		}{
			{10, 11}: {codes.OK, 1}, {98, 99}: {codes.OK, 1}, {0, 98}: {codes.OK, 1}, {0, 99}: {codes.OK, 1}, {150, 190}: {codes.OK, 1},
			{99, 100}: {codes.OK, 2}, {90, 110}: {codes.OK, 2}, // at the boundary of the first pass
			{50, 249}: {codes.Aborted, 10}, {0, 200}: {codes.Aborted, 10}, {0, 100}: {codes.Aborted, 10}, {0, 250}: {codes.Aborted, 10},
		} {
			m, l := newModelServer(251, pageSize), &modelListing{}
			m.whole = whole
			m.users[places[1]] = m.users[places[0]]
			err := l.finish(m)
			failsWith(t, err, want.code, "")
			if err == nil && l.missing(m.users) > 0 || l.at.Pass+1 != want.passes {
				t.Errorf("user %v twice: %d missing after pass %d", places, l.missing(m.users), l.at.Pass)
			}
			if err != nil && !strings.Contains(err.Error(), "in the last of 10 passes 251 users came where the server counts 251, 1 of them on two pages") {
				t.Error(err)
			}
		}
	}
}

// TestAListWhoseOrderIsRandomIsRefused holds that nothing is taken from a list
// that comes in another order at each request, and that the error says so.
func TestAListWhoseOrderIsRandomIsRefused(t *testing.T) {
	m, l := newModelServer(150, pageSize), &modelListing{}
	r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // repeatable, not secret
	var err error
	for err == nil && !l.done {
		r.Shuffle(len(m.users), func(i, j int) { m.users[i], m.users[j] = m.users[j], m.users[i] })
		err = l.read(m)
	}
	failsWith(t, err, codes.Aborted, "")
	if err != nil && (!strings.Contains(err.Error(), "order of users is not stable") || !strings.Contains(err.Error(), "the workspace is busy")) {
		t.Error(err)
	}
}

// TestEachPassAsksForPagesOfItsOwn holds the count of every pass.
func TestEachPassAsksForPagesOfItsOwn(t *testing.T) {
	var counts []string
	client := answering(t, func(w http.ResponseWriter, r *http.Request) {
		first := len(counts)
		if r.URL.Query().Get("startIndex") == "1" {
			counts = append(counts, r.URL.Query().Get("count"))
		}
		_, _ = fmt.Fprintf(w, `{"totalResults":9,"Resources":[{"id":"a%d"},{"id":"b"}]}`, first)
	})
	_, err := listAll(t, client)
	failsWith(t, err, codes.Aborted, "")
	if got := strings.Join(counts, " "); got != "100 43 76 19 85 28 94 37 61 23" {
		t.Errorf("the counts are %s", got)
	}
}

func TestAPassThatIsNotCompleteBeginsAgainTenTimes(t *testing.T) {
	page, err := answering(t, saying(http.StatusOK, `{"totalResults":1,"Resources":[{"id":"a"}]}`)).ListUsers(t.Context(), "")
	if err != nil || page.Next != "" {
		t.Fatalf("got %+v, %v", page, err)
	}
	for pass := range maxPasses {
		if err = page.Again("nobody came"); err != nil {
			failsWith(t, err, codes.Aborted, "")
			if pass != maxPasses-1 || !strings.Contains(err.Error(), "passes nobody came") {
				t.Errorf("pass %d: %v", pass, err)
			}
			break
		}
		next, err := parsePosition(page.Next)
		if want := (position{Request: 1, Pass: pass + 1, Total: 1}); err != nil || next != want || !page.Restarted {
			t.Errorf("the next pass begins at %+v, %v", next, err)
		}
		page.next.Pass++
	}
	failsWith(t, err, codes.Aborted, "")
}

func TestWhyAPassIsIncomplete(t *testing.T) {
	for _, test := range []struct {
		users         string
		rows, counted int
		want          string
	}{
		{"", 0, -1, ""},
		{"a", 1, 1, ""},
		{"a b", 2, -1, ""},
		{"a b", 3, 3, ""}, // a double of the server
		{"a b", 3, 2, ""},
		{"a b", 2, 3, "2 users came where the server counts 3, 0 of them on two pages"},
		{"b a b", 3, 3, "3 users came where the server counts 3, 1 of them on two pages"},
		{"b a b a b", 5, -1, "5 users came where the server counts 0, 3 of them on two pages"},
	} {
		if got := Incomplete(strings.Fields(test.users), test.rows, test.counted); got != test.want {
			t.Errorf("%+v: got %q", test, got)
		}
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
			failsWith(t, err, codes.FailedPrecondition, "")
			return
		}
		at = s.next
	}
	t.Error("the listing did not end")
}

// TestAServerThatIgnoresStartIndexIsSeenThrough holds so where its first user comes again at the end of its answer,
// and where it counts nobody, which is not the same as no totalResults.
func TestAServerThatIgnoresStartIndexIsSeenThrough(t *testing.T) {
	for _, test := range []struct {
		users []uint64
		total int
	}{{[]uint64{1, 2, 1}, 3}, {newModelServer(pageSize, pageSize).users, 0}} {
		at, end := position{}, false
		for range 3 {
			s, err := at.advance(test.users, number{known: true, value: test.total})
			if err != nil {
				t.Fatal(err)
			}
			at, end = s.next, s.end
		}
		if !end || at.Read != len(test.users) {
			t.Errorf("of %d users: %+v, end %v", len(test.users), at, end)
		}
	}
}

func TestAListOfAMillionUsersIsTheLongest(t *testing.T) {
	for read, want := range map[int]codes.Code{maxUsers: codes.OK, maxUsers + 1: codes.FailedPrecondition} {
		_, err := position{Request: 1, Read: read, Last: 1}.advance([]uint64{1, 2}, number{})
		failsWith(t, err, want, "")
	}
}

// TestAnAnswerOfTooManyUsersFails holds that a server that ignores count fails
// the listing once its answer is larger than a page of the SDK can be.
func TestAnAnswerOfTooManyUsersFails(t *testing.T) {
	t.Parallel()
	for users, want := range map[int]string{
		maxAnswer: "", maxAnswer + 1: "user 2001 of the answer cannot be read: the server ignores count, and more users came",
	} {
		_, err := readList(listBody(users))
		failsWith(t, err, codes.OK, want)
	}
}

// TestAChangeBetweenPagesWithoutAnOverlapShowsInTotalResults holds that a server
// that rounds startIndex down is not trusted across a change.
func TestAChangeBetweenPagesWithoutAnOverlapShowsInTotalResults(t *testing.T) {
	for boundary := 1; ; boundary++ {
		m, l := newModelServer(450, pageSize), &modelListing{}
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

func TestTheLastTokenThatAListingCanMakeIsRead(t *testing.T) {
	at := position{Request: 2 * maxPasses * maxUsers, Pass: maxPasses - 1, Read: 2 * maxUsers, Total: -1}
	if got, err := parsePosition(at.token()); err != nil || got != at {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestATokenThatNoListingMadeIsRefused(t *testing.T) {
	for _, token := range []string{
		"2", "not a token", "e30", "{}", `{"n":0}`, `{"n":-1}`, `{"n":1,"p":10}`, `{"n":1,"r":-5}`,
		`{"n":20000001}`, `{"n":1,"r":2000001}`, `{"n":1,"x":1}`, ` {"n":1,"c":{}}`, strings.Repeat("A", 10_000),
	} {
		_, err := following(t).ListUsers(t.Context(), token)
		failsWith(t, err, codes.InvalidArgument, "")
		if err != nil && strings.Contains(err.Error(), token) && len(token) > 1 {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
}
