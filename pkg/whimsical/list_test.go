package whimsical

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

const listSchema = `"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"]`

func TestAListAnswerIsRead(t *testing.T) {
	for name, test := range map[string]struct {
		body string
		ids  string
	}{
		"as the RFC has it":        {`{` + listSchema + `,"totalResults":2,"itemsPerPage":2,"startIndex":1,"Resources":[{"id":"a"},{"id":"b"}]}`, "a b"},
		"Resources alone":          {`{"Resources":[{"id":"a"}]}`, "a"},
		"names in another case":    {`{"RESOURCES":[{"id":"a"}],"TOTALRESULTS":1}`, "a"},
		"a byte order mark":        {"\xef\xbb\xbf" + `{` + listSchema + `,"Resources":[{"id":"a"}]}`, "a"},
		"white space around it":    {"\r\n {" + listSchema + `,"Resources": [ {"id":"a"} ] }` + "\n", "a"},
		"totalResults as a string": {`{"totalResults":"1","Resources":[{"id":"a"}]}`, "a"},
		"totalResults as garbage":  {`{"totalResults":{},"Resources":[{"id":"a"}]}`, "a"},
		"paging told as garbage":   {`{"itemsPerPage":null,"startIndex":"x","Resources":[{"id":"a"}]}`, "a"},
		"users of wrong types":     {`{"Resources":[{"id":7,"active":"TRUE"},{"id":"b","emails":"x"}]}`, "7 b"},
		"Resources are missing":    {`{` + listSchema + `,"totalResults":0}`, ""},
		"Resources are null":       {`{` + listSchema + `,"Resources":null,"totalResults":0}`, ""},
		"Resources are empty":      {`{"Resources":[],"totalResults":"0"}`, ""},
		"totalResults alone":       {`{"totalResults":0}`, ""},
		"a cursor with a count":    {`{"totalResults":1,"nextCursor":"x","Resources":[{"id":"a"}]}`, "a"},
		"the end of a cursor":      {`{"nextCursor":null,"previousCursor":"x","Resources":[{"id":"a"}]}`, "a"},
		"an empty cursor":          {`{"nextCursor":"","Resources":[{"id":"a"}]}`, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := following(t, listed(list, replying(test.body))).ListUsers(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, user := range page.Users {
				ids = append(ids, user.ID)
			}
			if got := strings.Join(ids, " "); got != test.ids {
				t.Errorf("got the users %q, want %q", got, test.ids)
			}
		})
	}
}

