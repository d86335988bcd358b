// Package whimsical is a client of Whimsical's SCIM 2.0 API.
//
// Endpoints used, relative to the base URL (RFC 7644):
//
//	GET    /Users?startIndex=&count=   one page of users (section 3.4.2)
//	GET    /Users?filter=              a user by userName or id (section 3.4.2.2)
//	GET    /Users/{id}                 one user (section 3.4.1)
//	POST   /Users                      create a user (section 3.3)
//	PATCH  /Users/{id}                 change role or status (section 3.5.2)
//	DELETE /Users/{id}                 remove a user (section 3.6)
//
// Every request carries the workspace's SCIM OAuth token. The token has no scopes: it may do all of the above.
//
// Documentation: https://help.whimsical.com/security/scim
package whimsical

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/conductorone/baton-sdk/pkg/uhttp"
	"github.com/go-json-experiment/json"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
)

const (
	usersPath = "Users"

	acceptTypes     = "application/scim+json, application/json"
	scimContentType = "application/scim+json"
)

// Client talks to one Whimsical workspace. It is safe for concurrent use.
type Client struct {
	http   *uhttp.BaseHttpClient
	users  *url.URL
	secret *regexp.Regexp // the token, however it is spelt
	// retryPause is about the first pause between two tries of a request.
	retryPause time.Duration
}

// New returns a client of the workspace whose SCIM API is at baseURL (with or without a trailing slash). It
// makes no request. A base URL that is malformed or would send the token unencrypted over a network, and a
// token that cannot be sent in a header, are refused with InvalidArgument.
func New(ctx context.Context, baseURL, token string) (*Client, error) {
	base, err := parseBaseURL(baseURL)
	if err != nil {
		return nil, err
	}
	token = strings.TrimSpace(token)
	if token == "" {
		return nil, Errorf(codes.InvalidArgument, "whimsical-token is empty: set it to the workspace's SCIM OAuth token (BATON_WHIMSICAL_TOKEN)")
	}
	if len(token) > 1<<14 || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\'' }) {
		return nil, Errorf(codes.InvalidArgument,
			"whimsical-token holds characters that no SCIM OAuth token has, or too many of them: copy it again, without quotes, spaces or line breaks")
	}

	httpClient, err := uhttp.NewClient(ctx, uhttp.WithUserAgent("baton-whimsical"))
	if err != nil {
		return nil, Errorf(codes.Internal, "no HTTP client: %w", err)
	}
	httpClient.Transport = &transport{next: httpClient.Transport, authorization: "Bearer " + token}
	httpClient.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	// The SDK's cache is off: decisions need fresh reads, and no page is read twice. The SDK takes the cache's
	// settings from the environment alone.
	if err := os.Setenv("BATON_DISABLE_HTTP_CACHE", "true"); err != nil {
		return nil, Errorf(codes.Internal, "the SDK's response cache cannot be switched off: %w", err)
	}
	wrapped, err := uhttp.NewBaseHttpClientWithContext(quiet(ctx), httpClient)
	if err != nil {
		return nil, Errorf(codes.Internal, "no HTTP client: %w", err)
	}
	return &Client{http: wrapped, users: base.JoinPath(usersPath), secret: secretPattern(token), retryPause: firstRetryPause}, nil
}

// BaseURL returns the base URL that all requests go below, with a trailing slash.
func (c *Client) BaseURL() *url.URL {
	return c.users.JoinPath("../")
}

// answer is a whole response of the API.
type answer struct {
	statusCode int
	header     http.Header
	body       []byte
}

// isWebPage reports whether the answer is HTML, as those of proxies are.
func (a *answer) isWebPage() bool {
	return bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<"))
}

// do is the one way to the API: it sends a request, reads the whole answer and turns everything but a 2xx
// status into an *Error.
func (c *Client) do(ctx context.Context, method string, target *url.URL, body any) (*answer, error) {
	if target.Path == c.users.Path+"/" {
		return nil, Errorf(codes.InvalidArgument, "a user is needed, but the id is empty") // else it would be a request for all users
	}
	options := []uhttp.RequestOption{
		uhttp.WithAccept(acceptTypes),
		uhttp.WithNoCache(),
	}
	if body != nil {
		encoded, err := json.Marshal(body, json.Deterministic(true))
		if err != nil {
			return nil, Errorf(codes.Internal, "a %s body cannot be encoded: %w", method, err)
		}
		options = append(options, uhttp.WithBody(encoded), uhttp.WithContentType(scimContentType))
	}
	path := c.displayPath(target)
	req, err := c.http.NewRequest(quiet(ctx), method, target, options...)
	if err != nil {
		return nil, &Error{Code: codes.InvalidArgument, Method: method, Path: path, reason: "the request cannot be made", advice: adviceBaseURL}
	}

	ans := &answer{}
	started := time.Now()
	resp, err := c.http.Do(req, func(read *uhttp.WrapperResponse) error {
		ans.body = bytes.TrimPrefix(read.Body, []byte("\xef\xbb\xbf"))
		return nil
	})
	if resp != nil {
		defer func() { _ = resp.Body.Close() }() // the SDK has read it whole
		ans.statusCode, ans.header = resp.StatusCode, resp.Header
	}
	ctxzap.Extract(ctx).Debug(Prefix+"request",
		zap.String("method", method), zap.String("path", path),
		zap.Int("status", ans.statusCode), zap.Int("bytes", len(ans.body)), zap.Duration("duration", time.Since(started)))

	if resp != nil && (resp.StatusCode < 200 || resp.StatusCode > 299) {
		return nil, c.readError(method, path, ans)
	}
	if err != nil {
		return nil, transportError(ctx, method, path, err)
	}
	return ans, nil
}

// user returns the URL of one user: the id is one escaped path element, whatever characters it has.
func (c *Client) user(id string) *url.URL {
	// A plus sign is legal in a path, but some servers read it as a space.
	escaped := strings.ReplaceAll(url.PathEscape(id), "+", "%2B")
	if id == "." || id == ".." {
		escaped = strings.ReplaceAll(id, ".", "%2E")
	}
	target := *c.users
	target.RawPath = c.users.EscapedPath() + "/" + escaped
	target.Path = c.users.Path + "/" + id
	return &target
}

// displayPath is the path as errors and logs name it: an id that is or holds an e-mail address stays out.
func (c *Client) displayPath(target *url.URL) string {
	path := target.EscapedPath()
	element := strings.TrimPrefix(path, c.users.EscapedPath())
	if atSign.MatchString(element) {
		return c.users.EscapedPath() + "/{id}"
	}
	return c.secret.ReplaceAllString(path, "[redacted]")
}

// quiet keeps the SDK's client from logging: it would log whole URLs, filters with e-mail addresses included,
// and every failure that is returned as well.
func quiet(ctx context.Context) context.Context {
	return ctxzap.ToContext(ctx, zap.NewNop())
}
