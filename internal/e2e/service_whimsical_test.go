package e2e

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// token is the SCIM token of every simulated workspace. The connector must not show
// it to anybody.
var token = "e2e-" + rand.Text()

// whimsical is a simulated workspace on loopback. It records the requests that reach
// it, and can be made to fail.
type whimsical struct {
	*sim.Workspace

	url string

	mu       sync.Mutex
	requests []request
	fault    faultFunc
}

// request is a request to Whimsical.
type request struct {
	method, path string
}

// faultFunc answers a request in Whimsical's place, or returns false to let it
// through. It may block.
type faultFunc func(w http.ResponseWriter, r *http.Request) bool

// newWhimsical returns a workspace that serves cfg until the test ends. Its pages
// are small, so that every sync has several.
func newWhimsical(t *testing.T, cfg sim.Config) *whimsical {
	t.Helper()
	cfg.Token = token
	cfg.PageSize = 5
	workspace, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w := &whimsical{Workspace: workspace}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	w.url = server.URL + sim.BasePath
	return w
}

// ServeHTTP records a request and answers it.
func (w *whimsical) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.requests = append(w.requests, request{r.Method, r.URL.Path})
	fault := w.fault
	w.mu.Unlock()
	if fault != nil && fault(rw, r) {
		return
	}
	w.Handler().ServeHTTP(rw, r)
}

// fail makes every request meet fault from now on, or none when it is nil.
func (w *whimsical) fail(fault faultFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
}

// take returns the requests since the last call.
func (w *whimsical) take() []request {
	w.mu.Lock()
	defer w.mu.Unlock()
	requests := w.requests
	w.requests = nil
	return requests
}

// settings returns the connector's environment for the workspace.
func (w *whimsical) settings() []string {
	return []string{"BATON_WHIMSICAL_TOKEN=" + token, "BATON_BASE_URL=" + w.url}
}

// mutations returns the requests that may change something.
func mutations(requests []request) []request {
	return slices.DeleteFunc(slices.Clone(requests), func(r request) bool { return r.method == http.MethodGet })
}

// person returns the first user that matches, who must exist.
func (w *whimsical) person(t *testing.T, match func(sim.User) bool) sim.User {
	t.Helper()
	users := w.Users()
	i := slices.IndexFunc(users, match)
	if i < 0 {
		t.Fatal("the workspace has no such user")
	}
	return users[i]
}

// current returns a user as the workspace knows them now.
func (w *whimsical) current(t *testing.T, id string) sim.User {
	t.Helper()
	user, ok := w.User(id)
	if !ok {
		t.Fatalf("user %s is gone", id)
	}
	return user
}

func isEditor(u sim.User) bool   { return u.Active && u.Editor != nil && *u.Editor }
func isViewer(u sim.User) bool   { return u.Active && u.Editor != nil && !*u.Editor }
func isInactive(u sim.User) bool { return !u.Active }
func hasNoRole(u sim.User) bool  { return u.Active && u.Editor == nil }

// answer returns a fault that answers with an error of RFC 7644, section 3.12.
func answer(status int, header http.Header) faultFunc {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Type", "application/scim+json")
		w.WriteHeader(status)
		// Whether the client reads it is the client's business.
		_, _ = w.Write([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"detail":"simulated fault"}`))
		return true
	}
}
