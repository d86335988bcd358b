package whimsical

import (
	"google.golang.org/grpc/codes"
)

// Index paging (RFC 7644 section 3.4.2.4) gives no snapshot: a user who is
// deleted, inserted or moved before the current position shifts all later
// ones, and naive paging skips users. This file decides, page by page and
// without any state but the cursor, what of an answer is new, where to read
// next, and when a listing is complete:
//
//   - Each page begins at the last row already read. When another row is
//     there, the list moved: the rows last read (the anchors) are looked up in
//     the answer, and where they are not in it, the listing steps back until
//     they are. Deletions and insertions thus never hide a user.
//   - A reordering can carry an unread user to where the listing has been.
//     Whatever shows that something moved (an anchor that is not in place, a
//     totalResults that went down, a user who came twice) makes the listing
//     read everything once more, until a pass saw no movement or nothing new.
//   - The number of steps and passes is bounded; then the listing fails.
const (
	// pageSize is the count of every request.
	pageSize = 100
	// maxEmitted bounds the rows handed out at once, for servers that ignore
	// count: the SDK's answer to the syncer must stay under 4 MiB.
	maxEmitted = 1000
	// maxEmittedBytes bounds their size as JSON for the same reason.
	maxEmittedBytes = 1 << 20

	maxPasses = 5
	maxBack   = 20
	maxSteps  = 200
)

// row is one user of an answer, as far as a listing cares.
type row struct {
	hash uint64
	size int
}

// step is what one answer means to the listing.
type step struct {
	// from is the first row of the answer that is handed out, to the one after
	// the last.
	from, to int
	// again is set when rows before from may be new, too: they are handed out
	// as well.
	again bool
	next  cursor
	// end is set when the pass has read everything.
	end bool
}

// advance decides what the rows of an answer to the request at cur mean. asked
// is the count that was sent, 0 for none; total is the answer's totalResults.
func (cur cursor) advance(rows []row, total number, asked int) (step, error) {
	next := cur
	next.Seq++
	next.observeTotal(len(rows), total)
	if len(rows) > next.Width {
		next.Width = len(rows)
	}

	if len(cur.Anchors) == 0 || cur.Single {
		return next.accept(rows, 0), nil
	}

	at, inPlace := cur.locate(rows)
	if !inPlace && cur.ignoresStart(rows) {
		return next.unpaged(rows, at, asked)
	}
	next.Probe = false
	next.Moved = next.Moved || !inPlace
	if at < 0 || cur.Probe {
		// A probe that is answered otherwise shows that the server does honour
		// startIndex: the list moved.
		return next.stepBack()
	}
	if at < len(rows)-1 {
		s := next.accept(rows, at+1)
		s.again = !inPlace
		return s, nil
	}
	// Nothing comes after the anchors.
	switch {
	case !inPlace:
		next.Start = cur.Start + at
		next.Anchors = anchors{rows[at].hash}
		return next.stalled()
	case next.Width == 1 && !next.complete():
		next.Single = true
		next.Moved = true // without an overlap, only a second pass confirms this one
		next.Start++
		return step{next: next}, nil
	default:
		return step{next: next, end: true}, nil
	}
}

// locate returns the position of the last anchor among rows, -1 for none, and
// whether the row last read is where it was.
func (cur cursor) locate(rows []row) (at int, inPlace bool) {
	if len(rows) > 0 && rows[0].hash == cur.Anchors.last() {
		return 0, true
	}
	for i := len(rows) - 1; i >= 0; i-- {
		if cur.Anchors.has(rows[i].hash) {
			return i, false
		}
	}
	return -1, false
}

// observeTotal keeps the answer's totalResults, as far as it can be believed.
func (cur *cursor) observeTotal(rows int, total number) {
	if !total.known || total.value < 0 {
		return
	}
	if rows > 0 && total.value < cur.Start+rows-1 {
		cur.Liar = true
	}
	if !cur.Liar && cur.Total > 0 && total.value < cur.Total-1 {
		cur.Moved = true
	}
	cur.Total = total.value + 1
}

// claimsMore tells whether the last totalResults says that there are users
// whom this pass has not read.
func (cur cursor) claimsMore() bool {
	return cur.Total > 0 && cur.Total-1 > cur.Read
}

// complete tells whether the last totalResults says that all were read.
func (cur cursor) complete() bool {
	return cur.Total > 0 && !cur.Liar && cur.Total-1 <= cur.Read
}

