package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const token = "test-token"

// Tested here is what this package adds to the library, and what internal/e2e, whose
// syncs and changes are compared with the workspace, does not go through.

func newWorkspace(t *testing.T, cfg sim.Config) *sim.Workspace {
	t.Helper()
	cfg.Token = token
	w, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// send makes a request, whose status must be the wanted one, and returns the answer.
func send(t *testing.T, w *sim.Workspace, want int, method, path, body string) map[string]any {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, sim.BasePath+path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	recorder := httptest.NewRecorder()
	w.Handler().ServeHTTP(recorder, request)
	if recorder.Code != want {
		t.Fatalf("%s %s %s = %d, want %d: %s", method, path, body, recorder.Code, want, recorder.Body)
	}
	answer := map[string]any{}
	if recorder.Body.Len() > 0 {
		if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
	}
	return answer
}

func patch(t *testing.T, w *sim.Workspace, want int, id, operation string) {
	t.Helper()
	send(t, w, want, http.MethodPatch, "Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operation+`]}`)
}

func create(t *testing.T, w *sim.Workspace, want int, attributes string) sim.User {
	t.Helper()
	id, _ := send(t, w, want, http.MethodPost, "Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],`+attributes+`}`)["id"].(string)
	user, _ := w.User(id)
	return user
}

// listed returns the user names that a query finds.
func listed(t *testing.T, w *sim.Workspace, query string) []string {
	t.Helper()
	var names []string
	found, _ := send(t, w, http.StatusOK, http.MethodGet, "Users?"+query, "")["Resources"].([]any)
	for _, user := range found {
		names = append(names, fmt.Sprint(user.(map[string]any)["userName"])) //nolint:forcetypeassert // by RFC 7644
	}
	return names
}

func TestTheSeededPeopleStayTheSameAcrossVersions(t *testing.T) {
	// Scripts and recordings name these people: changing them is a breaking change.
	users := newWorkspace(t, sim.Config{Users: 42}).Users()
	if u := users[41]; u.ID != "523135960a91acc9f32a17bc" || u.UserName != "joao.nwosu.0042@example.com" || u.DisplayName != "João Nwosu" {
		t.Errorf("person 42 is %+v", u)
	}
	inactive := func(u sim.User) bool { return !u.Active }
	roleless := func(u sim.User) bool { return u.Editor == nil }
	if dozen := users[:12]; !slices.ContainsFunc(dozen, inactive) || !slices.ContainsFunc(dozen, roleless) {
		t.Error("the first dozen lacks a kind of user")
	}
}

func TestTheTokenAndTheBasePathAreNeeded(t *testing.T) {
	var log bytes.Buffer
	w := newWorkspace(t, sim.Config{Users: 1, RequestLog: &log})
	for _, test := range []struct {
		path, authorization string
		want                int
	}{
		{"/scim-v2/Users", "", 401}, {"/scim-v2/Users", "Bearer wrong", 401}, {"/scim-v2/Users", "Basic " + token, 401}, {"/scim-v2/Users", "bearer " + token, 200},
		{"/Users", "Bearer " + token, 404}, {"/scim-v2/v2/Users", "Bearer " + token, 404}, {"/scim-v2/Groups", "Bearer " + token, 404},
	} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, test.path, http.NoBody)
		request.Header.Set("Authorization", test.authorization)
		recorder := httptest.NewRecorder()
		w.Handler().ServeHTTP(recorder, request)
		if line := fmt.Sprintf("GET %s %d\n", test.path, test.want); recorder.Code != test.want || !strings.HasSuffix(log.String(), line) {
			t.Errorf("%s with %q: %d, want %d; log %q", test.path, test.authorization, recorder.Code, test.want, log.String())
		}
	}
}

func TestListingAndFilter(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 25, PageSize: 10})
	first, last := sim.Person(0).UserName, sim.Person(24).UserName
	if page := listed(t, w, "count=1000"); len(page) != 10 || page[0] != first {
		t.Errorf("the first page is %v", page)
	}
	if page := listed(t, w, "startIndex=21&count=10"); len(page) != 5 || page[4] != last {
		t.Errorf("the last page is %v", page)
	}
	if page := listed(t, w, "startIndex=9223372036854775807&count=10"); len(page) != 0 {
		t.Errorf("the page after the end is %v", page)
	}
	odd := w.Add(sim.User{UserName: `o"d\d&é@example.com`}).UserName
	for filter, want := range map[string][]string{
		`userName eq "` + strings.ToUpper(first) + `"`: {first}, `userName eq "o\"d\\d\u0026é@example.com"`: {odd}, `userName eq "nobody"`: nil,
	} {
		if found := listed(t, w, "filter="+url.QueryEscape(filter)); !slices.Equal(found, want) {
			t.Errorf("%s finds %v, want %v", filter, found, want)
		}
	}
	send(t, w, http.StatusBadRequest, http.MethodGet, "Users?filter=active%20eq%20true", "")
	id := w.Add(sim.User{ID: "a/b?c %41日", UserName: "x@example.com"}).ID
	if got := send(t, w, http.StatusOK, http.MethodGet, "Users/"+url.PathEscape(id), "")["id"]; got != id {
		t.Errorf("the id %q is answered as %q", id, got)
	}
}

