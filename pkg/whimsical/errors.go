package whimsical

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Prefix stands in front of what the connector logs, and of its errors.
const Prefix = "baton-whimsical: "

// Error is a failed request to Whimsical's SCIM API. Its text holds the method, the path without query, the
// HTTP status and the server's own SCIM detail (bounded, without control characters, e-mail addresses or the
// token), and what the operator can do. It never holds a body.
type Error struct {
	// Code is the gRPC code that the SDK acts on and the one-shot binary exits with.
	Code codes.Code
	// Method and Path name the request; Path has no query.
	Method, Path string
	// StatusCode is the HTTP status, or 0 when no answer arrived.
	StatusCode int
	// RateLimit is set on 429 and 5xx answers, and on a 403 that limits the rate.
	RateLimit *v2.RateLimitDescription

	// Detail is the server's own reason (RFC 7644 section 3.12), cleaned, or "".
	Detail string

	reason, advice string
	// scim is set when the answer is a SCIM error.
	scim bool
}

// Error returns the message described on the type.
func (e *Error) Error() string {
	text := Prefix + e.Method + " " + e.Path
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

// GRPCStatus lets the gRPC server of the SDK carry the code and the rate limit to the other side.
func (e *Error) GRPCStatus() *status.Status {
	st := status.New(e.Code, e.Error())
	if e.RateLimit != nil {
		if detailed, err := st.WithDetails(e.RateLimit); err == nil {
			return detailed
		}
	}
	return st
}

// httpStatus returns the HTTP status of the failed request that err wraps, or 0 when err is not an *Error or
// no answer arrived.
func httpStatus(err error) int {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		return apiErr.StatusCode
	}
	return 0
}

// answered reports whether a request failed with one of some HTTP statuses.
func answered(err error, statusCodes ...int) bool {
	return slices.Contains(statusCodes, httpStatus(err))
}

// isMissing reports whether a server answered 404 or 410, which may speak of the endpoint as well as of the
// user (RFC 7644 section 3.12).
func isMissing(err error) bool { return answered(err, http.StatusNotFound, http.StatusGone) }

// Errorf returns an error that is no answer of the API, with a code chosen on purpose and the prefix of all
// errors. As in fmt.Errorf, %w wraps a cause.
//
// Nothing is wrapped that quotes a URL, or bytes of a server or a proxy, as the errors of net/http and of a
// JSON decoder do: tokens and e-mail addresses stand in both. The text names the kind of failure instead.
func Errorf(code codes.Code, format string, args ...any) error {
	return &codedError{error: fmt.Errorf(Prefix+format, args...), code: code}
}

// codedError is an error with a gRPC code and a cause: status.Errorf cannot wrap one.
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
	adviceWebPage   = "a web page answered, not Whimsical's API: a firewall, a proxy or an allow-list stands between, allow this machine to reach base-url"
	adviceListed    = "a proxy may not pass this id on, or the API cannot read it: check base-url, and change the user in Workspace settings"
	adviceFilter    = "the API cannot look people up by userName (it refuses the filter): check base-url, and create the user in Whimsical"
	adviceRedirect  = "a redirect is not followed, since that would hand the token to another address: check base-url"
	adviceRetry     = "Whimsical's API is failing at the moment: try again later"
	adviceNetwork   = "check the network, the proxy settings and base-url"
	adviceClock     = "check this machine's clock, and whether a proxy answers in the server's place"
	adviceAuthority = "where a proxy inspects TLS, give its certificate authority in SSL_CERT_FILE; else check base-url"
	adviceProxy     = "put a user and a password into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT"
	adviceByHand    = "check the user in Whimsical's Workspace settings: the change may have to be made there"
	adviceSlower    = "the API's rate limit is reached: try again later"
)

// meanings is what single HTTP statuses mean to the caller.
var meanings = map[int]struct {
	code   codes.Code
	advice string
}{
	http.StatusUnauthorized:    {codes.Unauthenticated, adviceToken},
	http.StatusForbidden:       {codes.PermissionDenied, adviceForbidden},
	http.StatusNotFound:        {codes.NotFound, ""},
	http.StatusRequestTimeout:  {codes.DeadlineExceeded, adviceRetry},
	http.StatusConflict:        {codes.AlreadyExists, ""},
	http.StatusGone:            {codes.NotFound, ""},
	http.StatusTooManyRequests: {codes.Unavailable, adviceSlower},
	http.StatusNotImplemented:  {codes.Unimplemented, ""},
}

