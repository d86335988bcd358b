package whimsical

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"google.golang.org/grpc/codes"
)

// confirmMissing tells whether a 404 to a request about a user means that there
// is no such user: once SCIM is switched off everything answers 404, and a proxy
// may do so for a moment. So the collection has to answer, and the user has to be
// missing at a second look. It returns missing when both hold, and otherwise an
// error that nobody takes for a missing user.
func (c *Client) confirmMissing(ctx context.Context, target *url.URL, missing error) error {
	if _, err := c.Validate(ctx); err != nil {
		return err
	}
	_, err := c.do(ctx, http.MethodGet, target, nil)
	switch {
	case err == nil:
		var apiErr *Error
		if !errors.As(missing, &apiErr) {
			return missing
		}
		there := *apiErr
		there.Code, there.reason, there.advice = codes.Unavailable, "a moment later the user was there", adviceRetry
		return &there
	case HTTPStatus(err) == http.StatusNotFound:
		return missing
	default:
		return err
	}
}

// readBack reads a user after a write, or after one whose answer was lost. Where
// the server has accepted the write, a 404 needs no second look: the user was
// there a moment ago, and some writes remove the record.
func (c *Client) readBack(ctx context.Context, id string, lost error) (*User, error) {
	if lost != nil {
		return c.GetUser(ctx, id)
	}
	return c.readOnce(ctx, id)
}
