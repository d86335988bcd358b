package sim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func extension(value string) string {
	return `,"` + sim.ExtensionSchema + `":` + value
}

func TestCreatedUserIsAnsweredAndListed(t *testing.T) {
	c := start(t, sim.Config{Users: 3})
	r := c.post(`"userName":"new@example.com","name":{"givenName":"New","familyName":"Person"},
		"displayName":"New Person","active":true,
		"emails":[{"value":"new@example.com","type":"work","primary":true}]` + extension(`{"editor":true}`))
	u := userIn(t, r, http.StatusCreated)
	if u.ID == "" || u.UserName != "new@example.com" || u.Name.GivenName != "New" || u.Name.FamilyName != "Person" ||
		*u.DisplayName != "New Person" || !*u.Active || u.role() != "editor" || u.Meta.Created == "" {
		t.Errorf("answer = %s", r.body)
	}
	if want := c.url + "/scim-v2/Users/" + u.ID; r.header.Get("Location") != want {
		t.Errorf("Location = %q, want %q", r.header.Get("Location"), want)
	}
	list := c.list("")
	if last := list.Resources[len(list.Resources)-1]; list.TotalResults != 4 || last.ID != u.ID {
		t.Errorf("the last of %d users is %q, want the new one at the end", list.TotalResults, last.UserName)
	}
	if found := c.find(`userName eq "new@example.com"`); found.TotalResults != 1 || found.Resources[0].ID != u.ID {
		t.Errorf("the filter finds %+v", found)
	}
}

func TestRoleOfACreatedUser(t *testing.T) {
	for name, test := range map[string]struct {
		defaultRole, extension, want string
	}{
		"without the extension the default is viewer":       {"", "", "viewer"},
		"without the extension a viewer by configuration":   {"viewer", "", "viewer"},
		"without the extension an editor by configuration":  {"editor", "", "editor"},
		"an empty extension leaves the default":             {"editor", extension(`{}`), "editor"},
		"a null extension leaves the default":               {"editor", extension(`null`), "editor"},
		"a null role leaves the default":                    {"editor", extension(`{"editor":null}`), "editor"},
		"true makes an editor":                              {"viewer", extension(`{"editor":true}`), "editor"},
		"false makes a viewer":                              {"editor", extension(`{"editor":false}`), "viewer"},
		"the string True makes an editor":                   {"viewer", extension(`{"editor":"True"}`), "editor"},
		"the string false makes a viewer":                   {"editor", extension(`{"editor":"false"}`), "viewer"},
		"the URN may be in another case":                    {"viewer", strings.ToUpper(extension("")) + `{"editor":true}`, "editor"},
		"the attribute of the extension may be capitalised": {"viewer", extension(`{"Editor":"TRUE"}`), "editor"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{DefaultRole: test.defaultRole})
			u := userIn(t, c.post(`"userName":"new@example.com"`+test.extension), http.StatusCreated)
			if u.role() != test.want || c.get(u.ID).role() != test.want {
				t.Errorf("role = %s, want %s", u.role(), test.want)
			}
		})
	}
}

func TestWhatACreateLeavesOut(t *testing.T) {
	c := start(t, sim.Config{})
	u := userIn(t, c.post(`"userName":"new@example.com"`), http.StatusCreated)
	if !*u.Active {
		t.Error("a user is inactive without having asked for it")
	}
	if len(u.Emails) != 1 || u.Emails[0].Value != "new@example.com" || !u.Emails[0].Primary {
		t.Errorf("emails = %+v, want the userName as primary address", u.Emails)
	}
	if u.Name != nil || u.DisplayName != nil {
		t.Errorf("name = %+v, displayName = %v, want none", u.Name, u.DisplayName)
	}
}

func TestCreatesThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		cfg      sim.Config
		body     string
		status   int
		scimType string
	}{
		"no userName":                    {body: `"active":true`, status: 400, scimType: "invalidValue"},
		"an empty userName":              {body: `"userName":""`, status: 400, scimType: "invalidValue"},
		"a userName that is no e-mail":   {body: `"userName":"ada"`, status: 400, scimType: "invalidValue"},
		"a userName without a domain":    {body: `"userName":"ada@"`, status: 400, scimType: "invalidValue"},
		"a userName that is a number":    {body: `"userName":7`, status: 400, scimType: "invalidValue"},
		"an upper-case userName":         {body: `"userName":"New@example.com"`, status: 400, scimType: "invalidValue"},
		"an upper-case userName, as 422": {cfg: sim.Config{CaseStatus: 422}, body: `"userName":"new@Example.com"`, status: 422, scimType: "invalidValue"},
		"a userName that is in use":      {body: `"userName":"ada@example.com"`, status: 409, scimType: "uniqueness"},
		"another primary e-mail": {
			body:   `"userName":"new@example.com","emails":[{"value":"other@example.com","primary":true}]`,
			status: 400, scimType: "invalidValue",
		},
		"a single e-mail that is another": {
			body:   `"userName":"new@example.com","emails":[{"value":"New@example.com"}]`,
			status: 400, scimType: "invalidValue",
		},
		"a role that is no boolean": {
			body:   `"userName":"new@example.com"` + extension(`{"editor":"yes"}`),
			status: 400, scimType: "invalidValue",
		},
		"active that is no boolean": {
			body:   `"userName":"new@example.com","active":1`,
			status: 400, scimType: "invalidValue",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, test.cfg, member("ada", "viewer"))
			c.post(test.body).wantError(t, test.status, test.scimType)
			if got := len(c.workspace.Users()); got != 1 {
				t.Errorf("%d users afterwards, want nobody created", got)
			}
		})
	}
}

func TestOtherEmailAddressesAreAcceptedAndNotKept(t *testing.T) {
	c := start(t, sim.Config{})
	u := userIn(t, c.post(`"userName":"new@example.com","emails":[
		{"value":"home@example.com","type":"home"},{"value":"new@example.com","type":"work","primary":true}]`), http.StatusCreated)
	if len(u.Emails) != 1 || u.Emails[0].Value != "new@example.com" {
		t.Errorf("emails = %+v, want the primary address alone", u.Emails)
	}
}

func TestCreatedUsersAreTheSameInEveryRun(t *testing.T) {
	create := func() wireUser {
		c := start(t, sim.Config{Users: 3})
		userIn(t, c.post(`"userName":"first@example.com"`), http.StatusCreated)
		return userIn(t, c.post(`"userName":"second@example.com"`), http.StatusCreated)
	}
	first, second := create(), create()
	if first.ID != second.ID || first.Meta.Created != second.Meta.Created {
		t.Errorf("two runs differ: %s of %s, %s of %s", first.ID, first.Meta.Created, second.ID, second.Meta.Created)
	}
}

func TestAPendingUserIsInvisibleUntilTheFirstLogin(t *testing.T) {
	c := start(t, sim.Config{PendingUntilLogin: true}, member("ada", "viewer"))
	id := userIn(t, c.post(`"userName":"new@example.com"`), http.StatusCreated).ID
	c.workspace.Add(member("zoe", "viewer"))

	if u, ok := c.workspace.User(id); !ok || !u.Pending {
		t.Fatalf("User = %+v, %v, want a pending user", u, ok)
	}
	if got := names(c.list("").Resources); len(got) != 2 || got[0] != "ada@example.com" || got[1] != "zoe@example.com" {
		t.Errorf("list = %v, want the pending user left out", got)
	}
	for _, filter := range []string{`userName eq "new@example.com"`, `userName sw "new"`} {
		if got := c.find(filter).TotalResults; got != 0 {
			t.Errorf("%s finds %d users, want none", filter, got)
		}
	}
	path := "Users/" + id
	c.do(http.MethodGet, path, "").wantError(t, http.StatusNotFound, "")
	c.do(http.MethodDelete, path, "").wantError(t, http.StatusNotFound, "")
	c.patch(id, `{"op":"replace","path":"active","value":false}`).wantError(t, http.StatusNotFound, "")
	c.post(`"userName":"new@example.com"`).wantError(t, http.StatusConflict, "uniqueness")

	if !c.workspace.Login(id) {
		t.Fatal("Login = false, want true")
	}
	if got := names(c.list("").Resources); len(got) != 3 || got[1] != "new@example.com" {
		t.Errorf("list = %v, want the user in the order of creation", got)
	}
	if got := c.find(`userName eq "new@example.com"`).TotalResults; got != 1 {
		t.Errorf("the filter finds %d users, want one", got)
	}
	c.get(id)
}
