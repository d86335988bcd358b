package whimsical

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is a failed request to Whimsical's SCIM API. Its text holds the
// method, the path without query, the HTTP status and the server's own SCIM
// detail (bounded, without control characters, e-mail addresses or the token), and what the operator can do. It never holds a body.
type Error struct {
	// Code is the gRPC code that the SDK acts on and the one-shot binary exits with.
	Code codes.Code
	// Method and Path name the request; Path has no query.
	Method, Path string
	// StatusCode is the HTTP status, or 0 when no answer arrived.
	StatusCode int
	// RateLimit is set on 429 and 5xx answers.
	RateLimit *v2.RateLimitDescription

	// Detail is the server's own reason (RFC 7644 section 3.12), cleaned, or "".
	Detail string

	reason string
	advice string
	// scim is set when the answer is a SCIM error.
	scim bool
}

// Error returns the message described on the type.
func (e *Error) Error() string {
	text := fmt.Sprintf("baton-whimsical: %s %s", e.Method, e.Path)
	if e.StatusCode != 0 {
		text += strings.TrimRight(fmt.Sprintf(" answered %d %s", e.StatusCode, http.StatusText(e.StatusCode)), " ")
	}
	for _, part := range []string{e.reason, e.Detail, e.advice} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
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
	if apiErr, ok := errors.AsType[*Error](err); ok {
		return apiErr.StatusCode
	}
	return 0
}

// Errorf returns an error that is no answer of the API, with a code chosen on
// purpose and the prefix of all errors. As in fmt.Errorf, %w wraps a cause.
//
// Nothing is wrapped that quotes a URL, or bytes of a server or a proxy, as the
// errors of net/http and of a JSON decoder do: tokens and e-mail addresses stand
// in both. The text names the kind of failure instead.
func Errorf(code codes.Code, format string, args ...any) error {
	return &codedError{error: fmt.Errorf("baton-whimsical: "+format, args...), code: code}
}

// codedError is an error with a gRPC code, which status.Errorf cannot wrap.
type codedError struct {
	error

	code codes.Code
}

// Unwrap returns the cause, or nil.
func (e *codedError) Unwrap() error { return errors.Unwrap(e.error) }

// GRPCStatus lets status.Code find the code, and gRPC carry it.
func (e *codedError) GRPCStatus() *status.Status { return status.New(e.code, e.Error()) }

const (
	adviceToken = "the SCIM token was refused: reveal it again in Whimsical's Workspace settings and update " +
		"whimsical-token (BATON_WHIMSICAL_TOKEN)"
	adviceForbidden = "the token may not do this: SCIM provisioning must be enabled in Whimsical's Workspace settings, " +
		"which takes a plan that includes SCIM, and SAML SSO"
	adviceBaseURL = "no SCIM API answers at this address: check base-url (the default is " + DefaultBaseURL +
		"), and that SCIM provisioning is still enabled in Whimsical's Workspace settings (disabling SAML SSO disables SCIM)"
	adviceWebPage = "a web page answered, not Whimsical's API: a firewall, a proxy or an allow-list stands between, " +
		"allow this machine to reach base-url"
	adviceFilter   = "the API cannot look people up by userName (it refuses the filter): check base-url, and create the user in Whimsical"
	adviceRedirect = "a redirect is not followed, since that would hand the token to another address: check base-url"
	adviceRetry    = "Whimsical's API is failing at the moment: try again later"
	adviceSlower   = "the API's rate limit is reached: try again later"
)

