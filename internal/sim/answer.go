package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	scimerrors "github.com/elimity-com/scim/errors"
)

// contentType is the media type of every answer with a body (RFC 7644, section 8.1).
const contentType = "application/scim+json"

// answer is a response that is held back until it is complete, because only then is
// it known whether the library's answer stands.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer {
	return &answer{header: http.Header{}, status: http.StatusOK}
}

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements [http.ResponseWriter].
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// fail replaces the answer by a SCIM error (RFC 7644, section 3.12). Headers that
// were set stay.
func (a *answer) fail(scimErr scimerrors.ScimError) {
	a.status = scimErr.Status
	a.body.Reset()
	a.header.Set("Content-Type", contentType)
	if err := json.NewEncoder(&a.body).Encode(scimErr); err != nil {
		a.status = http.StatusInternalServerError
	}
}

// sendTo sends the answer. A client who is gone is not an error of the simulator.
func (a *answer) sendTo(w http.ResponseWriter) {
	for key, values := range a.header {
		w.Header()[key] = values
	}
	if a.status == http.StatusNoContent {
		w.Header().Del("Content-Type")
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

// logLine describes a request and its status. The path stays encoded, which keeps
// the line one line.
func logLine(r *http.Request, status int) string {
	return fmt.Sprintf("%s %s %d\n", r.Method, r.URL.RequestURI(), status)
}
