package whimsical

import (
	"testing"

	"google.golang.org/grpc/codes"
)

// TestWhatConcludesAListing holds the rules at the top of passes.go one by one.
func TestWhatConcludesAListing(t *testing.T) {
	const complete, again = true, false
	// ended is a pass over ten users that saw nothing move.
	ended := func(change func(*cursor)) cursor {
		cur := cursor{Seq: 9, Pass: 2, Start: 10, Read: 10, Sum: 77, Width: 5, Total: 11, Opened: 11}
		change(&cur)
		return cur
	}
	same := pass{Read: 10, Sum: 77}
	for name, test := range map[string]struct {
		cur      cursor
		evidence Evidence
		want     bool
		code     codes.Code
	}{
		"a clean pass":                 {cur: ended(func(*cursor) {}), want: complete},
		"no totalResults":              {cur: ended(func(c *cursor) { c.Total, c.Opened = 0, 0 }), want: complete},
		"a user came twice":            {cur: ended(func(*cursor) {}), evidence: Evidence{Repeated: true, Users: 9}, want: again},
		"a user came twice, uncounted": {cur: ended(func(*cursor) {}), evidence: Evidence{Repeated: true}, want: again},
		"pages were lost":              {cur: ended(func(*cursor) {}), evidence: Evidence{Lost: true}, want: again},
		"pages were lost, the same as before": {
			cur: ended(func(c *cursor) { c.Before = &pass{Read: 10, Sum: 77, Whole: true} }), evidence: Evidence{Lost: true}, want: complete,
		},
		"somebody is new":                    {cur: ended(func(c *cursor) { c.Read, c.Start, c.Fresh, c.Total = 11, 11, 1, 12 }), want: complete},
		"somebody is new for another":        {cur: ended(func(c *cursor) { c.Fresh = 1 }), want: again},
		"it began with more":                 {cur: ended(func(c *cursor) { c.Opened = 12 }), want: again},
		"it began with more, told by a liar": {cur: ended(func(c *cursor) { c.Opened, c.Liar = 12, true }), want: complete},
		"totalResults claims more":           {cur: ended(func(c *cursor) { c.Total = 12 }), want: again},
		"it claims more in each pass":        {cur: ended(func(c *cursor) { c.Total, c.Before = 12, &same }), code: codes.FailedPrecondition},
		"it claims more in the last pass":    {cur: ended(func(c *cursor) { c.Total, c.Pass = 12, maxPasses }), code: codes.FailedPrecondition},
		"it claims more than different users": {
			cur: ended(func(c *cursor) { c.Before = &pass{Read: 10, Sum: 77, Repeated: true} }), evidence: Evidence{Repeated: true, Users: 9},
			code: codes.FailedPrecondition,
		},
		"one user at a time": {cur: ended(func(c *cursor) { c.Single, c.Start = true, 11 }), want: again},
		"one at a time, the same as before": {
			cur: ended(func(c *cursor) { c.Single, c.Before = true, &pass{Read: 10, Sum: 77, Whole: true} }), want: complete,
		},
		"one at a time, the same, but not all": {cur: ended(func(c *cursor) { c.Single, c.Before = true, &same }), want: again},
		"one at a time, others": {
			cur: ended(func(c *cursor) { c.Single, c.Before = true, &pass{Read: 10, Sum: 78, Whole: true} }), want: again,
		},
		"one at a time, more": {
			cur: ended(func(c *cursor) { c.Single, c.Before = true, &pass{Read: 9, Sum: 77, Whole: true} }), want: again,
		},
		"one at a time, the same, but totalResults claims more": {
			cur:  ended(func(c *cursor) { c.Single, c.Total, c.Before = true, 12, &pass{Read: 10, Sum: 77, Whole: true} }),
			code: codes.FailedPrecondition,
		},
		"one at a time, the same users twice": {
			cur:      ended(func(c *cursor) { c.Single, c.Total, c.Before = true, 0, &pass{Read: 10, Sum: 77, Repeated: true} }),
			evidence: Evidence{Repeated: true, Users: 9}, want: again,
		},
		"the same users twice": {
			cur:      ended(func(c *cursor) { c.Total, c.Before = 10, &pass{Read: 10, Sum: 77, Repeated: true} }),
			evidence: Evidence{Repeated: true, Users: 9}, want: complete,
		},
		"the same users, twice now": {
			cur: ended(func(c *cursor) { c.Total, c.Before = 10, &same }), evidence: Evidence{Repeated: true, Users: 9}, want: again,
		},
		"everything new, the same as before": {
			cur: ended(func(c *cursor) { c.Fresh, c.Before = 10, &pass{Read: 10, Sum: 77, Whole: true} }), want: complete,
		},
		"everything new, the same, but not all": {cur: ended(func(c *cursor) { c.Fresh, c.Before = 10, &same }), want: again},
		"nobody":                                {cur: cursor{Seq: 1, Pass: 1, Start: 1, Total: 1, Opened: 1}, want: complete},
		"too many passes":                       {cur: ended(func(c *cursor) { c.Fresh, c.Pass = 1, maxPasses }), code: codes.Aborted},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := test.cur.conclude(test.evidence)
			wantCode(t, err, test.code)
			if err != nil || test.code != codes.OK {
				return
			}
			if complete := token == ""; complete != test.want {
				t.Fatalf("the listing is complete: %v", complete)
			}
			if test.want == again {
				next, err := parseCursor(token)
				if err != nil || next.Pass != test.cur.Pass+1 || next.Start != 1 || next.Read != 0 || next.First != next.Seq {
					t.Errorf("the next pass begins with %+v, %v", next, err)
				}
				if next.Before == nil || next.Before.Read != test.cur.Read || next.Before.Sum != test.cur.Sum {
					t.Errorf("the next pass remembers %+v", next.Before)
				}
			}
		})
	}
}

