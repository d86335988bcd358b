package whimsical

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/go-json-experiment/json"
	"google.golang.org/grpc/codes"
)

// Index paging (RFC 7644 section 3.4.2.4) gives no snapshot: when a user before the position leaves, the rest
// move up, and the next page misses one. So each page begins at the user read last, and is checked against it;
// at the end all answers are compared, see Incomplete. Where the list has moved another pass begins. What can
// hide a user from both checks is a deletion, an insertion and a reordering between the same two requests.
//
// A server that ignores startIndex, or rounds it down to whole pages, shows
// itself by repeating its first answer. Its pages follow each other without an
// overlap, and only a change of totalResults shows there that the list moved.

// counts holds the SCIM count of each pass. It changes with each pass, also where a server caps its pages at
// 50, so that rows that tie in the server's order meet other page boundaries.
var counts = [...]int{pageSize, 43, 76, 19, 85, 28, 94, 37, 61, 23}

const (
	// pageSize is the count of the first pass, and of a look-up.
	pageSize = 100
	// maxPasses bounds how often a listing begins again.
	maxPasses = len(counts)
	// maxUsers bounds a listing that does not end.
	maxUsers = 1_000_000
)

// position is the whole state of a listing between two requests; a page token is its encoding.
type position struct {
	// Request numbers the requests of all passes, so that a token always advances.
	Request int `json:"n"`
	// Pass counts from 0.
	Pass int `json:"p,omitzero"`
	// Read counts the rows of this pass.
	Read int `json:"r,omitzero"`
	// Last is the fingerprint of the user read last, Answer the one of the last answer.
	Last   uint64 `json:"l,omitzero"`
	Answer uint64 `json:"a,omitzero"`
	// Aligned is set when pages follow each other without an overlap.
	Aligned bool `json:"f,omitzero"`
	// Total is the totalResults of the last answer, -1 when it was not reported.
	Total int `json:"t,omitzero"`
}

// UserPage is what one request of a listing brought.
type UserPage struct {
	// Users are the rows after the user read last: somebody may be there twice.
	Users []*User
	// Request is the number of the request, from 0, Next the token of the next page, "" at the end of the pass.
	Request int
	Next    string
	// Restarted is set when the list has moved: what the earlier pages brought is
	// not to be used, and Next begins a new pass.
	Restarted bool
	// Read counts the rows of this pass so far, Total is the totalResults of the
	// answer, or -1. Passes counts the passes so far, the one under way included.
	Read, Total, Passes int
	// RateLimit is what the answer reported of the API's rate limit, or nil.
	RateLimit *v2.RateLimitDescription

	next position
}

// ListUsers makes one request of a listing of all users (RFC 7644 section 3.4.2). The token is "" for the first
// page, then the last page's Next. A listing whose pages all succeed, up to an empty Next, and which is not
// Incomplete, holds every user who was in the workspace all along.
//
// It fails with Aborted when the users kept moving while they were read, with InvalidArgument on a token that
// no listing made, and with FailedPrecondition when users would be missing or no SCIM API answers: never with
// NotFound, which the SDK takes for an empty list.
func (c *Client) ListUsers(ctx context.Context, token string) (*UserPage, error) {
	at, err := parsePosition(token)
	if err != nil {
		return nil, err
	}
	list, err := c.list(ctx, pageQuery(at.query()))
	if err != nil {
		return nil, err
	}
	hashes := make([]uint64, len(list.users))
	for i, user := range list.users {
		hashes[i] = fingerprint([]byte(user.ID))
	}
	s, err := at.advance(hashes, list.total)
	if err != nil {
		return nil, err
	}
	page := &UserPage{
		Users: list.users[len(list.users)-s.fresh:], Request: at.Request, Restarted: s.restarted,
		Read: s.next.Read, Total: s.next.Total, Passes: s.next.Pass + 1, RateLimit: list.rateLimit, next: s.next,
	}
	if !s.end {
		page.Next = s.next.token()
	}
	return page, nil
}

// Again begins another pass after the last page of one that is not complete, for
// the reason given. It fails with Aborted after ten passes.
func (p *UserPage) Again(reason string) error {
	s, err := p.next.restart(reason)
	p.Users, p.Next, p.Restarted = nil, s.next.token(), true
	return err
}

// Incomplete returns why users may be missing from a pass, or "". A pass is complete when no user came in two
// answers, and as many rows came as the server ever counted. users are the users of all answers, without
// doubles within one answer: an answer is one look at the list, so such doubles are the server's own.
func Incomplete[T cmp.Ordered](users []T, rows, counted int) string {
	sorted := slices.Clone(users)
	slices.Sort(sorted)
	twice := len(users) - len(slices.Compact(sorted))
	if twice == 0 && rows >= counted {
		return ""
	}
	return fmt.Sprintf("%s, %d of them on two pages", came(rows, counted), twice)
}

