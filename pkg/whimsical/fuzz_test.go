package whimsical

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// saysNo reports whether a JSON text holds an attribute "editor" that is false or 0, or a string that says so.
func saysNo(raw []byte, attribute string) bool {
	found := false
	attributes(raw, func(name string, value any) {
		text, isText := value.(string)
		if strings.EqualFold(name, attribute) &&
			(value == false || value == 0.0 || isText && slices.Contains([]string{"false", "0"}, strings.ToLower(strings.TrimSpace(text)))) {
			found = true
		}
	})
	return found
}

// attributes calls back for every attribute in a JSON text whose value is no object or array.
func attributes(raw []byte, each func(name string, value any)) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	var objects []bool
	name, isName := "", false
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		switch token {
		case json.Delim('{'):
			objects, isName = append(objects, true), true
			continue
		case json.Delim('['):
			objects, isName = append(objects, false), false
			continue
		case json.Delim('}'), json.Delim(']'):
			objects = objects[:len(objects)-1]
		default:
			if text, ok := token.(string); ok && isName {
				name, isName = text, false
				continue
			}
			each(name, token)
		}
		isName = len(objects) > 0 && objects[len(objects)-1]
	}
}

// checkUser fails the test on a user that must not have been read.
func checkUser(t *testing.T, user *User, raw []byte) {
	t.Helper()
	if user.ID == "" || strings.ContainsRune(user.ID, utf8.RuneError) {
		t.Errorf("the id is %q", user.ID)
	}
	if user.Name() == "" {
		t.Error("the user has no name to show")
	}
	if user.Role == RoleViewer && !saysNo(raw, "editor") {
		t.Error("a user who is not called one is a viewer")
	}
	if user.Status == StatusInactive && !saysNo(raw, "active") {
		t.Error("a user who is not called inactive is")
	}
	if year := user.Created.UTC().Year(); year < 1 || year > 9999 {
		t.Errorf("the user was created in the year %d", year)
	}
	for _, text := range []string{user.ID, user.UserName, user.DisplayName, user.GivenName, user.FamilyName, user.FormattedName, user.Email} {
		if !utf8.ValidString(text) || strings.ContainsFunc(text, controls) {
			t.Errorf("%q is no text", text)
		}
	}
}

// controls reports whether a character has no place on a screen.
func controls(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

func FuzzReadUser(f *testing.F) {
	for _, seed := range []string{
		`{"id":"u1","userName":"ada@example.com","displayName":"Ada","active":true,` + ext + `:{"editor":true}}`,
		`{"id":"u1",` + ext + `:{"editor":false}}`,
		`{"ID":7,"ACTIVE":"TRUE",` + strings.ToUpper(ext) + `:{"EDITOR":"False"}}`,
		`{"id":"u1","active":null,` + ext + `:[{"editor":false}]}`,
		`{"id":"u1",` + ext + `:{"editor":0}}`,
		`{"id":"u1",` + ext + `:{"editor":"viewer"},"editor":false}`,
		`{"id":"u1","emails":["a@example.com",{"value":"b@example.com","primary":"true"},null,[]]}`,
		`{"id":"u1","emails":{"value":"a@example.com"},"name":{"givenName":1,"formatted":[]}}`,
		`{"id":"u1","meta":{"created":"2026-01-05T10:00:00.25+01:00"}}`,
		`{"id":"u1","displayName":"\ud83d\u0000"}`,
		"{\"id\":\"\xff\"}",
		`{"id":"u1","display_name":"x","user-name":"y"}`,
		`{"id":"u1","id":"u2","Id":null}`,
		`{"id":""}`, `{}`, `null`, `[]`, ``, ` {"id":"u1"} `,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		user, err := readUser(raw)
		if err == nil {
			checkUser(t, user, raw)
		}
	})
}

func FuzzListBody(f *testing.F) {
	for _, seed := range []string{
		`{` + listSchema + `,"totalResults":1,"itemsPerPage":1,"startIndex":1,"Resources":[{"id":"a","userName":"ada@example.com"}]}`,
		`{"totalResults":"12","Resources":[{"id":1},{"id":"b",` + ext + `:{"editor":false}}]}`,
		`{"Resources":[{"id":"a",` + ext + `:{"editor":false}}],"resources":[{"id":"b"}]}`,
		`{"resources":null,"TOTALRESULTS":0}`,
		`{` + listSchema + `}`,
		`{"Resources":[null]}`, `{"Resources":{}}`, `{"Resources":[{}]}`, `{"totalResults":-1}`,
		`[]`, `null`, ``, `<html>`, `{"detail":"no"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := readList(body)
		if err != nil {
			return
		}
		for _, user := range list.users {
			checkUser(t, user, body)
		}
	})
}

func FuzzPageToken(f *testing.F) {
	f.Add("", []byte("abc"))
	m, l := newModelServer(300, pageSize), &modelListing{}
	for range 3 {
		if err := l.read(m); err != nil {
			f.Fatal(err)
		}
		f.Add(l.at.token(), []byte("users"))
	}
	f.Add(`{"n":1,"r":2,"l":1,"a":1,"f":true}`, []byte{1, 2})
	f.Add(`{"n":1,"p":9,"r":1}`, []byte{1})
	f.Add(`{"n":"1"}`, []byte("x"))
	f.Fuzz(func(t *testing.T, token string, shown []byte) {
		at, err := parsePosition(token)
		if err != nil {
			failsWith(t, err, codes.InvalidArgument, "")
			return
		}
		users := make([]uint64, len(shown))
		for i, b := range shown {
			users[i] = uint64(b)
		}
		s, err := at.advance(users, number{known: len(shown)%2 == 0, value: len(shown) * 3})
		if err != nil {
			return
		}
		if s.fresh < 0 || s.fresh > len(users) {
			t.Errorf("of %d users the last %d are taken", len(users), s.fresh)
		}
		if s.next.Request <= at.Request {
			t.Errorf("request %d follows on request %d", s.next.Request, at.Request)
		}
		again, err := parsePosition(s.next.token())
		if (err != nil || again != s.next) && s.next.Request < 2*maxPasses*maxUsers {
			t.Errorf("the position %+v comes back as %+v, %v", s.next, again, err)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidFilter","detail":"no"}`,
		detail(scimscript.Token), detail(inBase64(scimscript.Token)), detail(escaped(scimscript.Token, "%%%02X")), detail("x" + scimscript.Token + "y"), detail(person),
		detail("ada%40example.com"), detail(strings.Repeat("é", 5000)), detail("a\x00\x1b\u202e\u2028\ufeffb"),
		"\xef\xbb\xbf" + detail("no"), "{\"detail\":\"\xff\"}", `{"detail":1e9}`, `{"detail":[]}`, `<html>`, ``, `null`,
	} {
		f.Add(400, []byte(seed))
		f.Add(404, []byte(seed))
	}
	f.Add(0, []byte(""))
	f.Add(-1, []byte(""))
	f.Add(1<<31, []byte(""))
	client, err := New(f.Context(), "https://example.org/scim-v2", scimscript.Token)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, statusCode int, body []byte) {
		err := client.readError("GET", "/scim-v2/Users", &answer{statusCode: statusCode, body: body})
		for _, text := range []string{err.Error(), err.Detail, status.Convert(err).Message()} {
			readable(t, text)
			if client.secret.MatchString(text) || strings.Contains(strings.ToLower(text), scimscript.Token) {
				t.Errorf("the token in %q", text)
			}
			if emailPattern.MatchString(text) {
				t.Errorf("an e-mail address in %q", text)
			}
		}
		if status.Code(err) == codes.OK {
			t.Error("the error has no code")
		}
	})
}
