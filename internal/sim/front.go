package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	scimerrors "github.com/elimity-com/scim/errors"
)

// maxBody is the largest request body in bytes, the maxPayloadSize that the
// library announces.
const maxBody = 1 << 20

// front is the HTTP layer around the library's server: the token, the base path,
// the limit and the dialect of the body, the request log, and what the library
// cannot answer by itself.
type front struct {
	server http.Handler
	// digest stands for the token, because a comparison in constant time needs
	// operands of one length.
	digest [sha256.Size]byte

	logMu sync.Mutex
	log   io.Writer
}

func newFront(cfg Config, server http.Handler) *front {
	return &front{server: server, digest: sha256.Sum256([]byte(cfg.Token)), log: cfg.RequestLog}
}

// ServeHTTP answers one request. The answer is complete before its first byte is
// sent, and logged before that too, so that a client who has the answer can rely on
// the log.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := newAnswer()
	f.serve(a, r)
	f.logRequest(r, a.status)
	a.sendTo(w)
}

func (f *front) serve(a *answer, r *http.Request) {
	if !f.authorized(r) {
		a.Header().Set("WWW-Authenticate", `Bearer realm="whimsical-sim"`)
		a.fail(scimerrors.ScimError{
			Detail: "The bearer token is missing or was refused.",
			Status: http.StatusUnauthorized,
		})
		return
	}
	inner, ok := innerURL(r.URL)
	if !ok {
		a.fail(scimerrors.ScimError{
			Detail: "Specified endpoint does not exist.",
			Status: http.StatusNotFound,
		})
		return
	}
	said := &notes{}
	forwarded := r.WithContext(context.WithValue(r.Context(), notesKey{}, said))
	forwarded.URL = inner
	if hasBody(r.Method) {
		body, err := readBody(r.Body)
		if err != nil {
			a.fail(*err)
			return
		}
		forwarded.Body = io.NopCloser(bytes.NewReader(canonicalBody(r.Method, body)))
	}
	f.server.ServeHTTP(a, forwarded)
	switch {
	case said.refusal != nil:
		a.fail(*said.refusal)
	case said.createdID != "":
		// RFC 7644, section 3.3.
		a.Header().Set("Location", location(r, said.createdID))
	}
}

// authorized checks the bearer token (RFC 6750, section 2.1), whose scheme may be
// written in any case (RFC 9110, section 11.1).
func (f *front) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	digest := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(digest[:], f.digest[:]) == 1
}

// innerURL returns the URL below [BasePath] as the library reads it, and false for
// a path outside.
func innerURL(u *url.URL) (*url.URL, bool) {
	base := strings.TrimSuffix(BasePath, "/")
	path, ok := strings.CutPrefix(u.Path, base)
	// The library would also serve everything under /v2, which hides a client's
	// mistake in the base URL.
	if !ok || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/v2") {
		return nil, false
	}
	inner := &url.URL{Path: path, RawQuery: u.RawQuery}
	// The library decodes the id once more. It gets the encoded form, so that an
	// id may hold any character.
	if escaped, ok := strings.CutPrefix(u.EscapedPath(), base); ok && strings.HasPrefix(escaped, usersEndpoint+"/") {
		inner.Path = escaped
	}
	if query := u.Query(); strings.Contains(query.Get("filter"), `\`) {
		query.Set("filter", canonicalFilter(query.Get("filter")))
		inner.RawQuery = query.Encode()
	}
	return inner, true
}

func hasBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// readBody reads a request body of at most maxBody bytes.
func readBody(body io.Reader) ([]byte, *scimerrors.ScimError) {
	data, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return nil, &scimerrors.ScimErrorInvalidSyntax
	}
	if len(data) > maxBody {
		return nil, &scimerrors.ScimError{
			Detail: "The request body is too large.",
			Status: http.StatusRequestEntityTooLarge,
		}
	}
	return data, nil
}

// location returns the absolute URL of a user.
func location(r *http.Request, id string) string {
	target := url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		target.Scheme = "https"
	}
	return target.JoinPath(BasePath, usersEndpoint, url.PathEscape(id)).String()
}

// logRequest writes the line of one request. A log that cannot be written to is no
// reason to fail the request.
func (f *front) logRequest(r *http.Request, status int) {
	if f.log == nil {
		return
	}
	f.logMu.Lock()
	defer f.logMu.Unlock()
	_, _ = io.WriteString(f.log, logLine(r, status))
}

// notes carries what a handler of the library wants said in the answer and cannot
// return. One is in the context of every forwarded request.
type notes struct {
	refusal   *scimerrors.ScimError
	createdID string
}

type notesKey struct{}

// refuse returns err, and notes it where it is a SCIM error: the library turns a
// status that RFC 7644 does not name for the method, such as 422, into a 500.
func refuse(r *http.Request, err error) error {
	var scimErr scimerrors.ScimError
	if said, ok := r.Context().Value(notesKey{}).(*notes); ok && errors.As(err, &scimErr) {
		said.refusal = &scimErr
	}
	return err
}

// noteLocation asks for a Location header that names a user.
func noteLocation(r *http.Request, id string) {
	if said, ok := r.Context().Value(notesKey{}).(*notes); ok {
		said.createdID = id
	}
}
