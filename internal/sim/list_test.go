package sim_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// userNames returns the user names of the workspace in listing order.
func userNames(w *sim.Workspace) []string {
	users := w.Users()
	list := make([]string, 0, len(users))
	for _, u := range users {
		list = append(list, u.UserName)
	}
	return list
}

func TestPagesOfTheListing(t *testing.T) {
	c := start(t, sim.Config{Users: 25, PageSize: 10})
	all := userNames(c.workspace)
	for name, test := range map[string]struct {
		query    string
		from, to int
	}{
		"without parameters the first full page":   {"", 0, 10},
		"the count is honoured":                    {"startIndex=1&count=3", 0, 3},
		"the start index is 1-based":               {"startIndex=4&count=3", 3, 6},
		"a count above the page size is clamped":   {"startIndex=1&count=1000", 0, 10},
		"a start index of zero means one":          {"startIndex=0&count=2", 0, 2},
		"a negative start index means one":         {"startIndex=-7&count=2", 0, 2},
		"the last page is short":                   {"startIndex=21&count=10", 20, 25},
		"a page after the end is empty":            {"startIndex=26&count=10", 25, 25},
		"a huge start index is only after the end": {"startIndex=9223372036854775807&count=10", 25, 25},
		"a count of zero asks for the total alone": {"count=0", 0, 0},
		"a negative count means zero":              {"count=-1", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			list := c.list(test.query)
			if got := names(list.Resources); !slices.Equal(got, all[test.from:test.to]) {
				t.Errorf("page = %v, want %v", got, all[test.from:test.to])
			}
			if list.TotalResults != 25 {
				t.Errorf("totalResults = %d, want 25", list.TotalResults)
			}
		})
	}
}

func TestAPageSizeOfZeroMeansAHundred(t *testing.T) {
	c := start(t, sim.Config{Users: 120})
	if got := len(c.list("count=1000").Resources); got != 100 {
		t.Errorf("page of %d users, want 100", got)
	}
}

func TestAParameterThatIsNoNumberIsRefused(t *testing.T) {
	c := start(t, sim.Config{Users: 3})
	for _, query := range []string{"startIndex=x", "count=ten", "count=1.5", "startIndex=99999999999999999999"} {
		c.do(http.MethodGet, "Users?"+query, "").wantError(t, http.StatusBadRequest, "")
	}
}

func TestAListedUserShowsEveryAttribute(t *testing.T) {
	c := start(t, sim.Config{Users: 2})
	stored := c.workspace.Users()[1]
	u := c.list("").Resources[1]
	if u.ID != stored.ID || u.UserName != stored.UserName || *u.DisplayName != stored.DisplayName ||
		u.Name.GivenName != stored.GivenName || u.Name.FamilyName != stored.FamilyName {
		t.Errorf("user = %+v, want %+v", u, stored)
	}
	if len(u.Emails) != 1 || u.Emails[0].Value != stored.UserName || !u.Emails[0].Primary {
		t.Errorf("emails = %+v, want the primary address alone", u.Emails)
	}
	if !*u.Active || u.role() != "editor" {
		t.Errorf("active = %v, role = %s, want an active editor", *u.Active, u.role())
	}
	if u.Meta.ResourceType != "User" || u.Meta.Created != "2023-01-09T09:07:00Z" {
		t.Errorf("meta = %+v", u.Meta)
	}
	if !slices.Contains(u.Schemas, coreURN) || !slices.Contains(u.Schemas, sim.ExtensionSchema) {
		t.Errorf("schemas = %v", u.Schemas)
	}
}

func TestWhatAUserHasNotIsAbsentFromTheAnswer(t *testing.T) {
	c := start(t, sim.Config{}, sim.User{ID: "odd"})
	body := c.do(http.MethodGet, "Users/odd", "").body
	for _, attribute := range []string{"userName", "name", "displayName", "emails", "editor", "created"} {
		if strings.Contains(body, `"`+attribute+`"`) {
			t.Errorf("%s is in %s", attribute, body)
		}
	}
	if u := c.get("odd"); u.Active == nil || *u.Active {
		t.Errorf("active = %v, want false", u.Active)
	}
}

