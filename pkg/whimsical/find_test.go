package whimsical

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// found is the target of a look-up; filter is percent-encoded.
func found(filter string) string {
	return "Users?count=100&filter=" + filter + "&startIndex=1"
}

const findAda = "userName%20eq%20%22ada%40example.com%22"

func TestTheValueOfAFilterIsEscapedTwice(t *testing.T) {
	for userName, filter := range map[string]string{
		"ada@example.com":       findAda,
		`a"b\c@example.com`:     "userName%20eq%20%22a%5C%22b%5C%5Cc%40example.com%22",
		"a+b&c=d@example.com":   "userName%20eq%20%22a%2Bb%26c%3Dd%40example.com%22",
		"a%20b#c?d@example.com": "userName%20eq%20%22a%2520b%23c%3Fd%40example.com%22",
		"<o'neil>@example.com":  "userName%20eq%20%22%3Co%27neil%3E%40example.com%22",
		"é\n@example.com":       "userName%20eq%20%22%C3%A9%5Cn%40example.com%22",
		`" or userName pr or "`: "userName%20eq%20%22%5C%22%20or%20userName%20pr%20or%20%5C%22%22",
		"":                      "userName%20eq%20%22%22",
	} {
		user, err := following(t, listed(found(filter), usersOf(1, 0, 0))).FindUser(t.Context(), userName)
		if err != nil || user != nil {
			t.Errorf("%q: got %+v, %v", userName, user, err)
		}
	}
}

func TestAUserIsFoundByUserName(t *testing.T) {
	ada := scimscript.User{ID: "u1", UserName: "ada@example.com", Active: true}
	gone := scimscript.User{ID: "u0", UserName: "ada@example.com", Active: false}
	grace := scimscript.User{ID: "u2", UserName: "grace@example.com"}
	const noFilters = "the API cannot look people up by userName"
	ping := func(reply scimscript.Reply) steps { return steps{listed("Users?count=1&startIndex=1", reply)} }
	for name, test := range map[string]struct {
		reply scimscript.Reply
		then  steps
		id    string
		code  codes.Code
		says  string
	}{
		"as asked for":             {reply: scimscript.OK(scimscript.List{ada}), id: "u1"},
		"in another case":          {reply: scimscript.OK(scimscript.List{{ID: "u1", UserName: "Ada@Example.COM"}}), id: "u1"},
		"with a Kelvin sign":       {reply: scimscript.OK(scimscript.List{{ID: "u1", UserName: "ad\u212a@example.com"}})},
		"not there":                {reply: scimscript.OK(scimscript.List{})},
		"not there, no Resources":  {reply: replying(`{"totalResults":0}`)},
		"among others":             {reply: scimscript.OK(scimscript.List{grace, ada}), id: "u1"},
		"only others":              {reply: scimscript.OK(scimscript.List{grace})},
		"only part of the name":    {reply: scimscript.OK(scimscript.List{{ID: "u3", UserName: "xada@example.com"}})},
		"without a userName":       {reply: scimscript.OK(scimscript.List{{ID: "u3"}})},
		"twice, one of them gone":  {reply: scimscript.OK(scimscript.List{gone, ada}), id: "u1"},
		"twice, both there":        {reply: scimscript.OK(scimscript.List{ada, {ID: "u4", UserName: "ada@example.com", Active: true}}), id: "u1"},
		"twice, both gone":         {reply: scimscript.OK(scimscript.List{gone, {ID: "u4", UserName: "ada@example.com", Active: false}}), id: "u0"},
		"gone":                     {reply: scimscript.OK(scimscript.List{gone}), id: "u0"},
		"a web page":               {reply: replying("<html></html>"), code: codes.FailedPrecondition},
		"a user without an id":     {reply: replying(`{"Resources":[{"userName":"ada@example.com"}]}`), code: codes.FailedPrecondition},
		"a refused filter":         {reply: scimscript.Refused(http.StatusBadRequest, "invalidFilter", "no"), code: codes.InvalidArgument, says: noFilters},
		"a filter refused by 422":  {reply: refused(http.StatusUnprocessableEntity), code: codes.InvalidArgument, says: noFilters},
		"a refused token":          {reply: refused(http.StatusUnauthorized), code: codes.Unauthenticated},
		"no filters at all":        {reply: refused(http.StatusNotImplemented), says: noFilters},
		"404, the list answers":    {reply: scimscript.NotFound(), then: ping(usersOf(1, 1, 5))},
		"404, to the list, too":    {reply: scimscript.NotFound(), then: ping(scimscript.Reply{Status: 404, Body: "<html></html>"}), code: codes.FailedPrecondition},
		"404, and the list fails":  {reply: scimscript.NotFound(), then: ping(refused(503)), code: codes.Unavailable},
		"a filter ignored, a page": {reply: usersOf(1, 100, 300), code: codes.FailedPrecondition},
		"a filter ignored, all":    {reply: usersOf(1, 100, 100)},
		"a filter ignored, no totalResults": {
			reply: replying(`{"Resources":[{"id":"u2","userName":"grace@example.com"}]}`), code: codes.FailedPrecondition,
		},
		"a filter ignored, found on the first page": {
			reply: replying(`{"totalResults":300,"Resources":[{"id":"u2","userName":"grace@example.com"},{"id":"u1","userName":"ada@example.com"}]}`),
			id:    "u1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, all(steps{listed(found(findAda), test.reply)}, test.then)...).FindUser(t.Context(), "ada@example.com")
			failsWith(t, err, test.code, test.says)
			if (user == nil) != (test.id == "") || user != nil && user.ID != test.id {
				t.Errorf("found %+v, want %q", user, test.id)
			}
			if err != nil && strings.Contains(err.Error(), "ada") {
				t.Errorf("the error names the user: %v", err)
			}
		})
	}
}

