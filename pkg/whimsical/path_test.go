package whimsical

import (
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestAnIDIsOneEscapedPathElement(t *testing.T) {
	for id, escaped := range map[string]string{
		"1": "1", "x": "x", "2819c223-7f76-453a-919d": "2819c223-7f76-453a-919d", "ada@example.com": "ada@example.com",
		".": "%2E", "..": "%2E%2E", "...": "...", "a.b": "a.b", "../Groups/1": "..%2FGroups%2F1", "a/b": "a%2Fb",
		"a?b=c": "a%3Fb=c", "a#b": "a%23b", "a+b": "a%2Bb", "a;b": "a%3Bb", "a b": "a%20b", " ": "%20", `a"b\c`: "a%22b%5Cc",
		"a%2Fb": "a%252Fb", "100%": "100%25", "urn:x:1,2": "urn:x:1%2C2", "https://example.com/?a=b": "https:%2F%2Fexample.com%2F%3Fa=b",
		"é": "%C3%A9", "日本語": "%E6%97%A5%E6%9C%AC%E8%AA%9E", strings.Repeat("é/", 250): strings.Repeat("%C3%A9%2F", 250),
		strings.Repeat("i", 500): strings.Repeat("i", 500),
	} {
		shown := scimscript.OK(scimscript.User{ID: id, UserName: "ada@example.com"})
		user, err := following(t, listed("Users/"+escaped, shown)).GetUser(t.Context(), id)
		if err != nil || user.ID != id {
			t.Errorf("%q: got the user %+v, %v", id, user, err)
		}
	}
}

func TestAUserWithoutAnIDIsNeverAskedFor(t *testing.T) {
	// The path would be that of all users.
	client := following(t)
	_, err := client.GetUser(t.Context(), "")
	failsWith(t, err, codes.InvalidArgument, "")
	failsWith(t, client.DeleteUser(t.Context(), ""), codes.InvalidArgument, "")
	_, err = client.ChangeUser(t.Context(), &User{}, Change{Role: RoleViewer})
	failsWith(t, err, codes.InvalidArgument, "")
}

func TestAnIDThatIsAnEMailAddressStaysOutOfErrors(t *testing.T) {
	for _, id := range []string{"ada@example.com", "ada%40example.com", "mailto:ada@example.com"} {
		_, err := answering(t, saying(http.StatusForbidden, "")).GetUser(t.Context(), id)
		if err == nil || strings.Contains(err.Error(), "example.com") || !strings.Contains(err.Error(), "/scim-v2/Users/{id}") {
			t.Errorf("got %v", err)
		}
	}
}
