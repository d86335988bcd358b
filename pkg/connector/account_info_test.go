package connector_test

import (
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

// account is an AccountInfo to be: what is "" or nil is left out.
type account struct {
	primary, secondary, login string
	profile                   map[string]any
}

func (a account) info(t *testing.T) *v2.AccountInfo {
	t.Helper()
	info := v2.AccountInfo_builder{Login: a.login}.Build()
	for _, email := range []*v2.AccountInfo_Email{
		v2.AccountInfo_Email_builder{Address: a.secondary}.Build(),
		v2.AccountInfo_Email_builder{Address: a.primary, IsPrimary: true}.Build(),
	} {
		if email.GetAddress() != "" {
			info.SetEmails(append(info.GetEmails(), email))
		}
	}
	if a.profile != nil {
		profile, err := structpb.NewStruct(a.profile)
		if err != nil {
			t.Fatal(err)
		}
		info.SetProfile(profile)
	}
	return info
}

const (
	extension = `"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`
	asEditor  = extension + `:{"editor":true}`
	asViewer  = extension + `:{"editor":false}`
)

// creation is the exact body that creates Ada. name is the SCIM name, role the
// extension, each "" for none.
func creation(name, displayName, role string) string {
	parts := []string{
		`"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",` + extension + `]`,
		`"userName":"` + ada + `"`,
		name,
		`"displayName":"` + displayName + `"`,
		`"emails":[{"value":"` + ada + `","type":"work","primary":true}]`,
		`"active":true`,
		role,
	}
	body := ""
	for _, part := range parts {
		if part != "" {
			body += "," + part
		}
	}
	return "{" + strings.TrimPrefix(body, ",") + "}"
}

func TestWhatAnAccountIsCreatedFrom(t *testing.T) {
	const both = `"name":{"givenName":"Ada","familyName":"Lovelace"}`
	bare := creation("", ada, "")
	for name, test := range map[string]struct {
		account account
		body    string
	}{
		"the primary e-mail before all others": {
			account{primary: ada, secondary: "second@example.com", login: "login@example.com", profile: map[string]any{"email": "profile@example.com"}}, bare,
		},
		"the login before the profile": {
			account{login: ada, profile: map[string]any{"email": "profile@example.com"}}, bare,
		},
		"the login before an e-mail that is not the primary one": {account{secondary: "second@example.com", login: ada}, bare},
		"the profile's e-mail":                 {account{profile: map[string]any{"email": ada}}, bare},
		"an e-mail in capitals":                {account{primary: "Ada@EXAMPLE.com"}, bare},
		"an e-mail with space around it":       {account{primary: " ada@example.com\n"}, bare},
		"a primary e-mail of space alone":      {account{primary: " ", login: ada}, bare},
		"names":                                {account{primary: ada, profile: map[string]any{"first_name": "Ada", "last_name": "Lovelace"}}, creation(both, "Ada Lovelace", "")},
		"names under other keys":               {account{primary: ada, profile: map[string]any{"given_name": "Ada", "family_name": "Lovelace"}}, creation(both, "Ada Lovelace", "")},
		"first_name before given_name":         {account{primary: ada, profile: map[string]any{"first_name": "Ada", "given_name": "A.", "last_name": " Lovelace ", "family_name": "L."}}, creation(both, "Ada Lovelace", "")},
		"an empty first_name, then given_name": {account{primary: ada, profile: map[string]any{"first_name": " ", "given_name": "Ada", "last_name": nil, "family_name": "Lovelace"}}, creation(both, "Ada Lovelace", "")},
		"a given name alone":                   {account{primary: ada, profile: map[string]any{"first_name": "Ada"}}, creation(`"name":{"givenName":"Ada"}`, "Ada", "")},
		"names that are no text":               {account{primary: ada, profile: map[string]any{"first_name": 7, "last_name": true}}, bare},
		"Editor":                               {account{primary: ada, profile: map[string]any{"role": "editor"}}, creation("", ada, asEditor)},
		"Viewer":                               {account{primary: ada, profile: map[string]any{"role": "viewer"}}, creation("", ada, asViewer)},
		"a role of any case":                   {account{primary: ada, profile: map[string]any{"role": " Viewer "}}, creation("", ada, asViewer)},
		"an empty role":                        {account{primary: ada, profile: map[string]any{"role": ""}}, bare},
		"no role":                              {account{primary: ada, profile: map[string]any{"role": nil}}, bare},
		"keys that nobody knows":               {account{primary: ada, profile: map[string]any{"password": "hunter2", "username": "ada", "editor": true}}, bare},
	} {
		t.Run(name, func(t *testing.T) {
			role, editor := "", any(nil)
			switch {
			case strings.Contains(test.body, asEditor):
				role, editor = "editor", true
			case strings.Contains(test.body, asViewer):
				role, editor = "viewer", false
			}
			created := script.User{ID: "u1", UserName: ada, Active: true, Editor: editor}
			following(t, script.Post(test.body, script.Created(created))).create(test.account.info(t)).
				check(t, expectation{result: "success u1", changes: changed("user created", "u1", role)})
		})
	}
}

func TestAccountsThatCannotBeCreatedAreRefusedBeforeAnyRequest(t *testing.T) {
	const roles = "it must be editor, viewer, or empty for the workspace's default"
	for name, test := range map[string]struct {
		account account
		says    string
	}{
		"no e-mail":                         {account{}, "set email"},
		"an e-mail that is not the primary": {account{secondary: "ada@example.com"}, "set email"},
		"an e-mail without a domain":        {account{primary: "ada"}, "the account's email is not an e-mail address: give it in the form person@example.com"},
		"a name with the e-mail":            {account{primary: "Ada <ada@example.com>"}, "the account's email is not an e-mail address"},
		"two e-mails":                       {account{primary: "ada@example.com, grace@example.com"}, "the account's email is not an e-mail address"},
		"a line break in the e-mail":        {account{primary: "ada@example.com\r\nx: y"}, "the account's email is not an e-mail address"},
		"an e-mail that is far too long":    {account{primary: strings.Repeat("a", 250) + "@example.com"}, "the account's email is not an e-mail address"},
		"a login that is no e-mail":         {account{login: "ada", profile: map[string]any{"email": "ada@example.com"}}, "the account's login is not an e-mail address"},
		"a malformed e-mail in the profile": {account{profile: map[string]any{"email": "ada@"}}, "the account's profile.email is not an e-mail address"},
		"an e-mail that is no text":         {account{profile: map[string]any{"email": 7}}, "set email"},
		"an unknown role":                   {account{primary: "ada@example.com", profile: map[string]any{"role": "admin"}}, roles},
		"a role that is a boolean":          {account{primary: "ada@example.com", profile: map[string]any{"role": true}}, roles},
		"a role that is a list":             {account{primary: "ada@example.com", profile: map[string]any{"role": []any{"editor"}}}, roles},
		"a role that names a person":        {account{primary: "ada@example.com", profile: map[string]any{"role": "ada@example.com"}}, roles},
	} {
		t.Run(name, func(t *testing.T) {
			following(t).create(test.account.info(t)).check(t, expectation{code: codes.InvalidArgument, says: test.says})
		})
	}
	t.Run("nothing at all", func(t *testing.T) {
		following(t).create(nil).check(t, expectation{code: codes.InvalidArgument, says: "set email"})
	})
}
