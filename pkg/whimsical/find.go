package whimsical

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/grpc/codes"
)

// FindUser looks a user up by userName, without regard to case (RFC 7644
// section 3.4.2.2). It returns nil when there is none; of several, one who is
// active.
//
// Users whom the server returns although they have another userName are passed
// over: some servers ignore filters. Where such an answer is but the first page
// of all users, it fails with FailedPrecondition: it does not tell.
func (c *Client) FindUser(ctx context.Context, userName string) (*User, error) {
	quoted, err := encode(userName)
	if err != nil {
		return nil, failure(codes.InvalidArgument, "the userName cannot be encoded: %v", err)
	}
	query := pageQuery(1, pageSize)
	query.Set("filter", "userName eq "+string(quoted))
	list, err := c.filtered(ctx, query)
	if HTTPStatus(err) == http.StatusNotFound {
		// Some servers say so of a filter that nobody matches; the others have no
		// SCIM API at all.
		if _, err := c.Validate(ctx); err != nil {
			return nil, err
		}
		if list, err = c.filtered(ctx, query); HTTPStatus(err) == http.StatusNotFound {
			return nil, nil
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
		return nil, failure(codes.FailedPrecondition,
			"GET %s: the server ignores the filter and returns users page by page: whether this user exists cannot be told", c.displayPath(c.users))
	}
	return found, nil
}

// filtered requests the users that match a filter, once more without count
// where the server refuses that.
func (c *Client) filtered(ctx context.Context, query url.Values) (*userList, error) {
	list, err := c.list(ctx, query)
	var apiErr *Error
	if !errors.As(err, &apiErr) || apiErr.StatusCode != http.StatusBadRequest || apiErr.ScimType == "invalidFilter" {
		return list, err
	}
	query.Del("count")
	return c.list(ctx, query)
}
