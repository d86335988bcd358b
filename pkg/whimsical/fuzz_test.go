package whimsical

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// saysNo tells whether a JSON text holds an attribute "editor" that is false,
// or a string that says so.
func saysNo(raw []byte) bool {
	found := false
	attributes(raw, func(name string, value any) {
		text, isText := value.(string)
		if strings.EqualFold(name, "editor") &&
			(value == false || isText && strings.EqualFold(strings.TrimSpace(text), "false")) {
			found = true
		}
	})
	return found
}

// ambiguous tells whether an object in a JSON text has two attributes of one
// name: readers differ in which of them they take.
func ambiguous(raw []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	var names []map[string]bool
	isName := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			names, isName = append(names, map[string]bool{}), true
			continue
		case json.Delim('['):
			names, isName = append(names, nil), false
			continue
		case json.Delim('}'), json.Delim(']'):
			names = names[:len(names)-1]
		default:
			if name, ok := token.(string); ok && isName {
				seen, folded := names[len(names)-1], strings.ToLower(strings.ToUpper(name))
				if seen[folded] {
					return true
				}
				seen[folded], isName = true, false
				continue
			}
		}
		isName = len(names) > 0 && names[len(names)-1] != nil
	}
}

// attributes calls back for every attribute in a JSON text whose value is no
// object or array.
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
	if user.Role == RoleViewer && !saysNo(raw) {
		t.Error("a user who is not called one is a viewer")
	}
	if user.Active != nil && user.ActiveUnreadable {
		t.Error("the status is known and unreadable")
	}
	if year := user.Created.UTC().Year(); year < 1 || year > 9999 {
		t.Errorf("the user was created in the year %d", year)
	}
	for _, text := range []string{user.ID, user.UserName, user.DisplayName, user.GivenName, user.FamilyName, user.FormattedName, user.Email} {
		if !utf8.ValidString(text) {
			t.Errorf("%q is no text", text)
		}
	}
}

// same tells whether two users are alike.
func same(a, b *User) bool {
	x, y := *a, *b
	equal := x.Created.Equal(y.Created)
	x.Created, y.Created = time.Time{}, time.Time{}
	return equal && reflect.DeepEqual(x, y)
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
		list, ok := readPlainUsers([]byte(`{"Resources":[` + string(raw) + `]}`))
		if !ok || !json.Valid(raw) || ambiguous(raw) {
			return
		}
		if err != nil || !same(list.users[0], user) {
			t.Errorf("in a plain list it reads as %+v, otherwise as %+v (%v)", list.users[0], user, err)
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
		if !json.Valid(body) || len(list.sizes) != len(list.users) {
			t.Errorf("%d users of %d sizes were read", len(list.users), len(list.sizes))
		}
		for _, user := range list.users {
			checkUser(t, user, body)
		}
		if ambiguous(body) {
			return
		}
		odd, err := readOddList(body)
		if err != nil || len(odd.users) != len(list.users) || odd.total != list.total {
			t.Fatalf("read leniently, it holds %+v (%v), otherwise %+v", odd, err, list)
		}
		for i, user := range list.users {
			if !same(user, odd.users[i]) {
				t.Errorf("a user reads as %+v, leniently as %+v", user, odd.users[i])
			}
		}
	})
}

