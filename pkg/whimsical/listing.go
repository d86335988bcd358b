package whimsical

import (
	"context"
	"hash/fnv"
	"net/url"
	"strconv"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/go-json-experiment/json"
	"google.golang.org/grpc/codes"
)

// Index paging (RFC 7644 section 3.4.2.4) gives no snapshot: when a user before
// the position leaves, the rest move up, and the next page misses one. So each
// page begins at the user read last, and is checked against it. Where another
// user is there the list has moved, and the listing begins again. No deletion
// and no insertion hides a user from that, and no single move does; what can is
// a reordering together with a compensating change between the same two
// requests.
//
// A server that ignores startIndex, or rounds it down to whole pages, shows
// itself by repeating its first answer. Its pages follow each other without an
// overlap, and only a change of totalResults shows there that the list moved.
const (
	// pageSize is the count of every request.
	pageSize = 100
	// maxPasses bounds how often a listing begins again.
	maxPasses = 10
	// maxUsers bounds a listing that does not end.
	maxUsers = 1_000_000
	// maxAnswer bounds the users of one answer, which make one page of resources:
	// the SDK's messages take 4 MiB.
	maxAnswer = 2000
)

// position is the whole state of a listing between two requests; a page token
// is its encoding.
type position struct {
	// Request numbers the requests of all passes, so that a token always advances.
	Request int `json:"n"`
	// Pass counts from 0.
	Pass int `json:"p,omitzero"`
	// Read counts the users of this pass.
	Read int `json:"r,omitzero"`
	// Last is the fingerprint of the user read last, Answer the one of the last
	// answer.
	Last   uint64 `json:"l,omitzero"`
	Answer uint64 `json:"a,omitzero"`
	// Aligned is set when pages follow each other without an overlap.
	Aligned bool `json:"f,omitzero"`
	// Total is the totalResults of the last answer, -1 when it was not reported.
	Total int `json:"t,omitzero"`
	// Tally counts what this pass has read.
	Tally Tally `json:"c,omitzero"`
	// Started is when the listing began, in Unix seconds.
	Started int64 `json:"s,omitzero"`
}

// Tally counts the users of a listing.
type Tally struct {
	// Editors and Viewers hold their role; Inactive users have no access.
	Editors  int `json:"e,omitzero"`
	Viewers  int `json:"v,omitzero"`
	Inactive int `json:"i,omitzero"`
	// NoRole are users with access without a readable role, NoStatus those whose
	// status was not reported in a readable form.
	NoRole   int `json:"r,omitzero"`
	NoStatus int `json:"s,omitzero"`
}

func (t *Tally) add(user *User) {
	if user.Active == nil {
		t.NoStatus++
	}
	switch {
	case !user.IsActive():
		t.Inactive++
	case user.Role == RoleEditor:
		t.Editors++
	case user.Role == RoleViewer:
		t.Viewers++
	default:
		t.NoRole++
	}
}

// UserPage is what one request of a listing brought.
type UserPage struct {
	// Users are the users that no page of this pass held before.
	Users []*User
	// Request is the number of the request, from 0.
	Request int
	// Next is the token of the next page, "" when the listing is complete.
	Next string
	// Restarted is set when the list has moved: what the earlier pages brought is
	// not to be used, and Next begins a new pass.
	Restarted bool
	// Read counts the users of this pass so far, Total is the totalResults of the
	// answer, or -1. Passes counts the passes so far, the one under way included.
	Read, Total, Passes int
	Tally               Tally
	// Elapsed is the time since the listing began, in whole seconds.
	Elapsed time.Duration
	// RateLimit is what the answer reported of the API's rate limit, or nil.
	RateLimit *v2.RateLimitDescription
}

// ListUsers makes one request of a listing of all users (RFC 7644 section
// 3.4.2). The token is "" for the first page, then the last page's Next. A
// listing whose pages all succeed, up to an empty Next, holds every user who
// was in the workspace all along.
//
// It fails with Aborted when the users kept moving while they were read, with
// InvalidArgument on a token that no listing made, and with FailedPrecondition
// when users would be missing or no SCIM API answers: never with NotFound,
// which the SDK takes for an empty list.
func (c *Client) ListUsers(ctx context.Context, token string) (*UserPage, error) {
	at, err := parsePosition(token)
	if err != nil {
		return nil, err
	}
	if token == "" {
		at.Started = time.Now().Unix()
	}
	list, err := c.list(ctx, at.query())
	if err != nil {
		return nil, err
	}
	hashes := make([]uint64, len(list.users))
	for i, user := range list.users {
		hashes[i] = fingerprint(user.ID)
	}
	s, err := at.advance(hashes, list.total)
	if err != nil {
		return nil, err
	}
	page := &UserPage{
		Users: list.users[len(list.users)-s.fresh:], Request: at.Request, Restarted: s.restarted,
		Read: s.next.Read, Total: s.next.Total, Passes: s.next.Pass + 1,
		Elapsed: time.Duration(time.Now().Unix()-at.Started) * time.Second, RateLimit: list.rateLimit,
	}
	for _, user := range page.Users {
		s.next.Tally.add(user)
	}
	page.Tally = s.next.Tally
	if !s.end {
		page.Next = s.next.token()
	}
	return page, nil
}