func TestAUserIsReadByID(t *testing.T) {
	for name, test := range map[string]struct {
		reply scimscript.Reply
		code  codes.Code
	}{
		"as asked for":           {reply: replying(`{"id":"u1"}`)},
		"with a byte order mark": {reply: replying("\xef\xbb\xbf" + `{"id":"u1"}`)},
		"indented":               {reply: replying("\n  {\n  \"id\": \"u1\"\n}\n")},
		"another user":           {reply: replying(`{"id":"u2"}`), code: codes.FailedPrecondition},
		"an id in another case":  {reply: replying(`{"id":"U1"}`), code: codes.FailedPrecondition},
		"no id":                  {reply: replying(`{"userName":"ada@example.com"}`), code: codes.FailedPrecondition},
		"a list":                 {reply: usersOf(1, 1, 1), code: codes.FailedPrecondition},
		"an array":               {reply: replying(`[{"id":"u1"}]`), code: codes.FailedPrecondition},
		"a web page":             {reply: replying("<html></html>"), code: codes.FailedPrecondition},
		"nothing":                {reply: replying(""), code: codes.FailedPrecondition},
		"no content":             {reply: scimscript.NoContent, code: codes.FailedPrecondition},
		"half of it":             {reply: replying(`{"id":"u1","userName":"ad`), code: codes.FailedPrecondition},
		"a refused method":       {reply: refused(http.StatusMethodNotAllowed), code: codes.FailedPrecondition},
		"not implemented":        {reply: refused(http.StatusNotImplemented), code: codes.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, get(test.reply)...).GetUser(t.Context(), "u1")
			failsWith(t, err, test.code, "")
			if (user == nil) != (err != nil) {
				t.Errorf("got %+v, %v", user, err)
			}
		})
	}
}

func TestLettersOutsideASCIIAreNeverFolded(t *testing.T) {
	for address, stored := range map[string]string{
		"\u212aim@example.com": "kim@example.com", // a Kelvin sign
		"kim@example.com":      "\u212aim@example.com",
		"\u0130da@example.com": "ida@example.com", // a dotted capital I
		"ida@example.com":      "\u0131da@example.com",
		"\u00c9va@example.com": "\u00e9va@example.com",
		"mas\u017fa@ex.com":    "massa@ex.com",
	} {
		filter := strings.ReplaceAll(url.QueryEscape(`userName eq "`+address+`"`), "+", "%20")
		user, err := following(t, listed(found(filter), scimscript.OK(scimscript.List{{ID: "u1", UserName: stored}}))).FindUser(t.Context(), address)
		if user != nil || err != nil {
			t.Errorf("%q: got %+v, %v", address, user, err)
		}
		if got, want := LowerCase(address+"A-Z@[`{"), address+"a-z@[`{"; got != want {
			t.Errorf("%q in lower case is %q", want, got)
		}
	}
}
