package whimsical

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

const ext = `"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`

func TestAUserIsReadFromWhateverCame(t *testing.T) {
	type row struct {
		raw  string
		want User
	}
	rows := map[string]row{
		"a whole user": {
			`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",` + ext + `],
			"id":"u1","externalId":"e1","userName":"ada@example.com","displayName":"Ada Lovelace",
			"name":{"givenName":"Ada","familyName":"Lovelace","formatted":"Ada King Lovelace"},
			"emails":[{"value":"ada@example.com","type":"work","primary":true}],"active":true,
			"meta":{"resourceType":"User","created":"2026-01-05T09:00:00Z"},` + ext + `:{"editor":true}}`,
			User{
				ID: "u1", UserName: "ada@example.com", DisplayName: "Ada Lovelace", GivenName: "Ada", FamilyName: "Lovelace",
				FormattedName: "Ada King Lovelace", Email: "ada@example.com", Status: StatusActive, Role: RoleEditor,
				Created: time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC),
			},
		},
		"an id alone":               {`{"id":"u1"}`, User{ID: "u1"}},
		"white space around it":     {" \n{\"id\":\"u1\"}\t ", User{ID: "u1"}},
		"everything null":           {`{"id":"u1","userName":null,"displayName":null,"name":null,"emails":null,"active":null,"meta":null,` + ext + `:null}`, User{ID: "u1"}},
		"everything of wrong types": {`{"id":"u1","userName":[1],"displayName":{},"name":"Ada","emails":true,"active":[],"meta":7,` + ext + `:"x"}`, User{ID: "u1", Status: StatusUnreadable}},
		"nested nulls":              {`{"id":"u1","name":{"givenName":null,"familyName":[]},"meta":{"created":null},` + ext + `:{"editor":null}}`, User{ID: "u1"}},
		"a numeric id":              {`{"id":123456789012345678901}`, User{ID: "123456789012345678901"}},
		"a negative id":             {`{"id":-7}`, User{ID: "-7"}},
		"an id with an exponent":    {`{"id":1e3}`, User{ID: "1e3"}},
		"an id of one space":        {`{"id":" "}`, User{ID: " "}},
		"a numeric userName":        {`{"id":"u1","userName":42}`, User{ID: "u1", UserName: "42"}},
		"names in another case": {
			`{"ID":"u1","USERNAME":"ada","DisplayNAME":"Ada","Name":{"GIVENNAME":"A","familyname":"L"},"ACTIVE":false}`,
			User{ID: "u1", UserName: "ada", DisplayName: "Ada", GivenName: "A", FamilyName: "L", Status: StatusInactive},
		},
		"the exact spelling wins": {`{"Id":"u2","id":"u1","ID":"u3","active":false,"Active":true}`, User{ID: "u1", Status: StatusInactive}},
		"the last of equals wins": {`{"id":"u2","id":"u1","name":{"givenName":"A"},"name":{"familyName":"L"}}`, User{ID: "u1", GivenName: "A", FamilyName: "L"}},
		"unknown attributes":      {`{"id":"u1","password":"x","groups":[{"value":"g1"}],"x":{"id":"u2"}}`, User{ID: "u1"}},

		"an extension in another case":    {`{"id":"u1",` + strings.ToUpper(ext) + `:{"EDITOR":true}}`, User{ID: "u1", Role: RoleEditor}},
		"an editor outside the extension": {`{"id":"u1","editor":false}`, User{ID: "u1"}},

		"several e-mails, one primary":      {`{"id":"u1","emails":[{"value":"b@example.com"},{"value":"a@example.com","primary":true}]}`, User{ID: "u1", Email: "a@example.com"}},
		"a primary as a string":             {`{"id":"u1","emails":[{"value":"b@example.com","primary":"false"},{"value":"a@example.com","primary":"TRUE"}]}`, User{ID: "u1", Email: "a@example.com"}},
		"several e-mails without a primary": {`{"id":"u1","emails":[{"value":"b@example.com"},{"value":"a@example.com"}]}`, User{ID: "u1", Email: "b@example.com"}},
		"one of them is the userName": {
			`{"id":"u1","userName":"A@example.com","emails":[{"value":"b@example.com"},{"value":"a@example.com"}]}`,
			User{ID: "u1", UserName: "A@example.com", Email: "a@example.com"},
		},
		"a primary without a value":  {`{"id":"u1","emails":[{"primary":true},{"value":"a@example.com"}]}`, User{ID: "u1", Email: "a@example.com"}},
		"e-mails as strings":         {`{"id":"u1","emails":["a@example.com","b@example.com"]}`, User{ID: "u1", Email: "a@example.com"}},
		"e-mails as a single object": {`{"id":"u1","emails":{"value":"a@example.com"}}`, User{ID: "u1", Email: "a@example.com"}},
		"e-mails as a single string": {`{"id":"u1","emails":"a@example.com"}`, User{ID: "u1", Email: "a@example.com"}},
		"e-mails that are junk":      {`{"id":"u1","emails":[null,7,[],"",{},{"value":null},{"value":"a@example.com"}]}`, User{ID: "u1", Email: "a@example.com"}},
		"e-mails that are malformed": {`{"id":"u1","emails":[{"value":"not an address"}]}`, User{ID: "u1", Email: "not an address"}},
		"no e-mails":                 {`{"id":"u1","userName":"a@example.com","emails":[]}`, User{ID: "u1", UserName: "a@example.com"}},

		"emoji and right-to-left": {`{"id":"u1","displayName":"👩🏽‍💻 \u202eenil\u202c שלום"}`, User{ID: "u1", DisplayName: "👩🏽 💻  enil  שלום"}},
		"control characters":      {`{"id":"u1","displayName":"a\u0000b\u001bc\u0085"}`, User{ID: "u1", DisplayName: "a b c "}},
		"control characters everywhere": {
			`{"id":"u1","userName":"a\u001bb","displayName":"a\u202eb","name":{"givenName":"a\u2028b","familyName":"a\u2029b","formatted":"a\u007fb"},"emails":["a\u200bb"]}`,
			User{ID: "u1", UserName: "a b", DisplayName: "a b", GivenName: "a b", FamilyName: "a b", FormattedName: "a b", Email: "a b"},
		},
		"a name that is not UTF-8":    {"{\"id\":\"u1\",\"displayName\":\"a\xff\xc3\"}", User{ID: "u1", DisplayName: "a\ufffd\ufffd"}},
		"a name with lone surrogates": {`{"id":"u1","displayName":"\ud83d x \udc00"}`, User{ID: "u1", DisplayName: "\ufffd x \ufffd"}},
		"a name of 10,000 characters": {`{"id":"u1","displayName":"` + strings.Repeat("é", 10_000) + `"}`, User{ID: "u1", DisplayName: strings.Repeat("é", 10_000)}},
		"a time with a zone":          {`{"id":"u1","meta":{"created":"2026-01-05T10:00:00.25+01:00"}}`, User{ID: "u1", Created: time.Date(2026, time.January, 5, 9, 0, 0, 250_000_000, time.UTC)}},
		"a time that is a date":       {`{"id":"u1","meta":{"created":"2026-01-05"}}`, User{ID: "u1"}},
		"a time that is a number":     {`{"id":"u1","meta":{"created":1767603600}}`, User{ID: "u1"}},
		"a time that no clock shows":  {`{"id":"u1","meta":{"created":"9999-12-31T23:59:59-12:00"}}`, User{ID: "u1"}},
	}
	for active, want := range map[string]Status{
		`"true"`: StatusActive, `1`: StatusActive, `" FALSE "`: StatusInactive, `0`: StatusInactive, `"0"`: StatusInactive,
		`2`: StatusUnreadable, `"yes"`: StatusUnreadable, `""`: StatusUnreadable,
	} {
		rows["active is "+active] = row{`{"id":"u1","active":` + active + `}`, User{ID: "u1", Status: want}}
	}
	for extension, want := range map[string]Role{
		`{"editor":true}`: RoleEditor, `{"editor":"True"}`: RoleEditor, `{"editor":1}`: RoleEditor,
		`{"editor":false}`: RoleViewer, `{"editor":"FALSE"}`: RoleViewer, `{"editor":0}`: RoleViewer,
		`{"editor":"no"}`: RoleUnknown, `{"editor":"viewer"}`: RoleUnknown, `{"editor":""}`: RoleUnknown,
		`{"editor":[false]}`: RoleUnknown, `{"editor":{"value":false}}`: RoleUnknown,
		`{}`: RoleUnknown, `[{"editor":false}]`: RoleUnknown, `"editor"`: RoleUnknown, `false`: RoleUnknown,
	} {
		rows["the extension is "+extension] = row{`{"id":"u1",` + ext + `:` + extension + `}`, User{ID: "u1", Role: want}}
	}
	for name, test := range rows {
		t.Run(name, func(t *testing.T) {
			user, err := readUser([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			user.Created = user.Created.UTC()
			if !reflect.DeepEqual(*user, test.want) {
				t.Errorf("got  %+v\nwant %+v", *user, test.want)
			}
			if user.Name() == "" {
				t.Error("the user has no name to show")
			}
		})
	}
}

func TestAUserThatCannotBeToldApartIsNotRead(t *testing.T) {
	for name, test := range map[string]struct {
		raw  string
		want error
	}{
		"no id":                      {`{"userName":"ada@example.com"}`, errNoID},
		"an empty id":                {`{"id":""}`, errNoID},
		"an id that is null":         {`{"id":null}`, errNoID},
		"an id that is true":         {`{"id":true}`, errNoID},
		"an id that is an object":    {`{"id":{"value":"u1"}}`, errNoID},
		"an id that is not UTF-8":    {"{\"id\":\"u\xff\"}", errUnreadableID},
		"an id with lone surrogates": {`{"id":"u\ud83d"}`, errUnreadableID},
		"an id with a line break":    {`{"id":"u\n"}`, errUnreadableID},
		"an id that is reversed":     {"{\"id\":\"\u202eu1\"}", errUnreadableID},
		"an id with a separator":     {`{"id":"u\u2028"}`, errUnreadableID},
		"nothing":                    {``, errNotAUser},
		"white space":                {` `, errNotAUser},
		"null":                       {`null`, errNotAUser},
		"an array":                   {`[{"id":"u1"}]`, errNotAUser},
		"a string":                   {`"u1"`, errNotAUser},
		"a number":                   {`7`, errNotAUser},
		"half of it":                 {`{"id":"u1","userName":"ad`, errNotAUser},
		"more than one":              {`{"id":"u1"}{"id":"u2"}`, errNotAUser},
		"nested too deeply":          {`{"id":"u1","x":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`, errNotAUser},
	} {
		t.Run(name, func(t *testing.T) {
			if user, err := readUser([]byte(test.raw)); !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v, want %v", user, err, test.want)
			}
		})
	}
}

func TestAUserAlwaysHasANameToShow(t *testing.T) {
	for name, test := range map[string]struct {
		user User
		want string
	}{
		"the display name":   {User{ID: "u1", DisplayName: " Ada ", FormattedName: "x"}, "Ada"},
		"the formatted name": {User{ID: "u1", DisplayName: " ", FormattedName: "Ada L."}, "Ada L."},
		"both parts":         {User{ID: "u1", GivenName: "Ada", FamilyName: "Lovelace"}, "Ada Lovelace"},
		"one part":           {User{ID: "u1", FamilyName: "Lovelace", UserName: "x"}, "Lovelace"},
		"the userName":       {User{ID: "u1", UserName: "ada@example.com"}, "ada@example.com"},
		"the id":             {User{ID: "u1"}, "u1"},
		"an id of spaces":    {User{ID: " "}, " "},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.user.Name(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestOnlyAUserWhoIsCalledInactiveIsInactive(t *testing.T) {
	for status, want := range map[Status]bool{StatusActive: true, StatusInactive: false, statusAbsent: true, StatusUnreadable: true} {
		if got := (&User{Status: status}).IsActive(); got != want {
			t.Errorf("%q: got %v, want %v", status, got, want)
		}
	}
}
