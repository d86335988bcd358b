package sim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestEveryDocumentedDialectChangesTheRole(t *testing.T) {
	// In each form, bool and Bool stand for the value in lower case and capitalised.
	for name, form := range map[string]string{
		"a path and a boolean":             `{"op":"replace","path":"` + editorPath + `","value":bool}`,
		"a path and a capitalised string":  `{"op":"replace","path":"` + editorPath + `","value":"Bool"}`,
		"a path and a lower-case string":   `{"op":"replace","path":"` + editorPath + `","value":"bool"}`,
		"an operation in capitals":         `{"op":"Replace","path":"` + editorPath + `","value":"Bool"}`,
		"an add":                           `{"op":"ADD","path":"` + editorPath + `","value":bool}`,
		"members in another case":          `{"Op":"replace","Path":"` + editorPath + `","Value":"Bool"}`,
		"a path in another case":           `{"op":"replace","path":"` + strings.ToLower(editorPath) + `","value":bool}`,
		"no path, a nested extension":      `{"op":"replace","value":{"` + sim.ExtensionSchema + `":{"editor":bool}}}`,
		"no path, nested, a string":        `{"op":"replace","value":{"` + sim.ExtensionSchema + `":{"editor":"Bool"}}}`,
		"no path, nested, in another case": `{"op":"replace","value":{"` + strings.ToLower(sim.ExtensionSchema) + `":{"Editor":bool}}}`,
		"no path, a qualified attribute":   `{"op":"replace","value":{"` + editorPath + `":bool}}`,
		"no path, qualified, a string":     `{"op":"add","value":{"` + editorPath + `":"Bool"}}`,
		"no path, beside other attributes": `{"op":"replace","value":{"active":true,"` + editorPath + `":bool,"title":"x"}}`,
		"an empty path":                    `{"op":"replace","path":"","value":{"` + editorPath + `":bool}}`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, test := range []struct{ from, to, value, capitalised string }{
				{"viewer", "editor", "true", "True"},
				{"editor", "viewer", "false", "False"},
			} {
				operation := strings.NewReplacer("bool", test.value, "Bool", test.capitalised).Replace(form)
				c := start(t, sim.Config{}, member("ada", test.from))
				u := userIn(t, c.patch("ada", operation), http.StatusOK)
				if stored := c.get("ada"); u.role() != test.to || stored.role() != test.to {
					t.Errorf("%s: answered %s, stored %s, want %s", operation, u.role(), stored.role(), test.to)
				}
			}
		})
	}
}

func TestAUserWithoutARoleCanBeGivenOne(t *testing.T) {
	c := start(t, sim.Config{}, member("nora", "none"))
	if got := c.get("nora").role(); got != "none" {
		t.Fatalf("role = %s, want none", got)
	}
	c.patch("nora", `{"op":"replace","path":"`+editorPath+`","value":false}`).want(t, http.StatusOK)
	if got := c.get("nora").role(); got != "viewer" {
		t.Errorf("role = %s, want viewer", got)
	}
}