func FuzzPageToken(f *testing.F) {
	decoded := func(cur cursor) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(cur.token())
		if err != nil {
			f.Fatal(err)
		}
		return raw
	}
	f.Add([]byte{}, []byte("abc"))
	f.Add(decoded(firstCursor()), []byte{})
	f.Add(decoded(fullCursor()), []byte{1, 2, 3})
	cur := firstCursor()
	for range 3 {
		s, err := cur.advance(newModel(300).answer(cur.startIndex(), pageSize))
		if err != nil {
			f.Fatal(err)
		}
		cur = s.next
		f.Add(decoded(cur), []byte("rows"))
	}
	f.Add([]byte(`{"n":1,"p":1,"s":7,"r":6,"a":1,"h":1,"w":2,"o":true}`), []byte{1, 2})
	f.Add([]byte(`{"n":1,"p":20,"s":1,"r":1,"a":1,"i":true,"e":{"r":1}}`), []byte{1})
	f.Add([]byte(`{"n":1,"p":1,"s":1,"r":1,"a":1,"h":1,"i":true,"o":true}`), []byte{1})
	f.Add([]byte(`{"n":"1"}`), []byte("x"))
	f.Fuzz(func(t *testing.T, raw, shown []byte) {
		if _, err := parseCursor(string(raw)); err != nil {
			wantCode(t, err, codes.InvalidArgument)
		}
		cur, err := parseCursor(base64.RawURLEncoding.EncodeToString(raw))
		if err != nil {
			wantCode(t, err, codes.InvalidArgument)
			return
		}
		again, err := parseCursor(cur.token())
		if err != nil || !reflect.DeepEqual(cur, again) {
			t.Fatalf("the cursor %+v comes back as %+v, %v", cur, again, err)
		}
		v := view{asked: pageSize, now: 1, total: number{known: len(shown)%2 == 0, value: len(shown) * 3}}
		for _, b := range shown {
			v.rows = append(v.rows, row{hash: uint64(b), size: int(b), created: int64(b % 3)})
		}
		s, err := cur.advance(v)
		if err != nil {
			return
		}
		if s.from < 0 || s.from > s.to || s.to > len(v.rows) {
			t.Errorf("of %d rows those from %d to %d are handed out", len(v.rows), s.from, s.to)
		}
		if s.next.Seq <= cur.Seq {
			t.Errorf("page %d follows on page %d", s.next.Seq, cur.Seq)
		}
		next := s.next.token()
		if s.end {
			if next, err = s.next.conclude(Evidence{Repeated: len(shown)%3 == 0, Users: len(shown)}); err != nil {
				return
			}
		}
		if _, err := parseCursor(next); err != nil && cur.Seq < maxPosition && cur.Start < maxPosition/2 && cur.Read < maxPosition/2 && cur.Fresh < maxPosition/2 {
			t.Errorf("the token of %+v is not accepted: %v", s.next, err)
		}
	})
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidFilter","detail":"no"}`,
		detail(scimscript.Token), detail("x" + scimscript.Token[3:15] + "y"), detail(person),
		detail("ada%40example.com"), detail(strings.Repeat("é", 5000)), detail("a\x00\x1b\u202e\u2028\ufeffb"),
		"\xef\xbb\xbf" + detail("no"), "{\"detail\":\"\xff\"}", `{"detail":1e9}`, `{"detail":[]}`, `<html>`, ``, `null`,
	} {
		f.Add(400, []byte(seed))
		f.Add(404, []byte(seed))
	}
	f.Add(0, []byte(""))
	f.Add(-1, []byte(""))
	f.Add(1<<31, []byte(""))
	client := clientOf(f, "https://example.org/scim-v2")
	parts := make([]string, 0, len(scimscript.Token))
	for i := 0; i+secretWindow <= len(scimscript.Token); i++ {
		parts = append(parts, scimscript.Token[i:i+secretWindow])
	}
	f.Fuzz(func(t *testing.T, statusCode int, body []byte) {
		err := client.readError("GET", "/scim-v2/Users", &answer{statusCode: statusCode, body: body})
		for _, text := range []string{err.Error(), err.ScimType, status.Convert(err).Message()} {
			if n := utf8.RuneCountInString(text); n > 1000 || !utf8.ValidString(text) {
				t.Errorf("a text of %d characters: %.100q", n, text)
			}
			if strings.IndexFunc(text, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) }) >= 0 {
				t.Errorf("a control character in %q", text)
			}
			for _, part := range parts {
				if strings.Contains(text, part) {
					t.Errorf("a part of the token in %q", text)
				}
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
