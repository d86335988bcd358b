package whimsical

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// listResponseSchema is the schema of a list (RFC 7644 section 3.4.2).
const listResponseSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// Validate makes one small authenticated request, and fails when the token is refused or no SCIM API answers.
func (c *Client) Validate(ctx context.Context) error {
	_, err := c.list(ctx, pageQuery(1, 1))
	return err
}

// GetUser reads one user by id (RFC 7644 section 3.4.1). It fails with NotFound when there is no such user,
// and with FailedPrecondition when the API lists the user and answers 404 all the same.
func (c *Client) GetUser(ctx context.Context, id string) (*User, error) {
	user, err := c.getUser(ctx, id)
	if status.Code(err) == codes.NotFound {
		return c.missing(ctx, id, err)
	}
	return user, err
}

// getUser reads one user, and takes a 404 as it is.
func (c *Client) getUser(ctx context.Context, id string) (*User, error) {
	target := c.user(id)
	ans, err := retried(ctx, c.retryPause, func() (*answer, error) { return c.do(ctx, http.MethodGet, target, nil) })
	if answered(err, http.StatusMethodNotAllowed, http.StatusNotImplemented) {
		// The code must not be Unimplemented: on that a targeted sync passes over the user.
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

// missing decides about a user whose own address answers 404. That alone proves nothing: it may come from a
// proxy, from a server whose SCIM is switched off, or from one that cannot read the id. So the list, filtered
// by id, must lack the user as well. Where the filter is refused or ignored, a 404 that is a SCIM error is
// believed. Any other is believed once the list of users has answered and a second read finds nobody.
func (c *Client) missing(ctx context.Context, id string, notFound error) (*User, error) {
	apiErr, ok := errors.AsType[*Error](notFound)
	list, err := c.filtered(ctx, "id", id)
	refused, believed := refusesFilter(err), ok && apiErr.scim
	if refused && !believed {
		list, err = retried(ctx, c.retryPause, func() (*userList, error) { return c.list(ctx, pageQuery(1, 1)) })
	}
	if refused && believed {
		return nil, notFound
	}
	if err != nil {
		return nil, err
	}
	listed := slices.ContainsFunc(list.users, func(user *User) bool { return user.ID == id })
	if !listed && (believed || !refused && len(list.users) == 0) {
		return nil, notFound
	}
	var user *User
	if err = notFound; refused || !listed {
		user, err = c.getUser(ctx, id)
	}
	if listed && status.Code(err) == codes.NotFound {
		err = amended(err, codes.FailedPrecondition, "the API lists this user, who cannot be reached at their own address", adviceListed)
	}
	return user, err
}

// refusesFilter reports whether a server knows no such filter.
func refusesFilter(err error) bool {
	return answered(err, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusNotImplemented)
}

// filtered lists the users whose attribute has a value (RFC 7644 section 3.4.2.2), and others where the
// server ignores filters.
func (c *Client) filtered(ctx context.Context, attribute, value string) (*userList, error) {
	quoted, err := json.Marshal(value)
	if err != nil {
		return nil, Errorf(codes.InvalidArgument, "the %s cannot be encoded: %w", attribute, err)
	}
	query := pageQuery(1, pageSize)
	query.Set("filter", attribute+" eq "+string(quoted))
	list, err := retried(ctx, c.retryPause, func() (*userList, error) { return c.list(ctx, query) })
	if httpStatus(err) == http.StatusNotFound {
		// Some servers answer 404 to a filter that matches nobody. Others have no SCIM API at all, which Validate
		// finds out.
		return &userList{}, c.Validate(ctx)
	}
	return list, err
}

// LowerCase returns an address with its ASCII letters in lower case, as Whimsical wants them. Others stay as
// they are: folded, they may make another address, of another person.
func LowerCase(address string) string {
	folded := []byte(address)
	for i, c := range folded {
		if c >= 'A' && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	return string(folded)
}

// FindUser looks a user up as FindUsers does. It returns nil when there is none. Of several users it returns
// the first who is active, else the first.
func (c *Client) FindUser(ctx context.Context, userName string) (*User, error) {
	users, err := c.FindUsers(ctx, userName)
	if len(users) == 0 {
		return nil, err
	}
	return users[max(0, slices.IndexFunc(users, (*User).IsActive))], nil
}

// FindUsers looks users up by userName, without regard to the case of ASCII letters.
//
// Users whom the server returns with another userName are passed over: some servers ignore filters. It fails
// with FailedPrecondition where such an answer is only one page of all users. Where the API refuses the
// filter, it fails with InvalidArgument (400, 422) or FailedPrecondition (501).
func (c *Client) FindUsers(ctx context.Context, userName string) ([]*User, error) {
	list, err := c.filtered(ctx, "userName", userName)
	if refusesFilter(err) {
		return nil, amended(err, status.Code(err), "", adviceFilter)
	}
	if err != nil {
		return nil, err
	}
	others := func(user *User) bool { return LowerCase(user.UserName) != LowerCase(userName) }
	found := slices.DeleteFunc(slices.Clone(list.users), others)
	whole := list.total.known && list.total.value <= len(list.users)
	if len(found) == 0 && len(list.users) > 0 && !whole {
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

// list requests one page of users. A missing collection is FailedPrecondition, since NotFound reads as "no
// users" further up; its HTTP status is kept.
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
	errTooMany = errors.New("the server ignores count, and more users came in one answer than can be synced at once")
)

// readList reads the body of a list. It fails with errNotJSON, with errNoList, or with FailedPrecondition at
// the first user who cannot be read, on more than maxAnswer users, and where the server pages by cursor (RFC
// 9865) without totalResults: no user is ever left out. itemsPerPage and startIndex are not read: servers get
// them wrong.
func readList(body []byte) (*userList, error) {
	var (
		names     schemas
		total     number
		cursor    text
		resources usersReader
	)
	err := decode(body, object{
		{name: "schemas", into: &names}, {name: "totalResults", into: &total}, {name: "nextCursor", into: &cursor}, {name: "Resources", into: &resources},
	})
	switch {
	case status.Code(err) == codes.FailedPrecondition:
		return nil, err
	case err != nil:
		return nil, errNotJSON
	case resources.unreadable, !resources.present && !names.name(listResponseSchema) && !total.known:
		return nil, errNoList
	case cursor != "" && !total.known:
		return nil, Errorf(codes.FailedPrecondition,
			"GET /%s: the server pages by cursor (nextCursor), and does not report totalResults: users would be missing, so the sync stops here", usersPath)
	}
	return &userList{users: resources.users, total: total}, nil
}

// usersReader reads the Resources of a list.
type usersReader struct {
	users []*User
	// present is set when there is a list, unreadable when something else stands in its place.
	present, unreadable bool
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
		if len(r.users) > maxAnswer {
			one.problem = errTooMany
		}
		if one.problem == nil {
			return nil
		}
		return Errorf(codes.FailedPrecondition,
			"GET /%s: user %d of the answer cannot be read: %v: leaving a user out would give a wrong picture of access, so the sync stops here",
			usersPath, len(r.users), one.problem)
	})
}
