package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
)

// maxBody is the largest request body in bytes, the maxPayloadSize that the library announces.
const maxBody = 1 << 20

// ServeHTTP is the HTTP layer around the library's server: the token, the base path and the log. The answer is
// logged before its first byte is sent, so that a client who has the answer can rely on the log.
func (w *Workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	// The library reports a body that breaks off as malformed.
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxBody))
	answer := w.answer(r, body)
	maps.Copy(rw.Header(), answer.Header())
	if answer.Code == http.StatusNoContent {
		rw.Header().Del("Content-Type")
	}
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes()) // a client who is gone is no error of the simulator
}

func (w *Workspace) answer(r *http.Request, body []byte) *httptest.ResponseRecorder {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer := httptest.NewRecorder()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch inner := innerURL(r.URL); {
	case !strings.EqualFold(scheme, "Bearer") || token != w.cfg.Token: // RFC 6750, section 2.1
		answer.Header().Set("WWW-Authenticate", `Bearer realm="whimsical-sim"`)
		fail(answer, http.StatusUnauthorized, "The bearer token is missing or was refused.")
	case inner == nil:
		fail(answer, http.StatusNotFound, "Specified endpoint does not exist.")
	default:
		forwarded := r.WithContext(r.Context())
		forwarded.URL = inner
		forwarded.Body = io.NopCloser(bytes.NewReader(flattenExtension(body)))
		w.server.ServeHTTP(answer, forwarded)
	}
	if w.cfg.RequestLog != nil {
		// The path stays encoded, which keeps the line one line. A log that cannot be written to is no reason to
		// fail the request.
		_, _ = fmt.Fprintf(w.cfg.RequestLog, "%s %s %d\n", r.Method, r.URL.RequestURI(), answer.Code)
	}
	return answer
}

// fail answers with a SCIM error (RFC 7644, section 3.12).
func fail(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/scim+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(scimerrors.ScimError{Status: status, Detail: detail})
}

// innerURL returns the URL below [BasePath] as the library reads it, nil for a path outside. The library
// decodes the id once more: it gets the encoded form, so that an id may hold any character. It would also
// serve everything under /v2, which hides a client's mistake.
func innerURL(u *url.URL) *url.URL {
	path, ok := strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(BasePath, "/"))
	if !ok || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/v2") {
		return nil
	}
	return &url.URL{Path: path, RawQuery: u.RawQuery}
}

// flattenExtension replaces the nested extension in the operations of a PATCH by its qualified attributes,
// the one form that the library reads there. Any other body is returned as it is.
func flattenExtension(body []byte) []byte {
	var patch struct {
		Schemas    json.RawMessage  `json:"schemas"`
		Operations []map[string]any `json:"Operations"`
	}
	if json.Unmarshal(body, &patch) != nil || patch.Operations == nil {
		return body
	}
	for _, operation := range patch.Operations {
		attributes, _ := operation["value"].(map[string]any)
		if extension, ok := attributes[ExtensionSchema].(map[string]any); ok {
			delete(attributes, ExtensionSchema)
			for name, value := range extension {
				attributes[ExtensionSchema+":"+name] = value
			}
		}
	}
	flattened, _ := json.Marshal(patch) // of what was JSON before
	return flattened
}