func TestEveryDocumentedDialectDeactivatesAndReactivates(t *testing.T) {
	for name, format := range map[string]string{
		"no path":                  `{"op":"replace","value":{"active":%t}}`,
		"no path, a string":        `{"op":"replace","value":{"active":"%t"}}`,
		"a path":                   `{"op":"replace","path":"active","value":%t}`,
		"a path and a string":      `{"op":"Replace","path":"active","value":"%t"}`,
		"a qualified path":         `{"op":"replace","path":"` + coreURN + `:active","value":%t}`,
		"an attribute in capitals": `{"op":"replace","value":{"Active":%t}}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{DeactivationKeeps: true}, member("ada", "editor"))
			for _, active := range []bool{false, true} {
				u := userIn(t, c.patch("ada", fmt.Sprintf(format, active)), http.StatusOK)
				if *u.Active != active || *c.get("ada").Active != active || u.role() != "editor" {
					t.Errorf("active = %t with role %s, want %t with the role kept", *u.Active, u.role(), active)
				}
			}
		})
	}
}

func TestOperationsOfOnePatchAreAppliedInOrder(t *testing.T) {
	inactive := member("ian", "viewer")
	inactive.Active = false
	c := start(t, sim.Config{}, inactive)
	u := userIn(t, c.patch("ian",
		`{"op":"replace","path":"`+editorPath+`","value":false}`,
		`{"op":"replace","value":{"active":true}}`,
		`{"op":"replace","path":"`+editorPath+`","value":true}`,
	), http.StatusOK)
	if !*u.Active || u.role() != "editor" {
		t.Errorf("active = %t, role = %s, want an active editor", *u.Active, u.role())
	}
}

func TestAPatchIsAppliedWholeOrNotAtAll(t *testing.T) {
	promote := `{"op":"replace","path":"` + editorPath + `","value":true}`
	for name, test := range map[string]struct {
		bad      string
		status   int
		scimType string
	}{
		"an unknown attribute":              {`{"op":"replace","path":"nothing","value":1}`, 400, "invalidPath"},
		"an unknown attribute without path": {`{"op":"replace","value":{"nothing":1}}`, 400, "invalidValue"},
		"an unknown schema":                 {`{"op":"replace","path":"urn:x:2.0:User:editor","value":true}`, 400, "invalidPath"},
		"the role without its schema":       {`{"op":"replace","path":"editor","value":true}`, 400, "invalidValue"},
		"an unknown role attribute":         {`{"op":"replace","value":{"` + sim.ExtensionSchema + `":{"admin":true}}}`, 400, "invalidValue"},
		"the role in two forms":             {`{"op":"replace","value":{"` + sim.ExtensionSchema + `":{"editor":true},"` + editorPath + `":false}}`, 400, "invalidValue"},
		"a role that is no boolean":         {`{"op":"replace","path":"` + editorPath + `","value":"maybe"}`, 400, "invalidValue"},
		"active that is a number":           {`{"op":"replace","path":"active","value":0}`, 400, "invalidValue"},
		"no value":                          {`{"op":"replace","path":"active"}`, 400, "invalidValue"},
		"a null value":                      {`{"op":"replace","path":"active","value":null}`, 400, "invalidValue"},
		"a value that is no object":         {`{"op":"replace","value":true}`, 400, "invalidValue"},
		"an unknown operation":              {`{"op":"move","path":"active","value":true}`, 400, "invalidValue"},
		"an operation that is no object":    {`"replace"`, 400, "invalidPath"},
		"the removal of the role":           {`{"op":"remove","path":"` + editorPath + `"}`, 400, "mutability"},
		"the removal of active":             {`{"op":"remove","path":"active"}`, 400, "mutability"},
		"the removal of the userName":       {`{"op":"remove","path":"userName"}`, 400, "mutability"},
		"the removal of the e-mail":         {`{"op":"remove","path":"emails[type eq \"work\"]"}`, 400, "mutability"},
		"a removal without a path":          {`{"op":"remove"}`, 400, "invalidValue"},
		"an upper-case userName":            {`{"op":"replace","path":"userName","value":"Ada@example.com"}`, 422, "invalidValue"},
		"a userName that is in use":         {`{"op":"replace","path":"userName","value":"bob@example.com"}`, 409, "uniqueness"},
		"an e-mail other than the userName": {`{"op":"replace","path":"emails[type eq \"work\"].value","value":"x@example.com"}`, 400, "invalidValue"},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{CaseStatus: 422}, member("ada", "viewer"), member("bob", "viewer"))
			c.patch("ada", promote, test.bad).wantError(t, test.status, test.scimType)
			if u, _ := c.workspace.User("ada"); *u.Editor || !u.Active || u.UserName != "ada@example.com" {
				t.Errorf("user = %+v, want nothing applied", u)
			}
		})
	}
}

func TestAPatchThatIsNoPatchIsRefused(t *testing.T) {
	c := start(t, sim.Config{}, member("ada", "viewer"))
	for name, body := range map[string]string{
		"no schemas":           `{"Operations":[{"op":"replace","path":"active","value":true}]}`,
		"another schema":       `{"schemas":["` + coreURN + `"],"Operations":[{"op":"replace","path":"active","value":true}]}`,
		"no operations":        `{"schemas":["` + patchOp + `"]}`,
		"an empty list":        `{"schemas":["` + patchOp + `"],"Operations":[]}`,
		"attributes of a user": `{"schemas":["` + patchOp + `"],"active":false}`,
	} {
		t.Run(name, func(t *testing.T) {
			c.do(http.MethodPatch, "Users/ada", body).wantError(t, http.StatusBadRequest, "invalidValue")
		})
	}
}

func TestNamesAreFrozenAfterCreation(t *testing.T) {
	attributes := `{"name":{"givenName":"Other","familyName":"Other"},"displayName":"Other"}`
	for name, write := range map[string]func(c *client) reply{
		"a patch of the parts": func(c *client) reply {
			return c.patch("ada", `{"op":"replace","path":"name.givenName","value":"Other"}`,
				`{"op":"replace","path":"name.familyName","value":"Other"}`)
		},
		"a patch without a path": func(c *client) reply { return c.patch("ada", `{"op":"replace","value":`+attributes+`}`) },
		"a patch of the name": func(c *client) reply {
			return c.patch("ada", `{"op":"add","path":"name","value":{"givenName":"Other"}}`)
		},
		"a patch of the display name":   func(c *client) reply { return c.patch("ada", `{"op":"replace","path":"displayName","value":"Other"}`) },
		"a patch that removes the name": func(c *client) reply { return c.patch("ada", `{"op":"remove","path":"name.givenName"}`) },
		"a put": func(c *client) reply {
			return c.put("ada", `"userName":"ada@example.com",`+strings.Trim(attributes, "{}")+`}`)
		},
		"a put without names": func(c *client) reply { return c.put("ada", `"userName":"ada@example.com"`) },
	} {
		t.Run(name+" is accepted and ignored", func(t *testing.T) {
			c := start(t, sim.Config{}, member("ada", "viewer"))
			u := userIn(t, write(c), http.StatusOK)
			if u.Name.GivenName != "Given" || u.Name.FamilyName != "Family" || *u.DisplayName != "Given Family" {
				t.Errorf("name = %+v, displayName = %q, want them as created", u.Name, *u.DisplayName)
			}
			if stored, _ := c.workspace.User("ada"); stored.GivenName != "Given" || stored.DisplayName != "Given Family" {
				t.Errorf("stored = %+v, want the names as created", stored)
			}
		})
	}
}

func TestTheEmailFollowsTheUserName(t *testing.T) {
	for name, operations := range map[string][]string{
		"when the userName alone changes": {`{"op":"replace","path":"userName","value":"ada.new@example.com"}`},
		"when both change": {
			`{"op":"replace","path":"emails[type eq \"work\"].value","value":"ada.new@example.com"}`,
			`{"op":"replace","path":"userName","value":"ada.new@example.com"}`,
		},
		"when both change at once": {
			`{"op":"replace","value":{"userName":"ada.new@example.com","emails":[{"value":"ada.new@example.com","primary":true}]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, sim.Config{}, member("ada", "viewer"))
			u := userIn(t, c.patch("ada", operations...), http.StatusOK)
			if u.UserName != "ada.new@example.com" || u.Emails[0].Value != u.UserName {
				t.Errorf("userName = %q, emails = %+v", u.UserName, u.Emails)
			}
			if c.find(`userName eq "ada@example.com"`).TotalResults != 0 || c.find(`userName eq "ada.new@example.com"`).TotalResults != 1 {
				t.Error("the filter does not follow the change")
			}
		})
	}
}

func TestIgnoredRoleChangesAnswerAsIfTheyWereApplied(t *testing.T) {
	c := start(t, sim.Config{IgnoreRoleChanges: true}, member("ada", "viewer"))
	c.patch("ada", `{"op":"replace","path":"`+editorPath+`","value":true}`).want(t, http.StatusOK)
	c.put("ada", `"userName":"ada@example.com"`+extension(`{"editor":true}`)).want(t, http.StatusOK)
	if got := c.get("ada").role(); got != "viewer" {
		t.Errorf("role = %s, want viewer still", got)
	}
	u := userIn(t, c.post(`"userName":"new@example.com"`+extension(`{"editor":true}`)), http.StatusCreated)
	if u.role() != "editor" {
		t.Errorf("role of a created user = %s, want editor: creation is no change", u.role())
	}
}
