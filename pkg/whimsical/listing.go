package whimsical

import (
	"google.golang.org/grpc/codes"
)

// Index paging (RFC 7644 section 3.4.2.4) gives no snapshot: a user who is
// deleted, inserted or moved before the current position shifts all later
// ones, and naive paging skips users. This file decides, answer by answer and
// without any state but the cursor, what of an answer is new and where to read
// next; passes.go decides when a listing is complete.
//
// Each request begins at the row that was read last. When another row is
// there, or totalResults went down, the list moved, and the listing reads
// everything once more: a pass in which something is known to have moved could
// never conclude it.
const (
	// pageSize is the count of every request.
	pageSize = 100
	// maxEmitted bounds the rows handed out at once, for servers that ignore
	// count: the SDK's answer to the syncer must stay under 4 MiB.
	maxEmitted = 1000
	// maxEmittedBytes bounds their size as JSON for the same reason.
	maxEmittedBytes = 1 << 20
	// maxRead bounds the rows of a pass, for servers whose lists do not end.
	maxRead = 1_000_000
	// farOut is a startIndex beyond all users, which fits in 32 bits.
	farOut = 1 << 30
)

// row is one user of an answer, as far as a listing cares.
type row struct {
	hash uint64
	size int
	// created is meta.created in seconds, 0 when it was not told.
	created int64
}

// view is one answer of the server.
type view struct {
	rows  []row
	total number
	// asked is the count that was sent, 0 for none.
	asked int
	// now is the time of the answer by the server's clock, in seconds.
	now int64
}

// step is what one answer means to the listing.
type step struct {
	// from is the first row of the answer that is handed out, to the one after
	// the last.
	from, to int
	next     cursor
	// end is set when the pass is over.
	end bool
}

// startIndex is the startIndex of the request at cur.
func (cur cursor) startIndex() int {
	if cur.Probe {
		return farOut
	}
	return cur.Start
}

// advance decides what the answer to the request at cur means.
func (cur cursor) advance(v view) (step, error) {
	next := cur
	next.Seq++
	if cur.Read > maxRead {
		return step{}, errEndless
	}
	if cur.Probe {
		if startIndexCounts := len(v.rows) == 0 || v.rows[0].hash != cur.Head; startIndexCounts {
			if cur.Last == cur.Head {
				next.Probe, next.Paged = false, true
				return step{next: next}, nil
			}
			return next.restart(cur.Before) // the list moved
		}
		next.Probe, next.Unpaged = false, true
		if cur.Single {
			next.Single = false
			next.Start = max(1, cur.Start-1)
		}
	}
	if !next.Unpaged {
		return next.read(v.rows, next.Start-1+len(v.rows), v)
	}
	if err := next.cutOff(v); err != nil {
		return step{}, err
	}
	// Cut out of the whole list what a server that pages would have returned.
	skipped := min(next.Start-1, len(v.rows))
	s, err := next.read(v.rows[skipped:], len(v.rows), v)
	s.from += skipped
	s.to += skipped
	return s, err
}

// read decides what rows mean that end at position last.
func (cur cursor) read(rows []row, last int, v view) (step, error) {
	shrunk := cur.observeTotal(v.total, last, len(rows))
	cur.Width = max(cur.Width, len(rows))
	switch {
	case shrunk:
	case cur.Read == 0:
		cur.Began, cur.Opened = v.now, cur.Total
		if len(rows) == 0 {
			return step{next: cur, end: true}, nil
		}
		cur.Head = rows[0].hash
		return cur.accept(rows, 0), nil
	case len(rows) == 0:
		if cur.Single {
			return step{next: cur, end: true}, nil
		}
	case cur.seemsUnpaged(rows):
		cur.Probe = true
		return step{next: cur}, nil
	case cur.Single:
		// There is no overlap: only another pass shows whether anything moved.
		if len(rows) == 1 && rows[0].hash != cur.Last {
			return cur.accept(rows, 0), nil
		}
	case rows[0].hash == cur.Last:
		if len(rows) == 1 {
			return step{next: cur, end: true}, nil // nothing comes after it
		}
		return cur.accept(rows, 1), nil
	}
	return cur.restart(cur.Before)
}

// seemsUnpaged tells whether an answer looks as if the server ignored
// startIndex and returned the first page again. A list that moved can look so,
// too, and one that holds its first user twice: a probe, far beyond all rows,
// tells them apart.
func (cur cursor) seemsUnpaged(rows []row) bool {
	inPlace := !cur.Single && rows[0].hash == cur.Last && cur.Last != cur.Head
	return !inPlace && !cur.Paged && !cur.Unpaged && cur.Start > 1 && rows[0].hash == cur.Head
}

// cutOff fails when a server that ignores startIndex may not have returned
// everybody.
func (cur cursor) cutOff(v view) error {
	whole := v.total.known && v.total.value <= len(v.rows)
	if len(v.rows) != v.asked && (v.asked > 0 || whole) {
		return nil
	}
	return failure(codes.FailedPrecondition,
		"GET /%s: the server ignores startIndex and returns its first page only: users would be missing, so the sync stops here", usersPath)
}

// observeTotal keeps an answer's totalResults, as far as it can be believed,
// and tells whether it went down. last is the position of the answer's last
// row.
func (cur *cursor) observeTotal(total number, last, rows int) (shrunk bool) {
	if !total.known || total.value < 0 {
		return false
	}
	told := min(total.value, maxPosition-1)
	if rows > 0 && told < last {
		cur.Liar = true
	}
	shrunk = !cur.Liar && told < cur.Total-1
	cur.Total = told + 1
	return shrunk
}

// accept hands out rows[from:], at least one, or as many as fit in one answer
// of the SDK.
func (cur cursor) accept(rows []row, from int) step {
	to, size := from, 0
	for to < len(rows) && to-from < maxEmitted {
		size += rows[to].size
		if to > from && size > maxEmittedBytes {
			break
		}
		to++
	}
	for _, r := range rows[from:to] {
		cur.Sum += scramble(r.hash)
		if r.created != 0 && r.created >= cur.Began {
			cur.Fresh++
		}
	}
	cur.Read += to - from
	cur.Last = rows[to-1].hash
	cur.Start += to
	cur.Single = cur.Width == 1
	if !cur.Single {
		cur.Start-- // the next request begins at the last row again
	}
	return step{from: from, to: to, next: cur, end: cur.proven() && !cur.claimsMore(cur.Read)}
}
