package whimsical

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const adviceNetwork = "check the network, the proxy settings and base-url"

// transportError describes a request that got no whole answer. Only the kind
// of failure enters the text: the underlying errors quote the URL, and bytes
// that the server sent.
func transportError(ctx context.Context, method, path string, err error) *Error {
	e := &Error{Code: codes.Unavailable, Method: method, Path: path, advice: adviceNetwork}
	var (
		dnsErr  *net.DNSError
		certErr *tls.CertificateVerificationError
		hostErr x509.HostnameError
		recErr  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, errBodyTooLarge):
		e.Code, e.reason, e.advice = codes.FailedPrecondition, errBodyTooLarge.Error(), adviceBaseURL
	case errors.Is(ctx.Err(), context.Canceled):
		e.Code, e.reason, e.advice = codes.Canceled, "the request was cancelled", ""
	case errors.Is(err, context.DeadlineExceeded), os.IsTimeout(err), isTimeout(err), status.Code(err) == codes.DeadlineExceeded:
		// The SDK's transport replaces some timeouts by a status of its own.
		e.Code, e.reason = codes.DeadlineExceeded, "no whole answer arrived in time"
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		e.Code, e.reason = codes.FailedPrecondition, "the host name is unknown"
	case errors.As(err, &dnsErr):
		e.reason = "the host name could not be looked up"
	case errors.As(err, &certErr), errors.As(err, &hostErr):
		e.Code, e.reason = codes.FailedPrecondition, "the server's TLS certificate is not trusted"
	case errors.As(err, &recErr), errors.Is(err, http.ErrSchemeMismatch):
		e.Code, e.reason = codes.FailedPrecondition, "the server does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.reason = "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		e.reason = "the connection was reset"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		e.reason = "the connection was closed before the answer was whole"
	default:
		e.reason = "no whole answer arrived"
	}
	return e
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}
