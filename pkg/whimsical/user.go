package whimsical

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// UserSchema is the core User schema (RFC 7643 section 4.1).
	UserSchema = "urn:ietf:params:scim:schemas:core:2.0:User"
	// ExtensionSchema is Whimsical's extension of the User. Its one attribute,
	// the boolean "editor", is the role.
	//
	// Source: https://help.whimsical.com/security/scim
	ExtensionSchema = "urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"
)

// Role is the role of a member in the workspace. A member holds exactly one.
//
// Source: https://help.whimsical.com/workspaces/roles
type Role string

const (
	// RoleUnknown means that the API did not report the role in a readable form.
	// It is never to be taken for RoleViewer.
	RoleUnknown Role = ""
	// RoleEditor is a paid seat.
	RoleEditor Role = "editor"
	// RoleViewer is free.
	RoleViewer Role = "viewer"
)

// User is a user as the API returned it. What the API did not send, or sent
// in an unreadable form, has the zero value.
type User struct {
	// ID is the SCIM id, in any shape but never empty.
	ID string
	// UserName is the user's e-mail address.
	UserName string
	// DisplayName, GivenName, FamilyName and FormattedName are the names.
	DisplayName, GivenName, FamilyName, FormattedName string
	// Email is the e-mail address marked as primary, else the one equal to
	// UserName, else the first.
	Email string
	// Active is nil when the API did not report it in a readable form.
	Active *bool
	// ActiveUnreadable is set when "active" was sent and is no boolean.
	ActiveUnreadable bool
	// Role is the role, RoleUnknown when it was absent or unreadable.
	Role Role
	// Created is meta.created.
	Created time.Time
}

// IsActive reports whether the user counts as one with access in a sync: only
// a user whom the API calls inactive has none. A change looks at Active itself:
// what was not reported is not "already so".
func (u *User) IsActive() bool {
	return u.Active == nil || *u.Active
}

// Name returns a name to show, never empty: the display name, else the parts
// of the name, else the userName, else the id.
func (u *User) Name() string {
	for _, name := range []string{u.DisplayName, u.FormattedName, u.GivenName + " " + u.FamilyName, u.UserName} {
		if name = strings.TrimSpace(name); name != "" {
			return name
		}
	}
	return u.ID
}

var (
	errNotAUser = errors.New("it is no JSON object")
	errNoID     = errors.New("it has no id")
	// errUnreadableID: two users with such ids would read as one.
	errUnreadableID = errors.New("its id is no valid text")
)

// userReader reads a User resource (RFC 7643 section 4.1). problem is set when
// the value is no user who can be told from others.
type userReader struct {
	user    *User
	problem error
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *userReader) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var (
		id, userName, displayName    text
		given, family, formattedName text
		addresses                    emails
		active, editor               boolean
		created                      instant
	)
	isObject := dec.PeekKind() == '{'
	err := object{
		{name: "id", into: &id},
		{name: "userName", into: &userName},
		{name: "displayName", into: &displayName},
		{name: "name", into: object{
			{name: "givenName", into: &given}, {name: "familyName", into: &family}, {name: "formatted", into: &formattedName},
		}},
		{name: "emails", into: &addresses},
		{name: "active", into: &active},
		{name: "meta", into: object{{name: "created", into: &created}}},
		{name: ExtensionSchema, into: object{{name: "editor", into: &editor}}},
	}.UnmarshalJSONFrom(dec)
	switch {
	case err != nil:
		return err
	case !isObject:
		r.problem = errNotAUser
	case id == "":
		r.problem = errNoID
	case strings.ContainsRune(string(id), utf8.RuneError), printable(id) != string(id):
		r.problem = errUnreadableID
	}
	r.user = &User{
		ID:               string(id),
		UserName:         printable(userName),
		DisplayName:      printable(displayName),
		GivenName:        printable(given),
		FamilyName:       printable(family),
		FormattedName:    printable(formattedName),
		Email:            printable(addresses.primary(string(userName))),
		Active:           active.pointer(),
		ActiveUnreadable: active.set && !active.known,
		Role:             roleOf(editor),
		Created:          created.Time,
	}
	return nil
}

// roleOf reads the extension's "editor".
func roleOf(editor boolean) Role {
	switch {
	case !editor.known:
		return RoleUnknown
	case editor.value:
		return RoleEditor
	default:
		return RoleViewer
	}
}

// readUser reads one User resource. It fails only when body is no JSON object
// or has no readable id.
func readUser(body []byte) (*User, error) {
	var r userReader
	if err := decode(body, &r); err != nil {
		return nil, errNotAUser
	}
	if r.problem != nil {
		return nil, r.problem
	}
	return r.user, nil
}
