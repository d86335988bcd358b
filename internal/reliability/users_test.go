//go:build unix

package reliability

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/sync"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

const extension = `"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`

// rawServer lists users as they are given: JSON that no encoder would write.
func rawServer(t *testing.T, users []string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, _ := strconv.Atoi(r.URL.Query().Get("startIndex"))
		count, _ := strconv.Atoi(r.URL.Query().Get("count"))
		from := min(max(start, 1)-1, len(users))
		page := users[from:min(from+count, len(users))]
		w.Header().Set("Content-Type", "application/scim+json")
		_, _ = fmt.Fprintf(w, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,"Resources":[%s]}`,
			len(users), strings.Join(page, ","))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// syncFrom runs a whole sync of the API at url through the SDK, and returns what it holds and what was logged.
func syncFrom(t *testing.T, url string, options ...sync.SyncOpt) (*batontest.Picture, string) {
	t.Helper()
	h, log := serveConnector(t, url)
	path := filepath.Join(t.TempDir(), "sync.c1z")
	if err := h.Sync(t.Context(), path, options...); err != nil {
		t.Fatalf("sync: %v", err)
	}
	picture, err := batontest.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return picture, log.String()
}

func serveConnector(t *testing.T, url string) (*batontest.Harness, *launch.Output) {
	t.Helper()
	ctx, log := logged(t.Context())
	built, _, err := connector.New(ctx, &config.Whimsical{WhimsicalToken: leaks.Token, BaseUrl: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h, err := batontest.Start(ctx, built)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h, log
}

const untold = "untold"

// oddUser is one user of a workspace of odd ones.
type oddUser struct {
	name       string
	attributes string // what follows the id in the user's JSON
	role       string // the role to be granted, "" for none, untold where the API tells no role of an active user
}

func oddUsers() []oddUser {
	long := strings.Repeat("\U0001F600", 10_000)
	editor := func(value string) string { return extension + `:{"editor":` + value + `}` }
	viewer := editor("false") + "," // whatever the rest is like
	var users []oddUser
	for _, group := range []struct {
		before, role string
		attributes   map[string]string
	}{
		{viewer, viewerRole, map[string]string{
			"emoji": `"displayName":"👩‍🚀🏳️‍🌈"`, "right to left": `"displayName":"\u202eעדה לאבלייס","name":{"givenName":"عادة"}`,
			"10,000 characters":  fmt.Sprintf(`"displayName":"%s","name":{"givenName":"%s"}`, long, long),
			"control characters": `"displayName":"a\u0000b\u0007\u001b[31m\r\n\u2028"`, "invalid UTF-8": "\"displayName\":\"\xff\xfe\xc3(\"",
			"nothing but spaces": `"displayName":"   ","name":{"formatted":"\t"}`,
			"a lone surrogate":   `"displayName":"\ud800","name":{"familyName":"x\udfffy"}`,
			"no name at all":     `"userName":null`, "names that are no strings": `"displayName":7,"name":["a"],"userName":{"a":1}`,
			"a name with markup and a newline": `"displayName":"<script>alert('x')</script>\n=cmd|' /C calc'!A0"`,

			"no e-mails": `"emails":null`, "e-mails that are no list": `"emails":"a@example.com"`,
			"several e-mails, none primary": `"emails":[{"value":"a@example.com"},{"value":"b@example.com"}]`,
			"two primary e-mails":           `"emails":[{"value":"a@example.com","primary":true},{"value":"b@example.com","primary":"True"}]`,
			"a malformed e-mail":            `"userName":"not an address","emails":[{"value":"@@"},{"value":"a b@example.com","primary":true}]`,
			"an e-mail without end":         fmt.Sprintf(`"emails":[{"value":"%s@example.com","primary":true}]`, strings.Repeat("a", 10_000)),
			"e-mails that are no e-mails":   `"emails":[null,7,[],"a@example.com",{"value":{}}]`,

			"active is absent": `"displayName":"A"`, "active is null": `"active":null`, "active is the string True": `"active":"True"`,
			"active is nonsense": `"active":"perhaps"`, "active is a number": `"active":1`,
			"created at no time": `"meta":{"created":"yesterday"}`, "created before the year 1": `"meta":{"created":"0000-01-01T00:00:00Z"}`,
			"created after the year 9999": `"meta":{"created":"10000-01-01T00:00:00Z"}`, "meta is no object": `"meta":"x"`,
			"nested in an unknown attribute":  `"x":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000),
			"a number that no float can hold": `"externalId":1e999999`,
		}},
		{viewer, "", map[string]string{"active is false": `"active":false`, "active is the string False": `"active":"False"`}},
		{"", untold, map[string]string{
			"the extension is absent": `"active":true`, "the extension is null": extension + `:null`,
			"the extension is an array": extension + `:[{"editor":true}]`, "the extension is a string": extension + `:"editor"`,
			"the extension is empty": extension + `:{}`, "editor is null": editor(`null`), "editor is another number": editor(`2`),
			"editor is garbage": editor(`"yes"`), "editor is empty": editor(`""`),
			"editor is an object": editor(`{"value":true}`), "editor is an array": editor(`[true]`),
		}},
		{"", editorRole, map[string]string{
			"editor is the string true": editor(`"true"`), "editor is the string True": editor(`" True "`), "editor is one": editor(`1`),
			"the extension is in other case": strings.ToUpper(extension) + `:{"EDITOR":true}`,
		}},
		{"", viewerRole, map[string]string{"editor is zero": editor(`0`), "editor is the string False": editor(`"False"`)}},
	} {
		for name, attributes := range group.attributes {
			users = append(users, oddUser{name: name, attributes: group.before + attributes, role: group.role})
		}
	}
	return users
}

