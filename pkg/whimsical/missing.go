package whimsical

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// confirmMissing tells whether a 404 to a request about a user means that there
// is no such user. It does when it is a SCIM error (RFC 7644 section 3.12), which
// the SCIM API alone writes. Any other may come from a proxy, or from a server
// whose SCIM is switched off, which answers 404 to everything: then the collection
// has to answer, and the user has to be missing at a second look. It returns
// missing when that holds, and otherwise an error that nobody takes for a missing
// user.
func (c *Client) confirmMissing(ctx context.Context, target *url.URL, missing error) error {
	var apiErr *Error
	if errors.As(missing, &apiErr) && apiErr.scim {
		return missing
	}
	if _, err := c.Validate(ctx); err != nil {
		return err
	}
	_, err := c.do(ctx, http.MethodGet, target, nil)
	switch {
	case err == nil:
		there := &Error{Method: http.MethodGet, Path: c.displayPath(target), StatusCode: HTTPStatus(missing)}
		there.Code, there.reason, there.advice = codes.Unavailable, "a moment later the user was there", adviceRetry
		return there
	case status.Code(err) == codes.NotFound:
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
