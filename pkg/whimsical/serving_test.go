package whimsical

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// following returns a client of a server that follows a script: the test fails
// on a request that is not the next one, and on one that never comes.
func following(t *testing.T, steps ...scimscript.Step) *Client {
	t.Helper()
	return clientOf(t, scimscript.Serve(t, steps...))
}

// answering returns a client of a server that answers every request alike.
func answering(t *testing.T, answer http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return clientOf(t, server.URL+"/scim-v2")
}

// saying returns a handler that answers with a status and a body.
func saying(statusCode int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(statusCode)
		_, _ = io.WriteString(w, body) // a client who is gone shows in the test
	}
}

// clientOf returns a client of the API at a base URL, with the token that scripts want.
func clientOf(t *testing.T, baseURL string) *Client {
	t.Helper()
	client, err := New(t.Context(), baseURL, scimscript.Token)
	if err != nil {
		t.Fatal(err)
	}
	client.retryPause = time.Millisecond
	return client
}

// failsWith fails the test unless an error has a code and holds a text. Without a code it
// is FailedPrecondition where there is a text, and no error where there is none.
func failsWith(t *testing.T, err error, code codes.Code, says string) {
	t.Helper()
	if says != "" {
		code = cmp.Or(code, codes.FailedPrecondition)
	}
	if status.Code(err) != code || code != codes.OK && !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want %v with %q", err, code, says)
	}
}

// operations are the calls of a client, about a user with an id and a userName.
func operations(ctx context.Context, client *Client, id, userName string) map[string]func() error {
	return map[string]func() error{
		"validate": func() error { return client.Validate(ctx) },
		"list":     func() error { _, err := client.ListUsers(ctx, ""); return err },
		"get":      func() error { _, err := client.GetUser(ctx, id); return err },
		"find":     func() error { _, err := client.FindUser(ctx, userName); return err },
		"create":   func() error { _, err := client.CreateUser(ctx, NewUser{UserName: userName}); return err },
		"patch":    func() error { _, err := client.ChangeUser(ctx, &User{ID: id}, reinstate); return err },
		"delete":   func() error { return client.DeleteUser(ctx, id) },
	}
}

// list is the target of the first request of a listing.
const list = "Users?count=100&startIndex=1"

// listed is a step that expects a list request.
func listed(target string, reply scimscript.Reply) scimscript.Step {
	return scimscript.Step{Method: http.MethodGet, Target: target, Reply: reply}
}

// replying is a 200 with a body.
func replying(body string) scimscript.Reply {
	return scimscript.Reply{Status: http.StatusOK, Body: body}
}