func TestCreation(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 1, DefaultRole: "editor"})
	u := create(t, w, http.StatusCreated, `"userName":"new@example.com","name":{"givenName":"New"},"emails":[{"value":"new@example.com","primary":true}]`)
	if !u.Active || !*u.Editor || u.GivenName != "New" || u.Email != "new@example.com" {
		t.Errorf("created %+v", u)
	}
	if u := create(t, w, http.StatusCreated, `"userName":"viewer@example.com","`+sim.ExtensionSchema+`":{"editor":false}`); *u.Editor {
		t.Errorf("created %+v", u)
	}
	create(t, w, http.StatusConflict, `"userName":"new@example.com"`)
	for _, refused := range []string{`"userName":"ada"`, `"userName":"Ada@example.com"`, `"userName":"a@example.com","emails":[{"value":"b@example.com","primary":true}]`} {
		create(t, w, http.StatusBadRequest, refused)
	}
	if got := len(w.Users()); got != 3 {
		t.Errorf("%d users", got)
	}
}

func TestAPendingUserIsInvisibleUntilTheFirstLogin(t *testing.T) {
	w := newWorkspace(t, sim.Config{PendingUntilLogin: true})
	id := create(t, w, http.StatusCreated, `"userName":"new@example.com"`).ID
	send(t, w, http.StatusNotFound, http.MethodGet, "Users/"+id, "")
	w.Login(id)
	send(t, w, http.StatusOK, http.MethodGet, "Users/"+id, "")
}

func TestPatches(t *testing.T) {
	const path = sim.ExtensionSchema + ":editor"
	for _, operation := range []string{
		`{"op":"replace","path":"` + path + `","value":true}`,
		`{"op":"replace","value":{"` + path + `":true,"displayName":"Ignored"}}`,
		`{"op":"replace","value":{"` + sim.ExtensionSchema + `":{"editor":true}}}`,
	} {
		w := newWorkspace(t, sim.Config{Users: 1})
		id := w.Users()[0].ID
		patch(t, w, http.StatusOK, id, operation)
		if u, _ := w.User(id); !*u.Editor || u.DisplayName == "Ignored" {
			t.Errorf("%s makes %+v", operation, u)
		}
		patch(t, w, http.StatusBadRequest, id, operation+`,{"op":"replace","path":"`+path+`","value":"maybe"}`)
	}
}

// No request may make the simulator fail: a 500 or a panic would be taken for a fault of the client under test.
func FuzzNoRequestFailsTheSimulator(f *testing.F) {
	f.Add(http.MethodPost, "Users", `{"userName":"new@example.com","emails":{"value":"new@example.com"}}`)
	f.Add(http.MethodPatch, "Users/x", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","value":{"active":"True"}}]}`)
	f.Add(http.MethodGet, "Users?filter=emails%20eq%20%22%22&count=-1&startIndex=9223372036854775807", "")
	f.Fuzz(func(t *testing.T, method, path, body string) {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+sim.BasePath+path, strings.NewReader(body))
		if err != nil {
			t.Skip("not a request that a client could send")
		}
		w := newWorkspace(t, sim.Config{})
		w.Add(sim.User{ID: "x", UserName: "x@example.com"})
		request.Header.Set("Authorization", "Bearer "+token)
		recorder := httptest.NewRecorder()
		w.Handler().ServeHTTP(recorder, request)
		if recorder.Code >= http.StatusInternalServerError && recorder.Code != http.StatusNotImplemented {
			t.Errorf("%s %s %s = %d %s", method, path, body, recorder.Code, recorder.Body)
		}
	})
}
