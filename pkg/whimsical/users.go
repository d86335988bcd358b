package whimsical

import (
	"bytes"
	"context"
	"net/http"
	"net/url"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// UserPage is what one request of a listing brought.
type UserPage struct {
	// Users are the users to take over; a user may come again in a later page,
	// whose observation is the newer one. It may be empty.
	Users []*User
	// Seq numbers the pages of a listing from 0, First is the number of the
	// first page of the pass that this page belongs to.
	Seq, First int
	// Next is the token of the next page. It is empty when Ended is set.
	Next string
	// Ended is set on the last page of a pass: Conclude tells what comes next.
	Ended bool
	// RateLimit is what the answer told of the API's rate limit, or nil.
	RateLimit *v2.RateLimitDescription

	after cursor
}

// Conclude returns, for a page with Ended set, the token that the listing goes
// on with, or "" when it is complete. It fails with Aborted when the users kept
// moving while they were read, and with FailedPrecondition when the server
// claims more users than it returns.
func (p *UserPage) Conclude(evidence Evidence) (string, error) {
	return p.after.conclude(evidence)
}

// ListUsers makes one request of a listing of all users (RFC 7644 section
// 3.4.2). The token is "" for the first page, then the last page's Next or
// what its Conclude returned. A listing whose pages all succeed, up to an
// empty token, holds every user who was in the workspace all along; see
// listing.go.
//
// A base URL where no SCIM API answers fails with FailedPrecondition, never
// with NotFound: the SDK takes a missing list for an empty one.
func (c *Client) ListUsers(ctx context.Context, token string) (*UserPage, error) {
	cur, err := parseCursor(token)
	if err != nil {
		return nil, err
	}
	count := pageSize
	if cur.NoCount {
		count = 0
	}
	list, err := c.list(ctx, pageQuery(cur.startIndex(), count))
	if HTTPStatus(err) == http.StatusBadRequest && !cur.NoCount {
		// Some servers refuse a count above their own limit: go on with their
		// default page.
		next := cur
		next.Seq++
		next.NoCount = true
		return &UserPage{Seq: cur.Seq, First: cur.First, Next: next.token()}, nil
	}
	if err != nil {
		return nil, err
	}

	if len(list.users) == 0 && !list.total.known && cur.Read == 0 {
		// An answer that tells nothing must not empty a workspace; totalResults is
		// required (RFC 7644 section 3.4.2).
		return nil, failure(codes.FailedPrecondition,
			"GET %s: the answer holds no users and does not say that there are none: check base-url", c.displayPath(c.users))
	}
	rows := make([]row, len(list.users))
	for i, user := range list.users {
		rows[i] = row{hash: Fingerprint(user.ID), size: list.sizes[i]}
		if !user.Created.IsZero() {
			rows[i].created = user.Created.Unix()
		}
	}
	s, err := cur.advance(view{rows: rows, total: list.total, asked: count, now: list.now.Unix()})
	if err != nil {
		return nil, err
	}
	page := &UserPage{Seq: cur.Seq, First: cur.First, Ended: s.end, RateLimit: list.rateLimit, after: s.next}
	page.Users = list.users[s.from:s.to]
	if !s.end {
		page.Next = s.next.token()
	}
	return page, nil
}

// Validate makes one small authenticated request, and fails when the token is
// refused or no SCIM API answers.
func (c *Client) Validate(ctx context.Context) (*v2.RateLimitDescription, error) {
	list, err := c.list(ctx, pageQuery(1, 1))
	if err != nil {
		return nil, err
	}
	return list.rateLimit, nil
}

// GetUser reads one user by id (RFC 7644 section 3.4.1). It fails with
// NotFound when there is no such user.
func (c *Client) GetUser(ctx context.Context, id string) (*User, error) {
	user, err := c.readOnce(ctx, id)
	if status.Code(err) == codes.NotFound {
		return nil, c.confirmMissing(ctx, c.user(id), err)
	}
	return user, err
}

// readOnce reads one user and takes a 404 as it is.
func (c *Client) readOnce(ctx context.Context, id string) (*User, error) {
	target := c.user(id)
	ans, err := c.do(ctx, http.MethodGet, target, nil)
	switch HTTPStatus(err) {
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		// Not Unimplemented: a targeted sync passes over users for that.
		return nil, asListError(err)
	}
	if err != nil {
		return nil, err
	}
	user, reason := readUser(trimBOM(ans.body))
	if reason != nil || user.ID != id {
		return nil, c.notSCIM(http.MethodGet, target, ans, "the answer is not the user that was asked for")
	}
	return user, nil
}

// notSCIM describes a 2xx answer that is not what the request asked for.
func (c *Client) notSCIM(method string, target *url.URL, ans *answer, reason string) *Error {
	body := bytes.TrimSpace(trimBOM(ans.body))
	switch {
	case len(body) == 0:
		reason += ", it is empty"
	case body[0] == '<':
		reason += ", it is a web page"
	}
	return &Error{
		Code: codes.FailedPrecondition, Method: method, Path: c.displayPath(target),
		StatusCode: ans.statusCode, reason: reason, advice: adviceBaseURL,
	}
}