// accept hands out rows[from:], or as many as fit in one answer of the SDK.
func (cur cursor) accept(rows []row, from int) step {
	if len(rows) == from {
		return step{next: cur, end: true}
	}
	to, size := from, 0
	for to < len(rows) && to-from < maxEmitted {
		size += rows[to].size
		if to > from && size > maxEmittedBytes {
			break
		}
		to++
	}
	if len(cur.Anchors) == 0 {
		cur.Head = rows[0].hash
	}
	cur.Read += to - from
	cur.Anchors = nil
	for _, r := range rows[max(0, to-maxAnchors):to] {
		cur.Anchors = append(cur.Anchors, r.hash)
	}
	cur.Start += to - 1
	if cur.Single {
		cur.Start++
	}
	cur.Back = 0
	return step{from: from, to: to, next: cur}
}

// stepBack reads again from an earlier row, farther back each time.
func (cur cursor) stepBack() (step, error) {
	if cur.Start == 1 {
		// None of the anchors is left: all of this pass has to be read again.
		return cur.restart()
	}
	distance := max(1, cur.Width-1) << min(cur.Back, 30)
	cur.Start = max(1, cur.Start-distance)
	return cur.stalled()
}

// stalled counts a request that brought nothing new.
func (cur cursor) stalled() (step, error) {
	cur.Back++
	cur.Steps++
	if cur.Back > maxBack || cur.Steps > maxSteps+cur.Seq/2 {
		return step{}, errMoving
	}
	return step{next: cur}, nil
}

// restart begins the next pass.
func (cur cursor) restart() (step, error) {
	if cur.Pass >= maxPasses {
		return step{}, errMoving
	}
	return step{next: cursor{
		Seq: cur.Seq, First: cur.Seq, Pass: cur.Pass + 1, Start: 1,
		Steps: cur.Steps, NoCount: cur.NoCount, Before: cur.Read + 1,
	}}, nil
}

// ignoresStart tells whether an answer looks as if the server returned the
// first page again.
func (cur cursor) ignoresStart(rows []row) bool {
	return cur.Start > 1 && len(rows) > 1 && rows[0].hash == cur.Head
}

// unpaged handles the answers of a server that seems to ignore startIndex. One
// such answer can also come from a list that moved, so a request beyond all
// rows has to confirm it. Such an answer is complete only when the server did
// not cut it off at count.
func (cur cursor) unpaged(rows []row, at, asked int) (step, error) {
	if at >= 0 && at < len(rows)-1 && len(rows) > cur.Read {
		// More rows than were handed out at once.
		s := cur.accept(rows, at+1)
		s.next.Start = s.next.Read + 1
		s.next.Probe = true
		return s, nil
	}
	if !cur.Probe {
		cur.Probe = true
		cur.Start = max(cur.Start, len(rows)) + 1
		return cur.stalled()
	}
	if len(rows) == asked || cur.claimsMore() {
		return step{}, failure(codes.FailedPrecondition,
			"GET /%s: the server ignores startIndex and returns its first page only: users would be missing, so the sync stops here", usersPath)
	}
	cur.Moved = false // one answer held everybody
	return step{next: cur, end: true}, nil
}

var errMoving = failure(codes.Aborted,
	"GET /%s: the list of users kept changing while it was read: a sync now could miss users, so it stops here; run it again when the workspace is quieter", usersPath)

// Evidence is what the reader of a listing knows about the users of the pages
// that it was handed.
type Evidence struct {
	// Repeated is set when a user came more than once in the pass that ended.
	Repeated bool
	// New is set when the pass held users whom no earlier pass of this listing
	// held.
	New bool
}

// conclude decides at the end of a pass whether the listing is complete (the
// token is empty) or another pass is due.
func (cur cursor) conclude(evidence Evidence) (token string, err error) {
	claimsMore := cur.claimsMore()
	clean := !cur.Moved && !evidence.Repeated
	confirmed := cur.Pass > 1 && !evidence.New
	if (clean || confirmed) && !claimsMore {
		return "", nil
	}
	if claimsMore && !cur.Moved && cur.Pass > 1 && cur.Before == cur.Read+1 || claimsMore && cur.Pass >= maxPasses {
		return "", failure(codes.FailedPrecondition,
			"GET /%s: the server says that there are %d users, but only %d could be read: users would be missing, so the sync stops here",
			usersPath, cur.Total-1, cur.Read)
	}
	s, err := cur.restart()
	if err != nil {
		return "", err
	}
	return s.next.token(), nil
}