// codeAndAdvice chooses what an HTTP status means to the caller.
func codeAndAdvice(statusCode int) (codes.Code, string) {
	if meaning, ok := meanings[statusCode]; ok {
		return meaning.code, meaning.advice
	}
	switch statusCode / 100 {
	case 3:
		return codes.FailedPrecondition, adviceRedirect
	case 4:
		return codes.InvalidArgument, ""
	case 5:
		return codes.Unavailable, adviceRetry
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
	e := &Error{Method: method, Path: path, StatusCode: ans.statusCode, RateLimit: retryAdvice(statusCode, ans.header)}
	e.Code, e.advice = codeAndAdvice(statusCode)
	if statusCode == http.StatusForbidden && ans.isWebPage() {
		e.advice = adviceWebPage
	}
	if e.Detail, e.scim = c.scimError(ans.body); e.Detail != "" && e.Code == codes.PermissionDenied {
		e.advice = "" // the server's own reason says more
	}
	return e
}

// scimError reads the body of an error (RFC 7644 section 3.12): its cleaned detail, "" for a body of any
// other form, and whether it names the schema.
func (c *Client) scimError(body []byte) (string, bool) {
	var (
		names  schemas
		detail text
	)
	if err := decode(body, object{{name: "schemas", into: &names}, {name: "detail", into: &detail}}); err != nil {
		return "", false
	}
	return c.clean(string(detail)), names.name(scimErrorSchema)
}

// notSCIM describes a 2xx answer that is not what the request asked for.
func (c *Client) notSCIM(method string, target *url.URL, ans *answer, reason string) *Error {
	switch {
	case len(bytes.TrimSpace(ans.body)) == 0:
		reason += ", it is empty"
	case ans.isWebPage():
		reason += ", it is a web page"
	}
	return c.failed(method, target, ans, reason, adviceBaseURL)
}

// failed describes a request whose work was not done, or not as asked for, although its answer, if any, is a
// 2xx. Where the answer holds a SCIM error with a detail, the detail takes the place of the advice.
func (c *Client) failed(method string, target *url.URL, ans *answer, reason, advice string) *Error {
	e := &Error{Code: codes.FailedPrecondition, Method: method, Path: c.displayPath(target), reason: reason, advice: advice}
	if ans != nil {
		e.StatusCode = ans.statusCode
		if detail, isError := c.scimError(ans.body); isError && detail != "" {
			e.Detail, e.advice = detail, ""
		}
	}
	return e
}

// amended returns a copy of an *Error with another code, with reason in front of its own, and with another
// advice unless that is "". Of any other error it keeps the text, without advice.
func amended(err error, code codes.Code, reason, advice string) error {
	apiErr, ok := errors.AsType[*Error](err)
	if !ok {
		return Errorf(code, "%s%s", reason, strings.TrimPrefix(status.Convert(err).Message(), Prefix))
	}
	e := *apiErr
	e.Code, e.reason, e.advice = code, strings.TrimSuffix(reason+e.reason, ": "), cmp.Or(advice, e.advice)
	return &e
}

// asListError gives a missing or refused collection a code that no caller takes for an empty one.
func asListError(err error) error {
	if isMissing(err) || answered(err, http.StatusMethodNotAllowed, http.StatusNotImplemented) {
		return amended(err, codes.FailedPrecondition, "", adviceBaseURL)
	}
	return err
}

// transportError describes a request that got no whole answer. Only the kind of failure enters the text, see
// [Errorf].
func transportError(ctx context.Context, method, path string, err error) *Error {
	e := &Error{Code: codes.Unavailable, Method: method, Path: path, reason: "no whole answer arrived", advice: adviceNetwork}
	dnsErr, isDNS := errors.AsType[*net.DNSError](err)
	netErr, isNet := errors.AsType[net.Error](err)
	switch {
	case isA[*http.MaxBytesError](err):
		e.Code, e.reason, e.advice = codes.FailedPrecondition, "the answer is larger than 16 MiB, too large to be read", ""
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

// certificateError returns what is wrong with the server's certificate and what to do. The first reason
// counts: crypto/x509 looks at the time, then at the name, then for an authority.
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

// proxyWantsLogin reports whether a proxy answered CONNECT with 407 (RFC 9110 section 15.5.8). The error of
// net/http holds the reason phrase alone.
func proxyWantsLogin(err error) bool {
	urlErr, ok := errors.AsType[*url.Error](err)
	return ok && strings.EqualFold(urlErr.Err.Error(), http.StatusText(http.StatusProxyAuthRequired))
}

// isA reports whether an error is or wraps one of the type.
func isA[T error](err error) bool {
	_, ok := errors.AsType[T](err)
	return ok
}
