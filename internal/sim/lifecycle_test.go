package sim_test

import (
	"net/http"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const deactivate = `{"op":"replace","value":{"active":false}}`

func TestDeactivationRemovesTheUser(t *testing.T) {
	for name, write := range map[string]func(c *client) reply{
		"by patch": func(c *client) reply { return c.patch("ada", deactivate) },
		"by put":   func(c *client) reply { return c.put("ada", `"userName":"ada@example.com","active":false`) },
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{}, member("ada", "editor"), member("bob", "viewer"))
			if u := userIn(t, write(c), http.StatusOK); *u.Active {
				t.Error("the answer shows an active user")
			}
			c.do(http.MethodGet, "Users/ada", "").wantError(t, http.StatusNotFound, "")
			c.patch("ada", `{"op":"replace","path":"active","value":true}`).wantError(t, http.StatusNotFound, "")
			c.put("ada", `"userName":"ada@example.com"`).wantError(t, http.StatusNotFound, "")
			if got := c.list("").TotalResults; got != 1 {
				t.Errorf("%d users are listed, want one", got)
			}
			again := userIn(t, c.post(`"userName":"ada@example.com"`), http.StatusCreated)
			if again.ID == "ada" {
				t.Error("the user who comes back has the old id")
			}
		})
	}
}

func TestDeactivationCanKeepTheRecord(t *testing.T) {
	c := start(t, sim.Config{DeactivationKeeps: true}, member("ada", "editor"))
	c.patch("ada", deactivate).want(t, http.StatusOK)
	if u := c.get("ada"); *u.Active || u.role() != "editor" {
		t.Errorf("active = %t, role = %s, want an inactive editor", *u.Active, u.role())
	}
	if found := c.find(`userName eq "ada@example.com"`); found.TotalResults != 1 || *found.Resources[0].Active {
		t.Errorf("the filter finds %+v, want the inactive user", found)
	}
	c.post(`"userName":"ada@example.com"`).wantError(t, http.StatusConflict, "uniqueness")
	c.patch("ada", `{"op":"replace","value":{"active":true}}`).want(t, http.StatusOK)
	if u := c.get("ada"); !*u.Active || u.role() != "editor" {
		t.Errorf("active = %t, role = %s, want the active editor back", *u.Active, u.role())
	}
}

func TestAUserWhoIsInactiveAlreadyIsNotRemoved(t *testing.T) {
	inactive := member("ian", "viewer")
	inactive.Active = false
	c := start(t, sim.Config{}, inactive)
	c.patch("ian", deactivate).want(t, http.StatusOK)
	c.patch("ian", `{"op":"replace","path":"active","value":true}`).want(t, http.StatusOK)
	if !*c.get("ian").Active {
		t.Error("the user is inactive, want them reactivated")
	}
}

func TestDelete(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		c := start(t, sim.Config{DeactivationKeeps: keeps}, member("ada", "editor"), member("bob", "viewer"))
		r := c.do(http.MethodDelete, "Users/ada", "")
		r.want(t, http.StatusNoContent)
		if r.body != "" || r.header.Get("Content-Type") != "" {
			t.Errorf("answer with body %q and Content-Type %q, want neither", r.body, r.header.Get("Content-Type"))
		}
		c.do(http.MethodDelete, "Users/ada", "").wantError(t, http.StatusNotFound, "")
		c.do(http.MethodGet, "Users/ada", "").wantError(t, http.StatusNotFound, "")
		if got := c.list("").TotalResults; got != 1 {
			t.Errorf("%d users are listed, want one", got)
		}
		userIn(t, c.post(`"userName":"ada@example.com"`), http.StatusCreated)
	}
}

func TestPutReplacesAUser(t *testing.T) {
	for name, test := range map[string]struct {
		attributes string
		role       string
		userName   string
	}{
		"the role stays without the extension":   {`"userName":"ada@example.com"`, "editor", "ada@example.com"},
		"the role stays with an empty extension": {`"userName":"ada@example.com"` + extension(`{}`), "editor", "ada@example.com"},
		"the role changes with the extension":    {`"userName":"ada@example.com"` + extension(`{"editor":false}`), "viewer", "ada@example.com"},
		"the role changes with a string":         {`"userName":"ada@example.com"` + extension(`{"editor":"False"}`), "viewer", "ada@example.com"},
		"the userName changes":                   {`"userName":"new@example.com","active":"True"`, "editor", "new@example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{}, member("ada", "editor"))
			userIn(t, c.put("ada", test.attributes), http.StatusOK)
			u := c.get("ada")
			if u.role() != test.role || u.UserName != test.userName || u.Emails[0].Value != test.userName || !*u.Active {
				t.Errorf("user = %+v with role %s, want %s as %s", u, u.role(), test.userName, test.role)
			}
		})
	}
}

func TestPutsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		attributes string
		status     int
		scimType   string
	}{
		"no userName":                 {`"active":true`, 400, "invalidValue"},
		"an upper-case userName":      {`"userName":"Ada@example.com"`, 400, "invalidValue"},
		"a userName that is in use":   {`"userName":"bob@example.com"`, 409, "uniqueness"},
		"an e-mail that is another":   {`"userName":"ada@example.com","emails":[{"value":"x@example.com","primary":true}]`, 400, "invalidValue"},
		"a role that is not readable": {`"userName":"ada@example.com"` + extension(`{"editor":"1"}`), 400, "invalidValue"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{}, member("ada", "editor"), member("bob", "viewer"))
			c.put("ada", test.attributes).wantError(t, test.status, test.scimType)
			if got := c.get("ada"); got.UserName != "ada@example.com" || got.role() != "editor" {
				t.Errorf("user = %+v, want nothing applied", got)
			}
		})
	}
	c := start(t, sim.Config{})
	c.put("unknown", `"userName":"ada@example.com"`).wantError(t, http.StatusNotFound, "")
	c.patch("unknown", deactivate).wantError(t, http.StatusNotFound, "")
}
