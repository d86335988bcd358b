package whimsical

import (
	"google.golang.org/grpc/codes"
)

// A listing is one or more passes over all users. A pass that read up to the
// end, and saw nothing move, concludes it when one of these holds:
//
//   - No user came twice, and no fewer users came than there were when the pass
//     began, not counting those created since (by meta.created).
//   - It brought exactly the users of an earlier pass, each once, and that one
//     found the list to end after as many rows. All of them were there when the
//     earlier pass ended, and there was room for nobody else.
//   - It brought exactly what an earlier pass brought, with the same users twice:
//     the list itself holds them twice.
//
// Even then totalResults must not claim more users than came. A listing that
// is not complete after maxPasses fails.
//
// The second rule is a proof whatever moves, and the first one, too, for
// deletions and insertions: they do not change the order of the others, so that
// all users before the row that was read last have been read. Where reorderings
// happen as well, the first rule is a proof when the server tells totalResults
// and meta.created: as many users of the beginning came as there were. Without
// meta.created there is one thing that no client can see: between two requests
// somebody is deleted and somebody inserted, so that totalResults stands still,
// and in the same pass a reordering carries an unread user to where the listing
// has been, with the positions evened out by the deletion or by a user carried
// the other way. Without totalResults the insertion is not needed for that.

// maxPasses bounds the passes of a listing, most of which end early.
const maxPasses = 20

// pass is what is kept of a pass that read up to the end.
type pass struct {
	// Read and Sum are those of the cursor: they tell the users apart.
	Read int    `json:"r,omitempty"`
	Sum  uint64 `json:"s,omitempty"`
	// Whole is set when the list ended after as many rows as were read, each
	// user once.
	Whole bool `json:"w,omitempty"`
	// Repeated is set when users came twice.
	Repeated bool `json:"d,omitempty"`
}

var errMoving = failure(codes.Aborted,
	"GET /%s: the list of users kept changing while it was read: a sync now could miss users, so it stops here; run it again when the workspace is quieter", usersPath)

var errEndless = failure(codes.FailedPrecondition,
	"GET /%s: the list of users does not end: more than %d came, so the sync stops here", usersPath, maxRead)

// Evidence is what the reader of a listing knows about the users of the pages
// that it was handed.
type Evidence struct {
	// Repeated is set when a user came more than once in the pass that ended.
	Repeated bool
	// Users is how many different users the pass held. It matters only when
	// Repeated is set; 0 means that they were not counted.
	Users int
	// Lost is set when some pages of the pass could not be looked at any more,
	// so that Repeated may be false although a user came twice.
	Lost bool
}

// conclude decides at the end of a pass whether the listing is complete (the
// token is empty) or another pass is due.
func (cur cursor) conclude(evidence Evidence) (token string, err error) {
	users := cur.Read
	if evidence.Repeated {
		users--
		if evidence.Users > 0 {
			users = evidence.Users
		}
	}
	claimsMore := cur.claimsMore(users)
	switch {
	case claimsMore && (cur.sameAsBefore() || cur.Pass >= maxPasses):
		return "", failure(codes.FailedPrecondition,
			"GET /%s: the server says that there are %d users, but only %d could be read: users would be missing, so the sync stops here",
			usersPath, cur.Total-1, users)
	case claimsMore:
	case cur.clean() && !evidence.Repeated && !evidence.Lost, cur.proven(), cur.settled():
		return "", nil
	}
	s, err := cur.restart(&pass{
		Read: cur.Read, Sum: cur.Sum, Repeated: evidence.Repeated,
		Whole: cur.Read == cur.length() && !evidence.Repeated,
	})
	if err != nil {
		return "", err
	}
	return s.next.token(), nil
}

// clean tells whether nothing speaks against this pass; users who came twice
// are the caller's to judge.
func (cur cursor) clean() bool {
	fewer := cur.Opened > 0 && !cur.Liar && cur.Opened-1 > cur.Read-cur.Fresh
	return !cur.Single && !fewer
}

// settled tells whether this pass brought the same users twice as an earlier
// one, and neither saw anything move.
func (cur cursor) settled() bool {
	return cur.sameAsBefore() && cur.Before.Repeated && !cur.Single
}

// proven tells whether this pass read, by now, all users of an earlier pass
// that was whole, and nobody else.
func (cur cursor) proven() bool {
	return cur.sameAsBefore() && cur.Before.Whole
}

func (cur cursor) sameAsBefore() bool {
	return cur.Before != nil && cur.Read == cur.Before.Read && cur.Sum == cur.Before.Sum
}

// claimsMore tells whether the last totalResults says that there are more than
// so many users.
func (cur cursor) claimsMore(users int) bool {
	return cur.Total > 0 && cur.Total-1 > users
}

// length is how many rows the list has, as its end showed.
func (cur cursor) length() int {
	switch {
	case cur.Read == 0:
		return 0
	case cur.Single:
		return cur.Start - 1
	default:
		return cur.Start
	}
}

// restart begins the next pass, after one that is to be remembered as before.
func (cur cursor) restart(before *pass) (step, error) {
	if cur.Pass >= maxPasses {
		return step{}, errMoving
	}
	return step{next: cursor{
		Seq: cur.Seq, First: cur.Seq, Pass: cur.Pass + 1, Start: 1, NoCount: cur.NoCount, Before: before,
	}}, nil
}

// scramble spreads a hash over all bits, so that a sum of many tells sets of
// users apart whatever the order (the finalizer of MurmurHash3).
func scramble(hash uint64) uint64 {
	hash ^= hash >> 33
	hash *= 0xff51afd7ed558ccd
	hash ^= hash >> 33
	hash *= 0xc4ceb9fe1a85ec53
	return hash ^ hash>>33
}
