// Package scimscript serves a SCIM API that follows a script: the requests that have
// to come, one after the other, and the answer to each. Use it in tests that pin down
// what a client sends; where only the outcome matters, use internal/sim.
//
//	url := scimscript.Serve(t,
//		scimscript.Get("1", scimscript.OK(scimscript.User{ID: "1", Active: true, Editor: false})),
//		scimscript.Patch("1", scimscript.SetRole(true), scimscript.NoContent),
//		scimscript.Get("1", scimscript.OK(scimscript.User{ID: "1", Active: true, Editor: true})))
//	client, err := whimsical.New(ctx, url, scimscript.Token)
package scimscript

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// Token is the bearer token that every request must carry.
	Token = "scripted-token-0123456789"

	basePath = "/scim-v2/"
)

// Step is a request that has to come, and its answer.
type Step struct {
	// Method and Target are the request line; Target is the escaped path below the base URL, with the query.
	Method, Target string
	// Body is the exact body, "" for none.
	Body string
	// Reply is the answer.
	Reply Reply
}

// Serve returns the base URL of a server that expects the steps in their order. The test fails on a request
// that is not the next of them, and in the end on those that have not come. After a wrong request everything
// is answered with 403, which no client repeats.
func Serve(t testing.TB, steps ...Step) string {
	t.Helper()
	s := &script{t: t, left: steps}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		for _, step := range s.left {
			if !s.failed {
				t.Errorf("this request has not come: %s %s %s", step.Method, step.Target, step.Body)
			}
		}
	})
	return server.URL + basePath
}

type script struct {
	t testing.TB

	mu     sync.Mutex
	left   []Step
	failed bool
}

// ServeHTTP implements http.Handler.
func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("the body of a request cannot be read: %v", err)
	}
	got := Step{Method: r.Method, Target: strings.TrimPrefix(r.RequestURI, basePath), Body: string(body)}
	if s.failed = s.failed || !s.expected(got); s.failed {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	header := map[string]string{"Authorization": "Bearer " + Token, "Accept": "application/scim+json, application/json"}
	if r.ContentLength != 0 {
		header["Content-Type"] = "application/scim+json"
	}
	for name, value := range header {
		if got := r.Header.Get(name); got != value {
			s.t.Errorf("%s %s: %s is %q, want %q", r.Method, r.URL.Path, name, got, value)
		}
	}
	reply := s.left[0].Reply
	s.left = s.left[1:]
	reply.send(w)
}

func (s *script) expected(got Step) bool {
	if len(s.left) == 0 {
		s.t.Errorf("this request is one too many: %s %s %s", got.Method, got.Target, got.Body)
		return false
	}
	want := s.left[0]
	if got.Method == want.Method && got.Target == want.Target && canonical(got.Body) == canonical(want.Body) {
		return true
	}
	s.t.Errorf("the next request\n is %s %s %s\nnot %s %s %s", got.Method, got.Target, got.Body, want.Method, want.Target, want.Body)
	return false
}

// canonical returns a body with the members of its objects in one order, and what is no JSON as it is.
func canonical(body string) string {
	value := jsontext.Value(body)
	_ = value.Canonicalize()
	return string(value)
}