// codeAndAdvice chooses what an HTTP status means to the caller.
func codeAndAdvice(statusCode int) (codes.Code, string) {
	switch {
	case statusCode >= 300 && statusCode < 400:
		return codes.FailedPrecondition, adviceRedirect
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

// scimErrorSchema is the schema of an error (RFC 7644 section 3.12).
const scimErrorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

// readError turns a failed answer into an *Error.
func (c *Client) readError(method, path string, ans *answer) *Error {
	statusCode := ans.statusCode
	if statusCode == http.StatusForbidden && limited(ans.header) {
		statusCode = http.StatusTooManyRequests
	}
	code, advice := codeAndAdvice(statusCode)
	e := &Error{
		Code:       code,
		Method:     method,
		Path:       path,
		StatusCode: ans.statusCode,
		RateLimit:  retryAdvice(statusCode, ans.header),
		advice:     advice,
	}
	if statusCode == http.StatusForbidden && ans.isWebPage() {
		e.advice = adviceWebPage
	}
	var (
		names  schemas
		detail text
	)
	err := decode(ans.body, object{
		{name: "schemas", into: &names}, {name: "detail", into: &detail},
	})
	if err == nil { // a body of any other form is left out of the message
		e.Detail = c.clean(string(detail))
		e.scim = names.name(scimErrorSchema)
	}
	return e
}

// notSCIM describes a 2xx answer that is not what the request asked for.
func (c *Client) notSCIM(method string, target *url.URL, ans *answer, reason string) *Error {
	switch {
	case len(bytes.TrimSpace(ans.body)) == 0:
		reason += ", it is empty"
	case ans.isWebPage():
		reason += ", it is a web page"
	}
	return c.failed(method, target, ans.statusCode, reason, adviceBaseURL)
}

// failed describes an answer that leaves a request undone, whatever its status.
func (c *Client) failed(method string, target *url.URL, statusCode int, reason, advice string) *Error {
	return &Error{
		Code: codes.FailedPrecondition, Method: method, Path: c.displayPath(target), StatusCode: statusCode,
		reason: reason, advice: advice,
	}
}

// asListError gives a missing or refused collection a code that no caller
// takes for an empty one.
func asListError(err error) error {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		switch apiErr.StatusCode {
		case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
			apiErr.Code = codes.FailedPrecondition
			apiErr.advice = adviceBaseURL
		}
	}
	return err
}

const (
	adviceNetwork   = "check the network, the proxy settings and base-url"
	adviceClock     = "check this machine's clock, and whether a proxy answers in the server's place"
	adviceAuthority = "where a proxy inspects TLS, give its certificate authority in SSL_CERT_FILE; else check base-url"
	adviceProxy     = "put a user and a password into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT"
)

// transportError describes a request that got no whole answer. Only the kind
// of failure enters the text, see [Errorf].
func transportError(ctx context.Context, method, path string, err error) *Error {
	e := &Error{Code: codes.Unavailable, Method: method, Path: path, reason: "no whole answer arrived", advice: adviceNetwork}
	dnsErr, isDNS := errors.AsType[*net.DNSError](err)
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case isA[*http.MaxBytesError](err):
		e.Code, e.reason, e.advice = codes.FailedPrecondition, "the answer is larger than 16 MiB", adviceBaseURL
	case errors.Is(ctx.Err(), context.Canceled):
		e.Code, e.reason, e.advice = codes.Canceled, "the request was cancelled", ""
	case isDNS && dnsErr.IsNotFound:
		e.Code, e.reason = codes.FailedPrecondition, "the host name is unknown"
	case errors.Is(err, context.DeadlineExceeded), isNet && netErr.Timeout(),
		status.Code(err) == codes.DeadlineExceeded: // the SDK's transport replaces some timeouts by a status of its own
		e.Code, e.reason = codes.DeadlineExceeded, "no whole answer arrived in time"
	case isA[*tls.CertificateVerificationError](err), isA[x509.HostnameError](err):
		e.Code = codes.FailedPrecondition
		e.reason, e.advice = certificateError(err)
	case isA[tls.RecordHeaderError](err), errors.Is(err, http.ErrSchemeMismatch):
		e.Code, e.reason = codes.FailedPrecondition, "the server does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.reason = "the connection was refused"
	case proxyWantsLogin(err):
		e.Code, e.reason, e.advice = codes.FailedPrecondition, "the proxy asks for a login (407)", adviceProxy
	}
	return e
}

// certificateError returns what is wrong with the server's certificate and what
// to do. The first reason counts: crypto/x509 looks at the time, then at the
// name, then for an authority.
func certificateError(err error) (string, string) {
	invalid, _ := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case invalid.Reason == x509.Expired:
		return "the server's TLS certificate has expired or is not valid yet", adviceClock
	case isA[x509.HostnameError](err):
		return "the server's TLS certificate is for another host", adviceNetwork
	default:
		return "the server's TLS certificate is not trusted", adviceAuthority
	}
}

// proxyWantsLogin reports whether a proxy answered CONNECT with 407 (RFC 9110
// section 15.5.8). The error of net/http holds the reason phrase alone.
func proxyWantsLogin(err error) bool {
	urlErr, ok := errors.AsType[*url.Error](err)
	return ok && strings.EqualFold(urlErr.Err.Error(), http.StatusText(http.StatusProxyAuthRequired))
}

// isA reports whether an error is or wraps one of the type.
func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}
