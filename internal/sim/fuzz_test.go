package sim_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// No request may make the simulator fail: a 500 or a panic would be taken for a
// fault of the client under test.
func FuzzNoRequestFailsTheSimulator(f *testing.F) {
	f.Add(http.MethodPost, "Users", `{"userName":"new@example.com","emails":{"value":"new@example.com"}}`)
	f.Add(http.MethodPatch, "Users/ada", `{"schemas":["`+patchOp+`"],"Operations":[{"op":"replace","value":{"`+sim.ExtensionSchema+`":{"editor":"True"}}}]}`)
	f.Add(http.MethodPatch, "Users/ada", `{"schemas":["`+patchOp+`"],"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":1}]}`)
	f.Add(http.MethodPut, "Users/ada", `{"userName":"ada@example.com","active":"x"}`)
	f.Add(http.MethodGet, "Users?filter=emails%20eq%20%22%22&count=-1&startIndex=9223372036854775807", "")
	f.Add(http.MethodGet, "Users?filter=not%20(name%20pr)%20and%20emails.value%20co%20%22a%22", "")
	f.Fuzz(func(t *testing.T, method, path, body string) {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+sim.BasePath+path, strings.NewReader(body))
		if err != nil {
			t.Skip("not a request that a client could send")
		}
		workspace, err := sim.New(sim.Config{Token: token})
		if err != nil {
			t.Fatal(err)
		}
		workspace.Add(member("ada", "viewer"))
		request.Header.Set("Authorization", "Bearer "+token)
		recorder := httptest.NewRecorder()
		workspace.Handler().ServeHTTP(recorder, request)
		if recorder.Code >= http.StatusInternalServerError && recorder.Code != http.StatusNotImplemented {
			t.Errorf("%s %s %s = %d %s", method, path, body, recorder.Code, recorder.Body)
		}
	})
}
