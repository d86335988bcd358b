package whimsical

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// clamped returns a server that returns at most so many users at once.
func clamped(size int) func(*model) {
	return func(m *model) { m.clamp = size }
}

// telling returns a server whose totalResults is not the truth.
func telling(totals func(m *model, shown []member) number) func(*model) {
	return func(m *model) { m.totals = totals }
}

// always is a totalResults that does not depend on anything.
func always(total int) func(*model, []member) number {
	return func(*model, []member) number { return told(total) }
}

func rowsShown(_ *model, shown []member) number { return told(len(shown)) }

func unpaged(m *model) { m.unpaged = true }

func uncounted(m *model) { m.uncounted = true }

func TestAListingOfAServerThatTakesLiberties(t *testing.T) {
	for name, test := range map[string]struct {
		users  int
		server []func(*model)
		code   codes.Code
		// requests is how many the listing may take.
		requests int
	}{
		"no users":                           {users: 0, requests: 1},
		"no users, no totalResults":          {users: 0, server: []func(*model){telling(untold)}, requests: 1},
		"one user":                           {users: 1, requests: 3},
		"one user, no totalResults":          {users: 1, server: []func(*model){telling(untold)}, requests: 3},
		"two users":                          {users: 2, requests: 2},
		"one page":                           {users: 100, requests: 2},
		"one page and one user":              {users: 101, requests: 3},
		"pages of one user":                  {users: 30, server: []func(*model){clamped(1)}, requests: 61},
		"pages of one user, no totalResults": {users: 30, server: []func(*model){clamped(1), telling(untold)}, requests: 61},
		"pages of one user, totalResults of the page":    {users: 30, server: []func(*model){clamped(1), telling(rowsShown)}, requests: 61},
		"totalResults is missing":                        {users: 250, server: []func(*model){telling(untold)}, requests: 4},
		"totalResults is always zero":                    {users: 250, server: []func(*model){telling(always(0))}, requests: 4},
		"totalResults is negative":                       {users: 250, server: []func(*model){telling(always(-1))}, requests: 4},
		"totalResults is the size of the page":           {users: 250, server: []func(*model){telling(rowsShown)}, requests: 4},
		"totalResults is the size of the page, one page": {users: 50, server: []func(*model){telling(rowsShown)}, requests: 4},
		"totalResults is capped":                         {users: 250, server: []func(*model){telling(always(100))}, requests: 4},
		"totalResults is too large by one":               {users: 250, server: []func(*model){telling(always(251))}, code: codes.FailedPrecondition, requests: 8},
		"totalResults is absurd":                         {users: 250, server: []func(*model){telling(always(1 << 62))}, code: codes.FailedPrecondition, requests: 8},
		"totalResults claims users, none come":           {users: 0, server: []func(*model){telling(always(5))}, code: codes.FailedPrecondition, requests: 2},
		"totalResults counts down what is left": {
			users: 250, requests: 8,
			server: []func(*model){telling(func(m *model, shown []member) number {
				return told(len(m.members) - m.position(shown[0].hash))
			})},
		},
		"totalResults comes and goes": {
			users: 250, requests: 4,
			server: []func(*model){telling(func(m *model, _ []member) number {
				return number{known: m.now%2 == 0, value: len(m.members)}
			})},
		},
		"startIndex is ignored":                              {users: 50, server: []func(*model){unpaged}, requests: 3},
		"startIndex is ignored, one user":                    {users: 1, server: []func(*model){unpaged}, requests: 3},
		"startIndex is ignored, one user, no totals":         {users: 1, server: []func(*model){unpaged, telling(untold)}, requests: 3},
		"startIndex is ignored, two users":                   {users: 2, server: []func(*model){unpaged, telling(untold)}, requests: 3},
		"startIndex and count are ignored":                   {users: 250, server: []func(*model){unpaged, uncounted}, requests: 3},
		"startIndex and count are ignored, a thousand users": {users: 1000, server: []func(*model){unpaged, uncounted}, requests: 3},
		"startIndex and count are ignored, many users":       {users: 2500, server: []func(*model){unpaged, uncounted}, requests: 5},
		"count is ignored":                                   {users: 250, server: []func(*model){uncounted}, requests: 2},
		"count is ignored, many users":                       {users: 2500, server: []func(*model){uncounted}, requests: 4},
		"startIndex is ignored, the first page only": {
			users: 250, server: []func(*model){unpaged}, code: codes.FailedPrecondition, requests: 3,
		},
		"startIndex is ignored, the first page only, no totals": {
			users: 250, server: []func(*model){unpaged, telling(untold)}, code: codes.FailedPrecondition, requests: 3,
		},
		"startIndex is ignored, the first page only, totalResults of the page": {
			users: 250, server: []func(*model){unpaged, telling(rowsShown)}, code: codes.FailedPrecondition, requests: 3,
		},
		"startIndex is ignored, the first page only, a smaller one": {
			users: 250, server: []func(*model){unpaged, clamped(30)}, code: codes.FailedPrecondition, requests: 6,
		},
		"startIndex is ignored, one user at a time": {
			users: 30, server: []func(*model){unpaged, clamped(1)}, code: codes.FailedPrecondition, requests: 6,
		},
		"meta.created is always now": {
			users: 250, requests: 7,
			server: []func(*model){func(m *model) {
				for i := range m.members {
					m.members[i].created = 1 << 50
				}
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(test.users)
			for _, configure := range test.server {
				configure(m)
			}
			h := newHistory(0, m, churn{})
			err := h.play(t)
			if status.Code(err) != test.code {
				t.Errorf("the listing ended with %v, want %v", err, test.code)
			}
			if missing := h.missing(); err == nil && len(missing) > 0 {
				t.Errorf("the listing misses %d of %d users", len(missing), test.users)
			}
			if h.requests > test.requests {
				t.Errorf("the listing took %d requests, want at most %d", h.requests, test.requests)
			}
		})
	}
}

// TestAQuietListingTakesFewRequests holds the budget: at most N/(page-1) list
// requests, rounded up, and two more for N users when nothing moves.
func TestAQuietListingTakesFewRequests(t *testing.T) {
	for _, page := range []int{2, 3, 7, 50, 100} {
		for _, totals := range []func(*model, []member) number{nil, untold, always(1)} {
			for users := range 1001 {
				if page < 50 && users > 60 && users%(page-1) > 1 && users%97 != 0 {
					continue
				}
				m := newModel(users)
				m.clamp, m.totals = page, totals
				if totals != nil && users == 0 {
					m.totals = untold
				}
				h := newHistory(0, m, churn{})
				if err := h.play(t); err != nil || len(h.missing()) > 0 {
					t.Fatalf("%d users, pages of %d: %d users are missing, %v", users, page, len(h.missing()), err)
				}
				if most := (users+page-2)/(page-1) + 2; h.requests > most {
					t.Errorf("%d users, pages of %d: %d requests, want at most %d", users, page, h.requests, most)
				}
			}
		}
	}
}

func TestAnEmptyPageInTheMiddle(t *testing.T) {
	for name, test := range map[string]struct {
		// empty tells which answers are empty although users follow.
		empty func(request, start int) bool
		code  codes.Code
	}{
		"once":           {empty: func(request, _ int) bool { return request == 3 }},
		"twice":          {empty: func(request, _ int) bool { return request == 3 || request == 4 }},
		"in two passes":  {empty: func(request, _ int) bool { return request == 3 || request == 12 }},
		"always there":   {empty: func(_, start int) bool { return start > 150 }, code: codes.Aborted},
		"every other":    {empty: func(request, _ int) bool { return request%2 == 0 }, code: codes.Aborted},
		"from the start": {empty: func(request, _ int) bool { return request > 1 }, code: codes.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(500)
			r := newReader()
			var err error
			for !r.done && err == nil {
				whole := m.members
				if test.empty(r.requests+1, r.cur.startIndex()) {
					m.members = nil
					m.totals = always(len(whole))
				}
				err = r.read(m)
				m.members = whole
			}
			if status.Code(err) != test.code {
				t.Errorf("the listing ended with %v, want %v", err, test.code)
			}
			if err == nil && len(r.held) != len(m.members) {
				t.Errorf("the listing holds %d of %d users", len(r.held), len(m.members))
			}
		})
	}
}