func TestAPassIsRememberedAsWholeOnlyWhenItIs(t *testing.T) {
	for name, test := range map[string]struct {
		cur      cursor
		repeated bool
		want     bool
	}{
		"as many as the list is long":           {cur: cursor{Pass: 1, Start: 10, Read: 10, Fresh: 1, Opened: 11}, want: true},
		"one at a time":                         {cur: cursor{Pass: 1, Start: 11, Read: 10, Single: true}, want: true},
		"one at a time, the list is longer":     {cur: cursor{Pass: 1, Start: 12, Read: 10, Single: true}},
		"a user came twice":                     {cur: cursor{Pass: 1, Start: 10, Read: 10}, repeated: true},
		"nobody, though totalResults claims so": {cur: cursor{Pass: 1, Start: 1, Total: 5}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			token, err := test.cur.conclude(Evidence{Repeated: test.repeated})
			if err != nil {
				t.Fatal(err)
			}
			next, err := parseCursor(token)
			if err != nil || next.Before == nil || next.Before.Whole != test.want {
				t.Errorf("it is remembered as %+v, %v", next.Before, err)
			}
		})
	}
}

// TestWhatMakesAListingStartOver holds that a pass never goes on once something
// is known to have moved.
func TestWhatMakesAListingStartOver(t *testing.T) {
	at := func(change func(*cursor)) cursor {
		cur := cursor{Seq: 4, Pass: 1, Start: 5, Read: 5, Last: 5, Head: 1, Width: 5, Total: 21, Opened: 21}
		change(&cur)
		return cur
	}
	single := func(c *cursor) { c.Single, c.Width, c.Start = true, 1, 6 }
	rows := func(hashes ...uint64) []row {
		rows := make([]row, len(hashes))
		for i, hash := range hashes {
			rows[i].hash = hash
		}
		return rows
	}
	for name, test := range map[string]struct {
		cur   cursor
		rows  []row
		total int
	}{
		"another row in the place of the last": {cur: at(func(*cursor) {}), rows: rows(6, 7), total: 20},
		"the last row farther on":              {cur: at(func(*cursor) {}), rows: rows(4, 5, 6), total: 20},
		"nothing at all":                       {cur: at(func(*cursor) {}), total: 20},
		"fewer users":                          {cur: at(func(*cursor) {}), rows: rows(5, 6), total: 19},
		"a probe that finds nobody":            {cur: at(func(c *cursor) { c.Probe = true }), total: 20},
		"a probe that finds others":            {cur: at(func(c *cursor) { c.Probe = true }), rows: rows(2, 3), total: 20},
		"a whole list that moved":              {cur: at(func(c *cursor) { c.Unpaged, c.Width = true, 7 }), rows: rows(2, 3, 4, 5, 1, 6, 7), total: 20},
		"one at a time, the last one again":    {cur: at(single), rows: rows(5), total: 20},
		"one at a time, then several":          {cur: at(single), rows: rows(6, 7), total: 20},
		"one at a time, fewer users":           {cur: at(single), rows: rows(6), total: 19},
		"one at a time, the end, fewer users":  {cur: at(single), total: 19},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := test.cur.advance(view{rows: test.rows, total: told(test.total), asked: pageSize})
			if err != nil {
				t.Fatal(err)
			}
			if s.end || s.from != s.to || s.next.Pass != 2 || s.next.Start != 1 || s.next.Read != 0 {
				t.Errorf("it goes on with %+v", s)
			}
			test.cur.Pass = maxPasses
			_, err = test.cur.advance(view{rows: test.rows, total: told(test.total), asked: pageSize})
			wantCode(t, err, codes.Aborted)
		})
	}
}
