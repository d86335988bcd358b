package sim_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestEveryRequestNeedsTheToken(t *testing.T) {
	c := start(t, sim.Config{Users: 3})
	for name, authorization := range map[string]string{
		"no header":              "",
		"a wrong token":          "Bearer wrong",
		"a prefix of the token":  "Bearer " + token[:4],
		"more than the token":    "Bearer " + token + "x",
		"an empty token":         "Bearer ",
		"no scheme":              token,
		"another scheme":         "Basic " + token,
		"the token in two words": "Bearer " + token[:4] + " " + token[4:],
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			for _, path := range []string{"Users", "Users/x", "Groups", "Schemas", "nowhere"} {
				r := c.send(http.MethodGet, sim.BasePath+path, "", authorization)
				r.wantError(t, http.StatusUnauthorized, "")
				if !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("WWW-Authenticate = %q, want a Bearer challenge", r.header.Get("WWW-Authenticate"))
				}
			}
		})
	}
	t.Run("the scheme may be in any case", func(t *testing.T) {
		c.send(http.MethodGet, sim.BasePath+"Users", "", "bearer "+token).want(t, http.StatusOK)
	})
	t.Run("a refused request changes nothing", func(t *testing.T) {
		id := c.workspace.Users()[0].ID
		c.send(http.MethodDelete, sim.BasePath+"Users/"+id, "", "Bearer wrong").want(t, http.StatusUnauthorized)
		c.get(id)
	})
}

func TestPathsThatAreNotEndpointsAnswerNotFound(t *testing.T) {
	c := start(t, sim.Config{Users: 3})
	for name, path := range map[string]string{
		"groups are not supported":            "/scim-v2/Groups",
		"one group neither":                   "/scim-v2/Groups/1",
		"the base path itself":                "/scim-v2/",
		"the base path without its slash":     "/scim-v2",
		"a path outside the base path":        "/Users",
		"a path that only begins like it":     "/scim-v2x/Users",
		"a doubled slash":                     "/scim-v2//Users",
		"a version below the base path":       "/scim-v2/v2/Users",
		"a user who is not there":             "/scim-v2/Users/unknown",
		"a user without an id":                "/scim-v2/Users/",
		"a resource type in the wrong letter": "/scim-v2/users",
	} {
		t.Run(name, func(t *testing.T) {
			c.send(http.MethodGet, path, "", "Bearer "+token).wantError(t, http.StatusNotFound, "")
		})
	}
}

func TestDiscoveryEndpointsDescribeTheServer(t *testing.T) {
	c := start(t, sim.Config{PageSize: 7})
	for path, want := range map[string]string{
		"ServiceProviderConfig":          `"maxResults":7`,
		"ResourceTypes":                  sim.ExtensionSchema,
		"ResourceTypes/User":             `"endpoint":"/Users"`,
		"Schemas":                        sim.ExtensionSchema,
		"Schemas/" + sim.ExtensionSchema: `"name":"editor"`,
		"Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser": `"name":"userName"`,
	} {
		r := c.do(http.MethodGet, path, "")
		r.want(t, http.StatusOK)
		if !strings.Contains(r.body, want) {
			t.Errorf("%s does not contain %s: %s", path, want, r.body)
		}
	}
}

func TestAnIDMayHoldAnyCharacter(t *testing.T) {
	ids := []string{"a/b", "a?b#c", "a b", "a+b", "a%b", "a%41b", "a%2Fb", "person@example.com", "日本", `"quoted"`}
	c := start(t, sim.Config{})
	for _, id := range ids {
		c.workspace.Add(sim.User{ID: id, UserName: "x@example.com", Active: true})
	}
	for _, id := range ids {
		t.Run(id, func(t *testing.T) {
			if got := c.get(id).ID; got != id {
				t.Errorf("id = %q, want %q", got, id)
			}
		})
	}
}

func TestABodyOverTheLimitIsRefused(t *testing.T) {
	c := start(t, sim.Config{})
	r := c.post(`"userName":"` + strings.Repeat("a", 1<<20) + `@example.com"`)
	r.wantError(t, http.StatusRequestEntityTooLarge, "")
}

func TestABodyThatIsNoObjectIsRefused(t *testing.T) {
	c := start(t, sim.Config{}, member("ada", "viewer"))
	for name, body := range map[string]string{
		"nothing": "", "broken JSON": `{"userName":`, "an array": `[]`, "a string": `"x"`,
	} {
		t.Run(name, func(t *testing.T) {
			c.do(http.MethodPost, "Users", body).wantError(t, http.StatusBadRequest, "invalidSyntax")
			c.do(http.MethodPut, "Users/ada", body).wantError(t, http.StatusBadRequest, "invalidSyntax")
			c.do(http.MethodPatch, "Users/ada", body).wantError(t, http.StatusBadRequest, "invalidSyntax")
		})
	}
}

func TestTheRequestLogHasOneLineForEachRequest(t *testing.T) {
	var log bytes.Buffer
	c := start(t, sim.Config{RequestLog: &log}, member("ada", "viewer"))
	c.list("startIndex=1&count=2")
	c.do(http.MethodGet, "Users/a%0Ab", "").want(t, http.StatusNotFound)
	c.patch("ada", `{"op":"replace","path":"active","value":true}`).want(t, http.StatusOK)
	c.do(http.MethodDelete, "Users/ada", "").want(t, http.StatusNoContent)
	c.send(http.MethodGet, "/scim-v2/Users", "", "").want(t, http.StatusUnauthorized)
	want := "GET /scim-v2/Users?startIndex=1&count=2 200\n" +
		"GET /scim-v2/Users/a%0Ab 404\n" +
		"PATCH /scim-v2/Users/ada 200\n" +
		"DELETE /scim-v2/Users/ada 204\n" +
		"GET /scim-v2/Users 401\n"
	if log.String() != want {
		t.Errorf("log =\n%swant\n%s", log.String(), want)
	}
	if strings.Contains(log.String(), token) {
		t.Error("the log holds the token")
	}
}