func came(rows, counted int) string {
	return fmt.Sprintf("%d users came where the server counts %d", rows, max(0, counted))
}

// PageNumber returns the number of a token's request, or fails with InvalidArgument.
func PageNumber(token string) (int, error) {
	at, err := parsePosition(token)
	return at.Request, err
}

// step is what one answer means to a listing. fresh counts the users at its end that are new.
type step struct {
	fresh          int
	next           position
	end, restarted bool
}

// advance decides what the answer to the request at a position means. users are the fingerprints of its users.
//
//nolint:gocyclo // a flat switch over what an answer may be, which reads best in one piece
func (at position) advance(users []uint64, total number) (step, error) {
	next := at
	next.Request++
	next.Answer = fingerprint(users)
	next.Total = -1
	if total.known {
		next.Total = total.value
	}
	again := len(users) > 0 && next.Answer == at.Answer
	from := 1 // the first is the user read last

	switch {
	case at.Read > maxUsers:
		return step{}, Errorf(codes.FailedPrecondition, "GET /%s: the list of users does not end: more than %d came, so the sync stops here", usersPath, maxUsers)
	case at.Read == 0 && len(users) == 0 && !total.known:
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: the answer holds no users and does not report that there are none (totalResults): check base-url", usersPath)
	case at.Read == 0 && len(users) == 0:
		return next.finish(len(users))
	case at.Read == 0 && len(users) == 1 && total.value == 1:
		next.Read = 1
		return step{fresh: 1, next: next, end: true}, nil
	case at.Read == 0:
		from, next.Aligned = 0, len(users) == 1 // a single user leaves no room for an overlap
	case at.Aligned && next.Total != at.Total:
		return next.restart(came(at.Read, next.Total))
	case at.Aligned && (len(users) == 0 || again):
		return next.finish(len(users))
	case at.Aligned:
		from = 0
	case again && len(users) == at.Read: // the answer repeats the first one of the pass
		next.Aligned = true
		return step{next: next}, nil
	case len(users) == 0 || users[0] != at.Last:
		return next.restart(came(at.Read, next.Total))
	case len(users) == 1:
		return next.finish(len(users))
	}
	next.Read += len(users) - from
	next.Last = users[len(users)-1]
	return step{fresh: len(users) - from, next: next}, nil
}

// finish ends a pass at an answer that brought nobody new; users is how many it held. It fails with
// FailedPrecondition where there may be more: a server that ignores startIndex may have more than it shows.
func (at position) finish(users int) (step, error) {
	if at.Total > at.Read {
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: the server reports %d users, but only %d could be read: users would be missing, so the sync stops here", usersPath, at.Total, at.Read)
	}
	if at.Total < 0 && users >= counts[at.Pass] {
		return step{}, Errorf(codes.FailedPrecondition,
			"GET /%s: the server ignores startIndex and does not report how many users there are: users could be missing, so the sync stops here", usersPath)
	}
	return step{next: at, end: true}, nil
}

// restart begins the next pass. The reason tells what was wrong with this one.
func (at position) restart(reason string) (step, error) {
	if at.Pass+1 >= maxPasses {
		return step{}, Errorf(codes.Aborted, "GET /%s: the list of users kept changing while it was read: the workspace is busy, the server's order "+
			"of users is not stable, or it does not page by startIndex; in the last of %d passes %s: a sync now could miss users, so it stops here; "+
			"run it again when the workspace is quieter", usersPath, maxPasses, reason)
	}
	return step{restarted: true, next: position{Request: at.Request, Pass: at.Pass + 1, Total: at.Total}}, nil
}

// query returns the startIndex and the count of the request at a position.
func (at position) query() (int, int) {
	if at.Aligned {
		return at.Read + 1, counts[at.Pass]
	}
	return max(1, at.Read), counts[at.Pass]
}

func pageQuery(startIndex, count int) url.Values {
	return url.Values{"startIndex": {strconv.Itoa(startIndex)}, "count": {strconv.Itoa(count)}}
}

// parsePosition fails with InvalidArgument on a token that no listing can have made.
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
	raw, _ := json.Marshal(at) // numbers and booleans never fail
	return string(raw)
}

// fingerprint returns a 64-bit hash, as FNV-1a, of an id or of the users of an answer in their order.
func fingerprint[T byte | uint64](of []T) uint64 {
	hash := uint64(14695981039346656037)
	for _, part := range of {
		hash = (hash ^ uint64(part)) * 1099511628211
	}
	return hash
}
