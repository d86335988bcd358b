package whimsical

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is a failed request to Whimsical's SCIM API. Its text holds the
// method, the path without query, the HTTP status and the server's own SCIM
// detail (bounded, without control characters, e-mail addresses or parts of
// the token), and what the operator can do. It never holds a body.
type Error struct {
	// Code is the gRPC code that the SDK acts on and the one-shot binary exits with.
	Code codes.Code
	// Method and Path name the request; Path has no query.
	Method, Path string
	// StatusCode is the HTTP status, or 0 when no answer arrived.
	StatusCode int
	// ScimType is the error's scimType (RFC 7644 section 3.12), or "".
	ScimType string
	// RateLimit is set on 429 and 5xx answers.
	RateLimit *v2.RateLimitDescription

	reason string
	detail string
	advice string
	// scim is set when the answer is a SCIM error.
	scim bool
	// unseen is what Unseen tells.
	unseen bool
	// unconfirmed is set when the change was made, and the read that was to show it
	// failed.
	unconfirmed bool
}

// Error returns the message described on the type.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "baton-whimsical: %s %s", e.Method, e.Path)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, " answered %d", e.StatusCode)
		if text := http.StatusText(e.StatusCode); text != "" {
			b.WriteString(" " + text)
		}
	}
	for _, part := range []string{e.reason, e.detail, e.advice} {
		if part != "" {
			b.WriteString(": " + part)
		}
	}
	return b.String()
}

// GRPCStatus lets the gRPC server of the SDK carry the code and the rate limit
// to the other side.
func (e *Error) GRPCStatus() *status.Status {
	st := status.New(e.Code, e.Error())
	if e.RateLimit != nil {
		if detailed, err := st.WithDetails(e.RateLimit); err == nil {
			return detailed
		}
	}
	return st
}

// HTTPStatus returns the HTTP status of the failed request that err wraps, or
// 0 when err is not an *Error or no answer arrived.
func HTTPStatus(err error) int {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		return apiErr.StatusCode
	}
	return 0
}

// failure makes an error that is no answer of the API, with a code chosen on
// purpose.
func failure(code codes.Code, format string, args ...any) error {
	return status.Errorf(code, "baton-whimsical: "+format, args...)
}

const (
	adviceToken = "the SCIM token was refused: reveal it again in Whimsical's Workspace settings and update " +
		"whimsical-token (BATON_WHIMSICAL_TOKEN)"
	adviceForbidden = "the token may not do this: SCIM provisioning must be enabled in Whimsical's Workspace settings, " +
		"which takes the Enterprise plan and SAML SSO"
	adviceBaseURL = "no SCIM API answers at this address: check base-url (the default is " + DefaultBaseURL +
		"), and that SCIM provisioning is still enabled in Whimsical's Workspace settings (disabling SAML SSO disables SCIM)"
	adviceRedirect = "a redirect is not followed, since that would hand the token to another address: check base-url"
	adviceRetry    = "Whimsical's API is failing at the moment: try again later"
	adviceSlower   = "the API's rate limit is reached: try again later"
)

// codeAndAdvice chooses what an HTTP status means to the caller.
func codeAndAdvice(statusCode int) (codes.Code, string) {
	switch {
	case statusCode >= 300 && statusCode < 400:
		return codes.FailedPrecondition, adviceRedirect
	case statusCode == http.StatusBadRequest:
		return codes.InvalidArgument, ""
	case statusCode == http.StatusUnauthorized:
		return codes.Unauthenticated, adviceToken
	case statusCode == http.StatusForbidden:
		return codes.PermissionDenied, adviceForbidden
	case statusCode == http.StatusNotFound || statusCode == http.StatusGone:
		return codes.NotFound, ""
	case statusCode == http.StatusRequestTimeout:
		return codes.DeadlineExceeded, adviceRetry
	case statusCode == http.StatusConflict:
		return codes.AlreadyExists, ""
	case statusCode == http.StatusTooManyRequests:
		return codes.Unavailable, adviceSlower
	case statusCode == http.StatusNotImplemented:
		return codes.Unimplemented, ""
	case statusCode >= 500 && statusCode < 600:
		return codes.Unavailable, adviceRetry
	case statusCode >= 400 && statusCode < 500:
		return codes.InvalidArgument, ""
	default:
		return codes.Unknown, adviceBaseURL
	}
}

// scimError is the body of a failed answer (RFC 7644 section 3.12). Whatever
// has another shape is left out of the message.
type scimError struct {
	Schemas  json.RawMessage `json:"schemas"`
	ScimType text            `json:"scimType"`
	Detail   text            `json:"detail"`
}

// readError turns a failed answer into an *Error.
func (c *Client) readError(method, path string, ans *answer) *Error {
	code, advice := codeAndAdvice(ans.statusCode)
	e := &Error{
		Code:       code,
		Method:     method,
		Path:       path,
		StatusCode: ans.statusCode,
		RateLimit:  retryAdvice(ans.statusCode, ans.header),
		advice:     advice,
	}
	var body scimError
	if err := json.Unmarshal(trimBOM(ans.body), &body); err == nil {
		e.ScimType = c.redact.text(string(body.ScimType))
		e.detail = c.redact.text(string(body.Detail))
		e.scim = names(body.Schemas, errorSchema)
	}
	return e
}
