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
// there, the list moved: the rows read last (the anchors) are looked up in the
// answer, and where they are not in it, the listing steps back until they are.
// All users before an anchor have been read, and deletions and insertions do
// not change the order of the others, so they never hide a user. A reordering
// can; whatever shows that something moved is therefore noted for passes.go.
const (
	// pageSize is the count of every request.
	pageSize = 100
	// maxEmitted bounds the rows handed out at once, for servers that ignore
	// count: the SDK's answer to the syncer must stay under 4 MiB.
	maxEmitted = 1000
	// maxEmittedBytes bounds their size as JSON for the same reason.
	maxEmittedBytes = 1 << 20

	// maxBack bounds the requests in a row that bring nothing new, maxSteps
	// those of a whole listing, unless it is a long one.
	maxBack  = 20
	maxSteps = 200
	// farOut is a startIndex beyond all users, which fits in 32 bits.
	farOut = 1 << 30
	// maxRereads bounds how many rows a pass reads beyond twice the position
	// that it has reached.
	maxRereads = 200
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
	if cur.Probe {
		next.Probe, next.Probed = false, true
		if len(v.rows) == 0 || v.rows[0].hash != cur.Head {
			// The server does honour startIndex: the list moved.
			next.Moved, next.Seek = true, true
			return next.stalled()
		}
		next.Unpaged = true
		if cur.Single {
			next.Single = false
			next.Start = max(1, next.Start-1)
		}
	}
	if !next.Unpaged {
		return next.read(v.rows, cur.Start, v)
	}
	if err := next.cutOff(v); err != nil {
		return step{}, err
	}
	// Cut out of the whole list what a server that pages would have returned.
	skipped := min(next.Start-1, len(v.rows))
	s, err := next.read(v.rows[skipped:], 1+skipped, v)
	s.from += skipped
	s.to += skipped
	return s, err
}

// read decides what rows mean that begin at position first.
func (cur cursor) read(rows []row, first int, v view) (step, error) {
	cur.observeTotal(first+len(rows)-1, len(rows), v.total)
	cur.Width = max(cur.Width, len(rows))
	switch {
	case len(cur.Anchors) == 0:
		cur.Began, cur.Opened = v.now, cur.Total
		if len(rows) == 0 {
			return step{next: cur, end: true}, nil
		}
		cur.Head = rows[0].hash
		return cur.accept(rows, 0)
	case cur.Single:
		return cur.readSingle(rows)
	default:
		return cur.readOverlapped(rows)
	}
}

// readOverlapped reads rows that should begin with the row read last.
func (cur cursor) readOverlapped(rows []row) (step, error) {
	at, inPlace := cur.locate(rows)
	if !inPlace && len(rows) > 1 && cur.seemsUnpaged(rows[0]) {
		cur.Probe = true
		return cur.stalled()
	}
	cur.Moved = cur.Moved || !inPlace
	switch {
	case at < 0:
		return cur.stepBack()
	case at < len(rows)-1:
		return cur.accept(rows, at+1)
	case at > 0:
		// The answer ends with an anchor: read on from there.
		cur.Start += at
		cur.Seek = true
		return cur.stalled()
	default:
		// An anchor alone: nothing comes after it.
		return step{next: cur, end: true}, nil
	}
}

// locate returns the position of the last anchor among rows, -1 for none, and
// whether the row read last is where it was.
func (cur cursor) locate(rows []row) (at int, inPlace bool) {
	if len(rows) > 0 && !cur.Seek && rows[0].hash == cur.Anchors.last() {
		return 0, true
	}
	for i := len(rows) - 1; i >= 0; i-- {
		if cur.Anchors.has(rows[i].hash) {
			return i, false
		}
	}
	return -1, false
}

// readSingle reads the answer of a server that returns one row at a time, so
// that there is no room for an overlap: only another pass shows whether
// anything moved.
func (cur cursor) readSingle(rows []row) (step, error) {
	switch {
	case len(rows) == 0:
		return step{next: cur, end: true}, nil
	case len(rows) > 1:
		// It returns more than one after all, yet nothing ties this answer to
		// the one before.
		cur.Single, cur.Moved = false, true
		return cur.accept(rows, 0)
	case !cur.Anchors.has(rows[0].hash):
		return cur.accept(rows, 0)
	case cur.seemsUnpaged(rows[0]):
		cur.Probe = true
		return cur.stalled()
	default:
		cur.Moved = true
		cur.Start++
		return cur.stalled()
	}
}

// seemsUnpaged tells whether an answer that begins with this row looks as if
// the server ignored startIndex and returned the first page again. A list that
// moved can look so, too: a probe, far beyond all rows, tells the two apart.
func (cur cursor) seemsUnpaged(first row) bool {
	return !cur.Unpaged && !cur.Probed && cur.Start > 1 && first.hash == cur.Head
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

// observeTotal keeps an answer's totalResults, as far as it can be believed;
// last is the position of the answer's last row.
func (cur *cursor) observeTotal(last, rows int, total number) {
	if !total.known || total.value < 0 {
		return
	}
	told := min(total.value, maxPosition-1)
	if rows > 0 && told < last {
		cur.Liar = true
	}
	if !cur.Liar && cur.Total > 0 && told < cur.Total-1 {
		cur.Moved = true
	}
	cur.Total = told + 1
}

// accept hands out rows[from:], at least one, or as many as fit in one answer
// of the SDK.
func (cur cursor) accept(rows []row, from int) (step, error) {
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
	cur.Start += to
	cur.Anchors = cur.Anchors.with(rows[from:to])
	cur.Single = cur.Width == 1
	if !cur.Single {
		cur.Start-- // the next request begins at the last row again
	}
	cur.Seek = false
	cur.Back = 0
	if cur.Read > 2*cur.Start+maxRereads {
		return cur.restart(cur.Before)
	}
	return step{from: from, to: to, next: cur, end: cur.proven() && !cur.claimsMore(cur.Read)}, nil
}

// stepBack reads again from an earlier row, no farther than that the anchors
// cannot lie between the two answers.
func (cur cursor) stepBack() (step, error) {
	if cur.Start == 1 {
		// None of the anchors is left: all of this pass has to be read again.
		return cur.restart(cur.Before)
	}
	cur.Start = max(1, cur.Start-max(1, cur.Width-1)-len(cur.Anchors)+1)
	cur.Seek = true
	return cur.stalled()
}

// stalled counts a request that brought nothing new.
func (cur cursor) stalled() (step, error) {
	cur.Back++
	cur.Steps++
	switch {
	case cur.Steps > maxSteps+cur.Seq/2:
		return step{}, errMoving
	case cur.Back > maxBack:
		return cur.restart(cur.Before)
	default:
		return step{next: cur}, nil
	}
}