func TestNoUserIsTooOddToBeSynced(t *testing.T) {
	users := oddUsers()
	var raw []string
	for i, user := range users {
		raw = append(raw, fmt.Sprintf(`{"id":"u%d","userName":"u%d@example.com",%s}`, i, i, user.attributes))
	}
	picture, log := syncFrom(t, rawServer(t, raw))
	roleless := 0
	for i, user := range users {
		t.Run(user.name, func(t *testing.T) {
			id := fmt.Sprintf("u%d", i)
			resource := picture.Resources["user:"+id]
			if resource == nil {
				t.Fatal("the user has vanished")
			}
			if strings.TrimSpace(resource.GetDisplayName()) == "" {
				t.Error("the user has no name")
			}
			for _, role := range batontest.Roles {
				if granted := picture.Grants[batontest.Grant(role, id).GetId()] != nil; granted != (role == user.role) {
					t.Errorf("%s granted: %t, want %t", role, granted, role == user.role)
				}
			}
		})
		if user.role == untold {
			roleless++
		}
	}
	if len(picture.Resources) != len(users)+2 {
		t.Errorf("%d resources, want %d users and 2 roles", len(picture.Resources), len(users))
	}
	warned := slices.DeleteFunc(strings.Split(log, "\n"), func(line string) bool { return !strings.Contains(line, "did not report the role or the status") })
	count := fmt.Sprintf(`"users_without_role":%d`, roleless)
	if len(warned) != 1 || !strings.Contains(warned[0], `"level":"warn"`) || !regexp.MustCompile(count+`\b`).MatchString(warned[0]) {
		t.Errorf("the log has the warnings %q, want one that counts %d users without a role", warned, roleless)
	}
}

