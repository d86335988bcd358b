package whimsical

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
)

// Schemas of messages (RFC 7644 sections 3.4.2 and 3.12).
const (
	listResponseSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	errorSchema        = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// userList is a ListResponse of users (RFC 7644 section 3.4.2).
type userList struct {
	users     []*User
	sizes     []int
	total     number
	now       time.Time
	rateLimit *v2.RateLimitDescription
}

// wireList is a ListResponse as it comes. itemsPerPage and startIndex are not
// read: servers get them wrong.
type wireList struct {
	Schemas      json.RawMessage `json:"schemas"`
	TotalResults number          `json:"totalResults"`
	Resources    json.RawMessage `json:"Resources"`
}

var (
	errNotJSON = errors.New("the answer is not JSON")
	errNoList  = errors.New("the answer is no SCIM ListResponse")
)

// unreadableUser is a user of a list who cannot be read.
type unreadableUser struct {
	// number counts the users of the answer from 1.
	number int
	reason error
}

func (e *unreadableUser) Error() string {
	return e.reason.Error()
}

// list requests one page of users. A missing collection is FailedPrecondition,
// since NotFound reads as "no users" further up; its HTTP status is kept.
func (c *Client) list(ctx context.Context, query url.Values) (*userList, error) {
	target := *c.users
	// RFC 3986 and what identity providers send: a space is %20, not a plus.
	target.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	ans, err := c.do(ctx, http.MethodGet, &target, nil)
	if err != nil {
		return nil, asListError(err)
	}
	list, err := readList(trimBOM(ans.body))
	var bad *unreadableUser
	switch {
	case errors.As(err, &bad):
		return nil, failure(codes.FailedPrecondition,
			"GET %s: user %d of the answer cannot be read: %v: leaving a user out would give a wrong picture of access, so the sync stops here",
			c.displayPath(&target), bad.number, bad.reason)
	case err != nil:
		return nil, c.notSCIM(http.MethodGet, &target, ans, err.Error())
	}
	list.now, list.rateLimit = ans.now(), ans.rateLimit()
	return list, nil
}

func pageQuery(start, count int) url.Values {
	query := url.Values{"startIndex": {strconv.Itoa(start)}}
	if count > 0 {
		query.Set("count", strconv.Itoa(count))
	}
	return query
}

// readList reads the body of a list. It fails with errNotJSON, errNoList, or
// with an *unreadableUser: no user is ever left out.
func readList(body []byte) (*userList, error) {
	if list, ok := readPlainUsers(body); ok {
		return list, nil
	}
	return readOddList(body)
}

// readOddList reads the body of a list leniently.
func readOddList(body []byte) (*userList, error) {
	var wire wireList
	if err := json.Unmarshal(body, &wire); err != nil && !json.Valid(body) {
		return nil, errNotJSON
	}
	resources := bytes.TrimSpace(wire.Resources)
	absent := len(resources) == 0 || string(resources) == "null"
	named := names(wire.Schemas, listResponseSchema)
	if absent && !named && !wire.TotalResults.known || !absent && resources[0] != '[' {
		return nil, errNoList
	}
	list := &userList{total: wire.TotalResults}
	if absent {
		return list, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(resources, &items); err != nil {
		return nil, errNoList
	}
	for i, item := range items {
		user, err := readUser(item)
		if err != nil {
			return nil, &unreadableUser{number: i + 1, reason: err}
		}
		list.users = append(list.users, user)
		list.sizes = append(list.sizes, len(item))
	}
	return list, nil
}

// names tells whether the schemas of a message hold one, without regard to case and
// to whether they are a list.
func names(schemas json.RawMessage, schema string) bool {
	return bytes.Contains(bytes.ToLower(schemas), []byte(strings.ToLower(schema)))
}

// asListError gives a missing or refused collection a code that no caller
// takes for an empty one.
func asListError(err error) error {
	apiErr, ok := err.(*Error) //nolint:errorlint // do returns it unwrapped
	if !ok {
		return err
	}
	switch apiErr.StatusCode {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		apiErr.Code = codes.FailedPrecondition
		apiErr.advice = adviceBaseURL
	}
	return apiErr
}