func TestAnEmptyWorkspaceListsNobody(t *testing.T) {
	c := start(t, sim.Config{})
	if list := c.list("startIndex=1&count=100"); list.TotalResults != 0 || len(list.Resources) != 0 {
		t.Errorf("list = %+v, want nobody", list)
	}
}

func TestFilters(t *testing.T) {
	eve := member("eve", "editor")
	eve.DisplayName, eve.GivenName, eve.FamilyName = "Eve Example", "Eve", "Example"
	inactive := member("ian", "viewer")
	inactive.Active = false
	strange := member("odd", "viewer")
	strange.UserName = `o"d\d<&é@example.com`
	c := start(t, sim.Config{}, eve, inactive, member("nora", "none"), strange, sim.User{ID: "blank", Active: true})

	for name, test := range map[string]struct {
		filter string
		want   []string
	}{
		"userName finds one user":                {`userName eq "eve@example.com"`, []string{eve.UserName}},
		"the value is compared in any case":      {`userName eq "EVE@Example.COM"`, []string{eve.UserName}},
		"attribute and operator are in any case": {`USERNAME EQ "eve@example.com"`, []string{eve.UserName}},
		"the attribute may be qualified":         {coreURN + `:userName eq "eve@example.com"`, []string{eve.UserName}},
		"nobody has the name":                    {`userName eq "nobody@example.com"`, nil},
		"an empty value finds nobody":            {`userName eq ""`, nil},
		"a prefix is not enough":                 {`userName eq "eve"`, nil},
		"escapes are decoded":                    {`userName eq "o\"d\\d\u003C\u0026\u00E9@example.com"`, []string{strange.UserName}},
		"escapes may be in lower case":           {`userName eq "o\"d\\d\u003c\u0026\u00e9@example.com"`, []string{strange.UserName}},
		"other operators are evaluated":          {`userName sw "E"`, []string{eve.UserName}},
		"other attributes are evaluated":         {`displayName co "example"`, []string{eve.UserName}},
		"parts of the name are evaluated":        {`name.familyName eq "Example"`, []string{eve.UserName}},
		"e-mail addresses are evaluated":         {`emails[value eq "eve@example.com"]`, []string{eve.UserName}},
		"active is evaluated":                    {`active eq false`, []string{inactive.UserName}},
		"the role is evaluated":                  {editorPath + ` eq true`, []string{eve.UserName}},
		"comparisons are joined":                 {`userName sw "e" or userName sw "n"`, []string{eve.UserName, "nora@example.com"}},
		"comparisons are negated":                {`not (active eq true)`, []string{inactive.UserName}},
	} {
		t.Run(name, func(t *testing.T) {
			list := c.find(test.filter)
			if got := names(list.Resources); !slices.Equal(got, test.want) && len(got)+len(test.want) > 0 {
				t.Errorf("found %q, want %q", got, test.want)
			}
			if list.TotalResults != len(test.want) {
				t.Errorf("totalResults = %d, want %d", list.TotalResults, len(test.want))
			}
		})
	}
}

func TestAFilterThatCannotBeReadIsRefused(t *testing.T) {
	c := start(t, sim.Config{Users: 3})
	for name, filter := range map[string]string{
		"no operator":                          "userName",
		"no quotes":                            "userName%20eq%20a",
		"an attribute that is not there":       `nothing%20eq%20%22a%22`,
		"a complex attribute as a string":      `emails%20eq%20%22a%22`,
		"an unfinished string":                 `userName%20eq%20%22a`,
		"a quote that was not escaped":         `userName%20eq%20%22a%22b%22`,
		"a pair of brackets that never closes": `(userName%20eq%20%22a%22`,
	} {
		t.Run(name, func(t *testing.T) {
			c.do(http.MethodGet, "Users?filter="+filter, "").wantError(t, http.StatusBadRequest, "invalidFilter")
		})
	}
}

func TestAFilteredListIsPagedToo(t *testing.T) {
	c := start(t, sim.Config{Users: 60, PageSize: 5})
	list := c.list("startIndex=6&count=50&filter=" + strings.ReplaceAll(editorPath+" eq true", " ", "%20"))
	if list.TotalResults != 12 || len(list.Resources) != 5 || list.StartIndex != 6 {
		t.Errorf("total %d, page of %d from %d, want 12, 5 from 6", list.TotalResults, len(list.Resources), list.StartIndex)
	}
}