// TestAUserWhoComesTwice lists workspaces whose list holds a user twice, for
// good.
func TestAUserWhoComesTwice(t *testing.T) {
	for name, test := range map[string]struct {
		totals func(*model, []member) number
		code   codes.Code
	}{
		"totalResults counts users": {totals: always(250)},
		"totalResults is missing":   {totals: untold},
		// A server that sorts by something that many users share may return one
		// of them twice and another never: the count is all that shows it.
		"totalResults counts rows": {code: codes.FailedPrecondition},
	} {
		for _, places := range [][2]int{{10, 11}, {98, 99}, {99, 100}, {50, 249}, {0, 200}, {0, 98}, {0, 99}, {0, 100}, {0, 250}} {
			t.Run(fmt.Sprintf("%s, %v", name, places), func(t *testing.T) {
				m := newModel(250)
				m.totals = test.totals
				h := newHistory(0, m, churn{})
				m.insert(places[1])
				m.members[places[1]] = m.members[places[0]]
				err := h.play(t)
				if status.Code(err) != test.code {
					t.Errorf("the listing ended with %v, want %v", err, test.code)
				}
				if missing := h.missing(); err == nil && len(missing) > 0 {
					t.Errorf("the listing misses %d users", len(missing))
				}
			})
		}
	}
}

