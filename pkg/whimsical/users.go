package whimsical

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// listResponseSchema is the schema of a list (RFC 7644 section 3.4.2).
const listResponseSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// Validate makes one small authenticated request, and fails when the token is
// refused or no SCIM API answers.
func (c *Client) Validate(ctx context.Context) error {
	_, err := c.list(ctx, pageQuery(1, 1))
	return err
}

// GetUser reads one user by id (RFC 7644 section 3.4.1). It fails with
// NotFound when there is no such user. A 404 that is no SCIM error may come from
// a proxy, or from a server whose SCIM is switched off, which answers 404 to
// everything: there the collection has to answer before a second 404 is believed.
func (c *Client) GetUser(ctx context.Context, id string) (*User, error) {
	return retried(ctx, c.retryPause, func() (*User, error) {
		user, err := c.getUser(ctx, id)
		if apiErr, ok := errors.AsType[*Error](err); status.Code(err) != codes.NotFound || ok && apiErr.scim {
			return user, err
		}
		if unavailable := c.Validate(ctx); unavailable != nil {
			return nil, unavailable
		}
		return c.getUser(ctx, id)
	})
}

// getUser reads one user once, and takes a 404 as it is.
func (c *Client) getUser(ctx context.Context, id string) (*User, error) {
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
	user, reason := readUser(ans.body)
	if reason != nil || user.ID != id {
		return nil, c.notSCIM(http.MethodGet, target, ans, "the answer is not the user that was asked for")
	}
	return user, nil
}

// FindUser looks a user up by userName, without regard to case (RFC 7644
// section 3.4.2.2). It returns nil when there is none; of several, one who is
// active.
//
// Users whom the server returns although they have another userName are passed
// over: some servers ignore filters. It fails with FailedPrecondition where such
// an answer is but the first page of all users, and where the API knows no
// filters.
func (c *Client) FindUser(ctx context.Context, userName string) (*User, error) {
	quoted, err := json.Marshal(userName)
	if err != nil {
		return nil, Errorf(codes.InvalidArgument, "the userName cannot be encoded: %w", err)
	}
	query := pageQuery(1, pageSize)
	query.Set("filter", "userName eq "+string(quoted))
	list, err := retried(ctx, c.retryPause, func() (*userList, error) { return c.list(ctx, query) })
	switch HTTPStatus(err) {
	case http.StatusNotFound:
		// Some servers say so of a filter that nobody matches; the others have no
		// SCIM API at all.
		return nil, c.Validate(ctx)
	case http.StatusBadRequest, http.StatusNotImplemented:
		if apiErr, ok := errors.AsType[*Error](err); ok {
			apiErr.advice = adviceFilter
		}
	}
	if err != nil {
		return nil, err
	}

	var found *User
	others := false
	for _, user := range list.users {
		switch {
		case !strings.EqualFold(user.UserName, userName):
			others = true
		case found == nil || !found.IsActive() && user.IsActive():
			found = user
		}
	}
	if whole := list.total.known && list.total.value <= len(list.users); found == nil && others && !whole {
		return nil, Errorf(codes.FailedPrecondition,
			"GET %s: the server ignores the filter and returns users page by page: whether this user exists cannot be seen", c.displayPath(c.users))
	}
	return found, nil
}

// userList is a ListResponse of users.
type userList struct {
	users     []*User
	total     number
	rateLimit *v2.RateLimitDescription
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
	list, err := readList(ans.body)
	if errors.Is(err, errNotJSON) || errors.Is(err, errNoList) {
		return nil, c.notSCIM(http.MethodGet, &target, ans, err.Error())
	}
	if err != nil {
		return nil, err
	}
	list.rateLimit = rateLimit(ans.header)
	return list, nil
}

var (
	errNotJSON = errors.New("the answer is not JSON")
	errNoList  = errors.New("the answer is no SCIM ListResponse")
)

// readList reads the body of a list. It fails with errNotJSON, errNoList, or with
// FailedPrecondition on a user who cannot be read: nobody is ever left out.
// itemsPerPage and startIndex are not read: servers get them wrong.
func readList(body []byte) (*userList, error) {
	var (
		names     schemas
		total     number
		resources usersReader
	)
	err := decode(body, object{
		{name: "schemas", into: &names}, {name: "totalResults", into: &total}, {name: "Resources", into: &resources},
	})
	switch {
	case err != nil:
		return nil, errNotJSON
	case resources.unreadable, !resources.present && !names.name(listResponseSchema) && !total.known:
		return nil, errNoList
	case resources.problem != nil:
		return nil, resources.problem
	}
	return &userList{users: resources.users, total: total}, nil
}

// usersReader reads the Resources of a list.
type usersReader struct {
	users []*User
	// present is set when there is a list, unreadable when something else stands
	// in its place.
	present, unreadable bool
	problem             error
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *usersReader) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	kind := dec.PeekKind()
	*r = usersReader{present: kind == '[', unreadable: kind != '[' && kind != 'n'}
	if !r.present {
		return dec.SkipValue()
	}
	return readAll(dec, ']', func() error {
		var one userReader
		if err := one.UnmarshalJSONFrom(dec); err != nil {
			return err
		}
		r.users = append(r.users, one.user)
		if one.problem != nil && r.problem == nil {
			r.problem = Errorf(codes.FailedPrecondition,
				"GET /%s: user %d of the answer cannot be read: %v: leaving a user out would give a wrong picture of access, so the sync stops here",
				usersPath, len(r.users), one.problem)
		}
		return nil
	})
}