func TestAnAnswerThatIsNoListFailsTheListing(t *testing.T) {
	for name, test := range map[string]struct {
		body, says string
	}{
		"a list of nobody, untold": {`{` + listSchema + `}`, "does not report that there are none"},
		"a count that is none":     {`{` + listSchema + `,"totalResults":"none"}`, "does not report that there are none"},
		"a count below zero":       {`{` + listSchema + `,"totalResults":-1}`, "does not report that there are none"},
		"Resources null, untold":   {`{` + listSchema + `,"Resources":null}`, "does not report that there are none"},
		"Resources empty, untold":  {`{"Resources":[]}`, "does not report that there are none"},
		"schemas in another case":  {`{"schemas":["URN:IETF:PARAMS:SCIM:API:MESSAGES:2.0:LISTRESPONSE"]}`, "does not report that there are none"},
		"empty":                    {"", "it is empty"},
		"white space":              {" \n", "it is empty"},
		"a byte order mark alone":  {"\xef\xbb\xbf", "it is empty"},
		"a web page":               {"<!DOCTYPE html><html><body>Sign in</body></html>", "it is a web page"},
		"a web page, indented":     {"\n  <html></html>", "it is a web page"},
		"text":                     {"OK", "not JSON"},
		"half of it":               {`{` + listSchema + `,"Resources":[{"id":"a"},{"id":`, "not JSON"},
		"more than one":            {`{"Resources":[]}{"Resources":[]}`, "not JSON"},
		"UTF-16":                   {"\xff\xfe{\x00}\x00", "not JSON"},
		"an array":                 {`[{"id":"a"}]`, "no SCIM ListResponse"},
		"null":                     {`null`, "no SCIM ListResponse"},
		"a string":                 {`"Resources"`, "no SCIM ListResponse"},
		"an empty object":          {`{}`, "no SCIM ListResponse"},
		"something else":           {`{"status":"ok","version":3}`, "no SCIM ListResponse"},
		"a user":                   {`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"a"}`, "no SCIM ListResponse"},
		"an error with 200":        {`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"500","detail":"no"}`, "no SCIM ListResponse"},
		"Resources as an object":   {`{` + listSchema + `,"Resources":{"id":"a"}}`, "no SCIM ListResponse"},
		"Resources as a string":    {`{` + listSchema + `,"Resources":"none"}`, "no SCIM ListResponse"},
		"Resources as a number":    {`{` + listSchema + `,"Resources":0}`, "no SCIM ListResponse"},
		"Resources as false":       {`{` + listSchema + `,"Resources":false}`, "no SCIM ListResponse"},
		"nested too deeply":        {`{"Resources":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "not JSON"},
		"a user without an id":     {`{"Resources":[{"id":"a"},{"userName":"ada@example.com"}]}`, "user 2 of the answer cannot be read: it has no id"},
		"a user that is null":      {`{"Resources":[{"id":"a"},{"id":"b"},null]}`, "user 3 of the answer cannot be read"},
		"a user that is a string":  {`{"Resources":["a"]}`, "user 1 of the answer cannot be read"},
		"the first of two":         {`{"Resources":[{"id":"a"},{},7]}`, "user 2 of the answer cannot be read: it has no id"},
		"what stands before it":    {`{"resources":[{}],"Resources":[{"id":"a"}]}`, "user 1 of the answer cannot be read"},
		"a cursor alone":           {`{"Resources":[{"id":"a"}],"nextCursor":"x"}`, "the server pages by cursor (nextCursor), and does not report totalResults"},
		"ids that are not UTF-8":   {"{\"Resources\":[{\"id\":\"\xff\"},{\"id\":\"\xfe\"}]}", "user 1 of the answer cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := following(t, listed(list, replying(test.body))).ListUsers(t.Context(), "")
			failsWith(t, err, codes.FailedPrecondition, test.says)
			if page != nil {
				t.Errorf("got a page of %d users", len(page.Users))
			}
		})
	}
}

func TestTheContentTypeOfAListDoesNotMatter(t *testing.T) {
	for _, contentType := range []string{
		"application/scim+json", "application/json;charset=UTF-8", "text/html", "text/plain", "application/octet-stream", "%%%", "",
	} {
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = []string{contentType}
			_, _ = w.Write([]byte(`{"Resources":[{"id":"a"}]}`))
		})
		page, err := client.ListUsers(t.Context(), "")
		if err != nil || len(page.Users) != 1 {
			t.Errorf("%q: got %+v, %v", contentType, page, err)
		}
	}
}

func TestTheExactSpellingOfAnAttributeWins(t *testing.T) {
	for _, body := range []string{
		`{"Resources":[{"id":"a"}],"resources":[{"id":"b",` + ext + `:{"editor":false}}]}`,
		`{"resources":[{"id":"b",` + ext + `:{"editor":false}}],"Resources":[{"id":"a"}]}`,
		`{"Resources":[{"id":"a","Id":"b","ID":"c"}]}`,
		`{"Resources":[{"Id":"b","id":"a","ID":"c"}]}`,
		`{"Resources":[{"id":"b","id":"a"}]}`,
	} {
		page, err := following(t, listed(list, replying(body))).ListUsers(t.Context(), "")
		if err != nil || len(page.Users) != 1 || page.Users[0].ID != "a" || page.Users[0].Role != RoleUnknown {
			t.Errorf("%s: got %+v, %v", body, page, err)
		}
	}
}

// usersOf returns a list answer with the users from first to last.
func usersOf(first, last, total int) scimscript.Reply {
	var users []string
	for i := first; i <= last; i++ {
		users = append(users, fmt.Sprintf(`{"id":"u%d","userName":"user%d@example.com"}`, i, i))
	}
	return replying(fmt.Sprintf(`{%s,"totalResults":%d,"Resources":[%s]}`, listSchema, total, strings.Join(users, ",")))
}

func TestAListingAsksForPagesThatOverlapByTheLastUser(t *testing.T) {
	ids, err := listAll(t, following(t,
		listed(list, usersOf(1, 100, 150)),
		listed("Users?count=100&startIndex=100", usersOf(100, 150, 150)),
		listed("Users?count=100&startIndex=150", usersOf(150, 150, 150)),
	))
	if err != nil || len(ids) != 150 {
		t.Errorf("got %d users, %v", len(ids), err)
	}
}

func TestAPageTellsWhatTheListingHasReadSoFar(t *testing.T) {
	users := scimscript.List{anEditor, aViewer, inactive, noRole, noStatus}
	client := following(t, listed(list, scimscript.OK(users)), listed("Users?count=100&startIndex=5", replying(strings.Replace(
		users[4:].String(), `"totalResults":1`, `"totalResults":5`, 1))))
	token, want := "", UserPage{Read: 5, Total: 5, Passes: 1}
	for request := range 2 {
		page, err := client.ListUsers(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		token, want.Request = page.Next, request
		if number, err := PageNumber(token); token != "" && (number != request+1 || err != nil) {
			t.Errorf("the next page is number %d, %v", number, err)
		}
		got := UserPage{Request: page.Request, Read: page.Read, Total: page.Total, Passes: page.Passes}
		if !reflect.DeepEqual(got, want) || page.Restarted {
			t.Errorf("page %d tells %+v, want %+v", request, page, want)
		}
	}
}

func TestAServerThatRefusesTheCountFailsTheListing(t *testing.T) {
	_, err := listAll(t, following(t, listed(list, scimscript.Refused(400, "invalidValue", "count must be at most 50"))))
	failsWith(t, err, codes.InvalidArgument, "")
}

func TestValidateMakesOneSmallRequest(t *testing.T) {
	if err := following(t, listed("Users?count=1&startIndex=1", usersOf(1, 1, 9))).Validate(t.Context()); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct {
		reply scimscript.Reply
		code  codes.Code
	}{
		"a refused token":     {scimscript.Refused(http.StatusUnauthorized, "", ""), codes.Unauthenticated},
		"another base URL":    {scimscript.Reply{Status: http.StatusNotFound, Body: "<html>not found</html>"}, codes.FailedPrecondition},
		"a web page":          {replying("<html>sign in</html>"), codes.FailedPrecondition},
		"no list":             {replying(`{"hello":"world"}`), codes.FailedPrecondition},
		"no content":          {scimscript.NoContent, codes.FailedPrecondition},
		"a server that fails": {scimscript.Refused(http.StatusBadGateway, "", ""), codes.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			failsWith(t, following(t, listed("Users?count=1&startIndex=1", test.reply)).Validate(t.Context()), test.code, "")
		})
	}
}