// PageNumber returns the number of the request that a token asks for. It fails
// with InvalidArgument on anything that is no page token.
func PageNumber(token string) (int, error) {
	at, err := parsePosition(token)
	return at.Request, err
}

// step is what one answer means to a listing.
type step struct {
	// fresh counts the users at the end of the answer who are new.
	fresh          int
	next           position
	end, restarted bool
}

// advance decides what the answer to the request at a position means. users are
// the fingerprints of its users.
func (at position) advance(users []uint64, total number) (step, error) {
	next := at
	next.Request++
	next.Answer = fingerprintOf(users)
	next.Total = -1
	if total.known {
		next.Total = total.value
	}
	again := len(users) > 0 && next.Answer == at.Answer

	switch {
	case at.Read > maxUsers:
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: the list of users does not end: more than %d came, so the sync stops here", usersPath, maxUsers)
	case len(users) > maxAnswer:
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: %d users were asked for, and %d came in one answer, more than can be synced at once: users would be missing, so the sync stops here",
			usersPath, pageSize, len(users))
	case at.Read == 0 && len(users) == 0 && !total.known:
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: the answer holds no users and does not report that there are none (totalResults): check base-url", usersPath)
	case at.Read == 0 && len(users) == 0:
		return next.finish(len(users))
	case at.Read == 0 && len(users) == 1 && total.value == 1:
		next.Read = 1
		return step{fresh: 1, next: next, end: true}, nil
	case at.Read == 0:
		// A single user leaves no room for an overlap.
		next.Aligned = len(users) == 1
		return next.take(users, 0)
	case at.Aligned && next.Total != at.Total:
		return next.restart()
	case at.Aligned && (len(users) == 0 || again):
		return next.finish(len(users))
	case at.Aligned:
		return next.take(users, 0)
	case again && len(users) == at.Read: // it was the first of the pass
		next.Aligned = true
		return step{next: next}, nil
	case len(users) == 0 || users[0] != at.Last:
		return next.restart()
	case len(users) == 1:
		return next.finish(len(users))
	default:
		return next.take(users, 1)
	}
}

// take goes on after users[from:].
func (at position) take(users []uint64, from int) (step, error) {
	fresh := len(users) - from
	at.Read += fresh
	at.Last = users[len(users)-1]
	return step{fresh: fresh, next: at}, nil
}

// finish ends a listing at an answer of so many users that brought nobody new,
// unless there may be more: a server that always returns its first page, and
// does not count them, may have more than it shows.
func (at position) finish(users int) (step, error) {
	if at.Total > at.Read {
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: the server reports %d users, but only %d could be read: users would be missing, so the sync stops here",
			usersPath, at.Total, at.Read)
	}
	if at.Total < 0 && users >= pageSize {
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: the server ignores startIndex and does not report how many users there are: users could be missing, so the sync stops here", usersPath)
	}
	return step{next: at, end: true}, nil
}

// restart begins the next pass.
func (at position) restart() (step, error) {
	if at.Pass+1 >= maxPasses {
		return step{}, Errorf(codes.Aborted,
			"GET /%s: the list of users kept changing while it was read, or the server does not page by startIndex: "+
				"a sync now could miss users, so it stops here; run it again when the workspace is quieter", usersPath)
	}
	return step{restarted: true, next: position{Request: at.Request, Pass: at.Pass + 1, Total: at.Total, Started: at.Started}}, nil
}

func (at position) query() url.Values {
	startIndex := max(1, at.Read)
	if at.Aligned {
		startIndex = at.Read + 1
	}
	return pageQuery(startIndex, pageSize)
}

func pageQuery(startIndex, count int) url.Values {
	return url.Values{"startIndex": {strconv.Itoa(startIndex)}, "count": {strconv.Itoa(count)}}
}

// parsePosition reads a page token. It fails with InvalidArgument on anything
// that no listing can have made.
func parsePosition(token string) (position, error) {
	var at position
	if token == "" {
		return at, nil
	}
	err := json.Unmarshal([]byte(token), &at)
	if err != nil || at.Request < 1 || at.Request > 2*maxPasses*maxUsers || at.Read < 0 || at.Read > 2*maxUsers ||
		at.Pass < 0 || at.Pass >= maxPasses || at.token() != token {
		return position{}, Errorf(codes.InvalidArgument, "the page token is not one of this connector's: start the sync anew")
	}
	return at, nil
}

func (at position) token() string {
	raw, err := json.Marshal(at)
	if err != nil {
		return "" // unreachable: a position holds numbers and booleans alone
	}
	return string(raw)
}

// fingerprint returns a 64-bit hash of a user's id.
func fingerprint(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return h.Sum64()
}

// fingerprintOf returns a hash of the users of an answer, in their order.
func fingerprintOf(users []uint64) uint64 {
	const prime = 1099511628211 // of FNV-1a
	hash := uint64(len(users))
	for _, user := range users {
		hash = (hash ^ user) * prime
	}
	return hash
}
