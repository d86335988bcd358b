package sim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const (
	token      = "test-token"
	editorPath = sim.ExtensionSchema + ":editor"
	patchOp    = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	errorURN   = "urn:ietf:params:scim:api:messages:2.0:Error"
	coreURN    = "urn:ietf:params:scim:schemas:core:2.0:User"
)

// client talks to one simulated workspace over HTTP on loopback.
type client struct {
	t         *testing.T
	workspace *sim.Workspace
	url       string
}

// start serves a workspace until the test ends.
func start(t *testing.T, cfg sim.Config, people ...sim.User) *client {
	t.Helper()
	cfg.Token = token
	workspace, err := sim.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	for _, u := range people {
		workspace.Add(u)
	}
	server := httptest.NewServer(workspace.Handler())
	t.Cleanup(server.Close)
	return &client{t: t, workspace: workspace, url: server.URL}
}

// reply is an answer with its body both as it came and decoded.
type reply struct {
	status int
	header http.Header
	body   string
}

// wireUser is a user as JSON shows them; pointers tell absent from empty.
type wireUser struct {
	Schemas  []string `json:"schemas"`
	ID       string   `json:"id"`
	UserName string   `json:"userName"`
	Name     *struct {
		GivenName  string `json:"givenName"`
		FamilyName string `json:"familyName"`
	} `json:"name"`
	DisplayName *string `json:"displayName"`
	Emails      []struct {
		Value   string `json:"value"`
		Primary bool   `json:"primary"`
	} `json:"emails"`
	Active    *bool `json:"active"`
	Extension *struct {
		Editor *bool `json:"editor"`
	} `json:"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`
	Meta struct {
		ResourceType string `json:"resourceType"`
		Created      string `json:"created"`
	} `json:"meta"`
}

// role names what the extension of a user says.
func (u wireUser) role() string {
	switch {
	case u.Extension == nil || u.Extension.Editor == nil:
		return "none"
	case *u.Extension.Editor:
		return "editor"
	default:
		return "viewer"
	}
}

type wireList struct {
	TotalResults int        `json:"totalResults"`
	StartIndex   int        `json:"startIndex"`
	Resources    []wireUser `json:"Resources"`
}

type wireError struct {
	Schemas  []string `json:"schemas"`
	Status   string   `json:"status"`
	ScimType string   `json:"scimType"`
	Detail   string   `json:"detail"`
}

// do sends a request with the token. The path is relative to the base path.
func (c *client) do(method, path, body string) reply {
	c.t.Helper()
	return c.send(method, sim.BasePath+path, body, "Bearer "+token)
}

// send sends a request with an Authorization header of the caller's choice.
func (c *client) send(method, path, body, authorization string) reply {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	request.Header.Set("Content-Type", "application/scim+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatalf("%s %s: reading the answer: %v", method, path, err)
	}
	return reply{status: response.StatusCode, header: response.Header, body: string(data)}
}

// patch sends PATCH operations, given as JSON objects.
func (c *client) patch(id string, operations ...string) reply {
	c.t.Helper()
	return c.do(http.MethodPatch, "Users/"+url.PathEscape(id),
		fmt.Sprintf(`{"schemas":[%q],"Operations":[%s]}`, patchOp, strings.Join(operations, ",")))
}

// post creates a user from a body without the schemas, which are the same always.
func (c *client) post(attributes string) reply {
	c.t.Helper()
	return c.do(http.MethodPost, "Users", fmt.Sprintf(`{"schemas":[%q,%q],%s}`, coreURN, sim.ExtensionSchema, attributes))
}

// put replaces a user.
func (c *client) put(id, attributes string) reply {
	c.t.Helper()
	return c.do(http.MethodPut, "Users/"+url.PathEscape(id), fmt.Sprintf(`{"schemas":[%q],%s}`, coreURN, attributes))
}

// get reads a user who must be there.
func (c *client) get(id string) wireUser {
	c.t.Helper()
	return userIn(c.t, c.do(http.MethodGet, "Users/"+url.PathEscape(id), ""), http.StatusOK)
}

// find sends a filter.
func (c *client) find(filter string) wireList {
	c.t.Helper()
	return c.list("filter=" + url.QueryEscape(filter))
}

// list sends a query that must succeed.
func (c *client) list(query string) wireList {
	c.t.Helper()
	r := c.do(http.MethodGet, "Users?"+query, "")
	r.want(c.t, http.StatusOK)
	return decode[wireList](c.t, r)
}

func (r reply) want(t *testing.T, status int) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status = %d, want %d; body: %s", r.status, status, r.body)
	}
}

// wantError checks that the answer is a SCIM error in every respect.
func (r reply) wantError(t *testing.T, status int, scimType string) {
	t.Helper()
	r.want(t, status)
	e := decode[wireError](t, r)
	if e.Status != strconv.Itoa(status) || e.ScimType != scimType || len(e.Schemas) != 1 || e.Schemas[0] != errorURN {
		t.Errorf("body = %s, want a SCIM error with status %q and scimType %q", r.body, strconv.Itoa(status), scimType)
	}
	if got := r.header.Get("Content-Type"); got != "application/scim+json" {
		t.Errorf("Content-Type = %q, want application/scim+json", got)
	}
}

func userIn(t *testing.T, r reply, status int) wireUser {
	t.Helper()
	r.want(t, status)
	return decode[wireUser](t, r)
}

func decode[T any](t *testing.T, r reply) T {
	t.Helper()
	var value T
	if err := json.Unmarshal([]byte(r.body), &value); err != nil {
		t.Fatalf("decoding %s: %v", r.body, err)
	}
	return value
}

// names returns the user names of a list in order.
func names(users []wireUser) []string {
	list := make([]string, 0, len(users))
	for _, u := range users {
		list = append(list, u.UserName)
	}
	return list
}

// member returns an active user with a role: "editor", "viewer" or "none".
func member(id, role string) sim.User {
	userName := id + "@example.com"
	u := sim.User{
		ID: id, UserName: userName, GivenName: "Given", FamilyName: "Family", DisplayName: "Given Family",
		Email: userName, Active: true,
	}
	if role != "none" {
		editor := role == "editor"
		u.Editor = &editor
	}
	return u
}