// TestAServerThatIgnoresPagingAndHoldsItsFirstUserTwice holds that the first user at
// the end of an answer is not taken for progress.
func TestAServerThatIgnoresPagingAndHoldsItsFirstUserTwice(t *testing.T) {
	for users := 1; users <= 3; users++ {
		m := newModel(users)
		m.members = append(m.members, m.members[0])
		m.unpaged, m.totals = true, always(users)
		h := newHistory(0, m, churn{})
		if err := h.play(t); err != nil || len(h.missing()) > 0 || h.requests > 6 {
			t.Errorf("%d users: %d requests, %d users are missing, %v", users, h.requests, len(h.missing()), err)
		}
	}
}

func TestAListThatDoesNotEndFailsTheListing(t *testing.T) {
	for _, size := range []int{1, 2, 100} {
		cur, hash := firstCursor(), uint64(1)
		for {
			v := view{asked: pageSize}
			if !cur.Single && hash > 1 {
				v.rows = append(v.rows, row{hash: cur.Last})
			}
			for len(v.rows) < size {
				v.rows = append(v.rows, row{hash: hash})
				hash++
			}
			s, err := cur.advance(v)
			if err != nil {
				wantCode(t, err, codes.FailedPrecondition)
				break
			}
			if cur = s.next; cur.Read > maxRead+size {
				t.Fatalf("%d rows were read", cur.Read)
			}
		}
	}
}

// TestOneChangeAtEveryBoundary deletes, inserts or moves at each boundary
// between two pages, and expects the listing to complete.
func TestOneChangeAtEveryBoundary(t *testing.T) {
	changes := map[string]func(*model){
		"the first is deleted":      func(m *model) { m.remove(0) },
		"the first ten are deleted": func(m *model) { m.members = m.members[10:] },
		"the last is deleted":       func(m *model) { m.remove(len(m.members) - 1) },
		"most are deleted":          func(m *model) { m.members = m.members[150:] },
		"all are deleted":           func(m *model) { m.members = nil },
		"one comes first":           func(m *model) { m.insert(0) },
		"one comes last":            func(m *model) { m.insert(len(m.members)) },
		"fifty come first": func(m *model) {
			for range 50 {
				m.insert(0)
			}
		},
		"the last becomes the first": func(m *model) { m.move(len(m.members)-1, 0) },
		"the first becomes the last": func(m *model) { m.move(0, len(m.members)-1) },
	}
	for name, change := range changes {
		for _, page := range []int{1, 2, 7, 50, 100} {
			t.Run(fmt.Sprintf("%s, pages of %d", name, page), func(t *testing.T) {
				for boundary := 1; ; boundary++ {
					m := newModel(200)
					m.clamp = page
					h := newHistory(0, m, churn{})
					for !h.done {
						if h.requests == boundary {
							change(m)
							for hash := range h.stable {
								if m.position(hash) < 0 {
									delete(h.stable, hash)
								}
							}
						}
						if err := h.read(m); err != nil {
							t.Fatalf("after request %d: %v", boundary, err)
						}
					}
					if missing := h.missing(); len(missing) > 0 {
						t.Fatalf("after request %d: %d users are missing", boundary, len(missing))
					}
					if h.requests <= boundary {
						return // it was over before anything changed
					}
				}
			})
		}
	}
}
