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
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
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
	Body           string // the exact body, "" for none
	Reply          Reply  // the answer
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

const extension = "urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"

// Get expects that a user is read.
func Get(id string, reply Reply) Step { return user(http.MethodGet, id, "", reply) }

// Patch expects that a user is changed with exactly this body; see SetRole and the others.
func Patch(id, body string, reply Reply) Step { return user(http.MethodPatch, id, body, reply) }

// Delete expects that a user is deleted.
func Delete(id string, reply Reply) Step { return user(http.MethodDelete, id, "", reply) }

func user(method, id, body string, reply Reply) Step {
	return Step{Method: method, Target: "Users/" + url.PathEscape(id), Body: body, Reply: reply}
}

// Post expects that a user is created with exactly this body.
func Post(body string, reply Reply) Step {
	return Step{Method: http.MethodPost, Target: "Users", Body: body, Reply: reply}
}

// Find expects that a user is looked up by userName.
func Find(userName string, reply Reply) Step { return filtered("userName", userName, reply) }

// FindID expects that the users are listed whose id is the given one.
func FindID(id string, reply Reply) Step { return filtered("id", id, reply) }

func filtered(attribute, value string, reply Reply) Step {
	filter := attribute + "%20eq%20%22" + url.QueryEscape(value) + "%22"
	return Step{Method: http.MethodGet, Target: "Users?count=100&filter=" + filter + "&startIndex=1", Reply: reply}
}

// The operations of a PATCH (RFC 7644, section 3.5.2): with a path, as Entra sends them, and without, as Okta does.
const (
	rolePath     = `{"op":"replace","path":"` + extension + `:editor","value":%t}`
	roleNested   = `{"op":"replace","value":{"` + extension + `":{"editor":%t}}}`
	statusPath   = `{"op":"replace","path":"active","value":%t}`
	statusNested = `{"op":"replace","value":{"active":%t}}`
)

// SetRole is the body of a role change in the path form.
func SetRole(editor bool) string { return patch(rolePath, editor) }

// SetRoleNested is the body of a role change without a path.
func SetRoleNested(editor bool) string { return patch(roleNested, editor) }

// SetActive is the body of an activation or deactivation in the path form.
func SetActive(active bool) string { return patch(statusPath, active) }

// SetActiveNested is SetActive without a path.
func SetActiveNested(active bool) string { return patch(statusNested, active) }

// ActivateAs is the body of an activation with a role, which comes first.
func ActivateAs(editor bool) string { return patch(rolePath+","+statusPath, editor, true) }

// ActivateAsNested is ActivateAs without a path.
func ActivateAsNested(editor bool) string { return patch(roleNested+","+statusNested, editor, true) }

func patch(operations string, values ...any) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operations+`]}`, values...)
}

// Reply is an answer.
type Reply struct {
	Status     int
	Body       string // the body, "" for none
	RetryAfter string // the header of that name, "" for none
	// Lost closes the connection without an answer.
	Lost bool
}

// Lost is the answer that never arrives: the connection is closed.
var Lost = Reply{Lost: true}

// NoContent is a success that shows nothing.
var NoContent = Reply{Status: http.StatusNoContent}

// OK is a success that shows a user, or a list of them.
func OK(body fmt.Stringer) Reply { return Reply{Status: http.StatusOK, Body: body.String()} }

// Created is the answer to a creation.
func Created(user User) Reply { return Reply{Status: http.StatusCreated, Body: user.String()} }

// Refused is a SCIM error (RFC 7644, section 3.12). scimType and detail may be empty.
func Refused(status int, scimType, detail string) Reply {
	return Reply{Status: status, Body: encode(map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "status": fmt.Sprint(status),
	}, map[string]string{"scimType": scimType, "detail": detail})}
}

// NotFound is the answer for a user who is not there.
func NotFound() Reply { return Refused(http.StatusNotFound, "", "no such user") }

// User is a user as an answer shows them. What is nil or "" is left out.
type User struct {
	ID, UserName string
	// Active and Editor are booleans, or what a server sends in their place.
	Active, Editor any
}

// String returns the user's JSON.
func (u User) String() string {
	body := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User", extension}}
	if u.Active != nil {
		body["active"] = u.Active
	}
	if u.Editor != nil {
		body[extension] = map[string]any{"editor": u.Editor}
	}
	return encode(body, map[string]string{"id": u.ID, "userName": u.UserName})
}

// List is a ListResponse.
type List []User

// String returns the list's JSON.
func (l List) String() string {
	users := make([]string, len(l))
	for i, user := range l {
		users[i] = user.String()
	}
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,"Resources":[%s]}`,
		len(l), strings.Join(users, ","))
}

// encode returns the JSON of a body, with those of the texts that are not empty.
func encode(body map[string]any, texts map[string]string) string {
	for name, value := range texts {
		if value != "" {
			body[name] = value
		}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Sprintf("a reply cannot be encoded: %v", err)
	}
	return string(encoded)
}

// send writes the answer. A client who is gone is not an error of the script.
func (r Reply) send(w http.ResponseWriter) {
	if r.Lost {
		// The server closes the connection of a handler that panics with this value.
		panic(http.ErrAbortHandler)
	}
	if r.RetryAfter != "" {
		w.Header().Set("Retry-After", r.RetryAfter)
	}
	if r.Body != "" {
		w.Header().Set("Content-Type", "application/scim+json")
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write([]byte(r.Body))
}