// The SDK refuses an answer of more than 4 MiB. All of these pages are larger, and
// under the bound of one answer of the API.
func TestPagesOfLongNamesFitInTheSDKsAnswers(t *testing.T) {
	for name, test := range map[string]struct{ unit, user string }{
		"emoji":         {"\U0001F600", `"displayName":"%[1]s","name":{"formatted":"%[1]s"}`},
		"escaped emoji": {`\ud83d\ude00`, `"displayName":"%[1]s"`},
		"invalid UTF-8": {"\xff", `"userName":"%[1]s","displayName":"%[1]s","name":{"givenName":"%[1]s","familyName":"%[1]s"},"emails":[{"value":"%[1]s"}]`},
		"one letter":    {"a", `"userName":"%[1]s","displayName":"%[1]s","name":{"givenName":"%[1]s","familyName":"%[1]s"},"emails":[{"value":"%[1]s"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			attributes := fmt.Sprintf(test.user, strings.Repeat(test.unit, 10_000))
			var raw []string
			for i := range 100 {
				raw = append(raw, fmt.Sprintf(`{"id":"u%d",%s,%s:{"editor":true}}`, i, attributes, extension))
			}
			picture, _ := syncFrom(t, rawServer(t, raw))
			if len(picture.Resources) != 102 || len(picture.Grants) != 100 {
				t.Errorf("%d resources and %d grants, want 102 and 100", len(picture.Resources), len(picture.Grants))
			}
		})
	}
}

var oddIDs = []string{
	"/", "a/b", "/a/", "?", "a?b=c", "#", "a#b", "%", "%2F", "a%41b", "100%", "+", "a+b", ";", "a;b=c", " ", "a b", " a ", "&", "=", ":", "a:b", "|",
	"@", "person@example.com", ".", "..", "../..", "a/../b", `\`, `"quoted"`, "'", "<b>", "*", "日本", "é", "\U0001F600",
	"x", "0", strings.Repeat("a", 500), strings.Repeat("a/", 250), strings.Repeat("日", 300),
}

// idWorkspace is a workspace of Viewers with odd ids.
func idWorkspace(t *testing.T) *faults.Workspace {
	t.Helper()
	w := faults.Serve(t, sim.Config{PageSize: 7})
	for i, id := range oddIDs {
		email := fmt.Sprintf("person%d@example.com", i)
		w.Add(sim.User{ID: id, UserName: email, Email: email, DisplayName: "Person", Active: true, Editor: new(bool)})
	}
	return w
}

func TestIDsOfEveryShapeAreSynced(t *testing.T) {
	w := idWorkspace(t)
	var targets []*v2.Resource
	for _, id := range oddIDs {
		targets = append(targets, batontest.Resource("user", id))
	}
	want := batontest.Expected(w.Users())
	whole, _ := syncFrom(t, w.URL)
	lines := whole.Access().Differences(want)
	targeted, _ := syncFrom(t, w.URL, sync.WithTargetedSyncResources(targets))
	maps.DeleteFunc(want, func(thing, _ string) bool { // which nobody holds, or which comes with a role
		return thing == "role "+editorRole || strings.HasPrefix(thing, "entitlement ")
	})
	for _, line := range append(lines, targeted.Access().Differences(want)...) {
		t.Error(line)
	}
}

func TestIDsOfEveryShapeAreProvisioned(t *testing.T) {
	workspace := idWorkspace(t)
	h, _ := serveConnector(t, workspace.URL)
	for _, id := range oddIDs {
		principal := batontest.Resource("user", id)
		grant := v2.GrantManagerServiceGrantRequest_builder{Principal: principal, Entitlement: batontest.Entitlement(editorRole)}
		_, err := h.Client.Grant(t.Context(), grant.Build())
		if user, _ := workspace.User(id); err != nil || batontest.RoleOf(user) != editorRole {
			t.Errorf("%q is not an Editor: %v", id, err)
		}
		_, err = h.Client.Revoke(t.Context(), v2.GrantManagerServiceRevokeRequest_builder{Grant: batontest.Grant(editorRole, id)}.Build())
		if user, _ := workspace.User(id); err != nil || batontest.RoleOf(user) != viewerRole {
			t.Errorf("%q is not a Viewer: %v", id, err)
		}
		before := len(workspace.Users())
		_, err = h.Client.DeleteResource(t.Context(), v2.DeleteResourceRequest_builder{ResourceId: principal.GetId()}.Build())
		if _, there := workspace.User(id); err != nil || there || len(workspace.Users()) != before-1 {
			t.Errorf("%q is still there, or somebody else is gone: %v", id, err)
		}
	}
}
