package whimsical

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	// userSchema is the core User schema (RFC 7643 section 4.1).
	userSchema = "urn:ietf:params:scim:schemas:core:2.0:User"
	// extensionSchema is Whimsical's extension of the User. Its one attribute, the boolean "editor", is the
	// role.
	//
	// Source: https://help.whimsical.com/security/scim
	extensionSchema = "urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"
)

// Role is the role of a member in the workspace. A member holds exactly one.
//
// Source: https://help.whimsical.com/workspaces/roles
type Role string

// The roles. RoleUnknown is never to be taken for RoleViewer.
const (
	RoleUnknown Role = ""       // the API did not report the role in a readable form
	RoleEditor  Role = "editor" // a paid seat
	RoleViewer  Role = "viewer" // free
)

// Status tells whether a user is active (RFC 7643 section 4.1.1). Its zero value is a status that the API did
// not report.
type Status string

// The statuses. No change is skipped because of statusAbsent or StatusUnreadable.
const (
	statusAbsent     Status = ""           // not reported: some servers leave "active" out when it is false
	StatusUnreadable Status = "unreadable" // "active" was sent, and is no boolean
	StatusInactive   Status = "inactive"   // without access
	StatusActive     Status = "active"     // with access
)

// Reported reports whether the API tells that a user is active or inactive.
func (s Status) Reported() bool { return s == StatusActive || s == StatusInactive }

// User is a user as the API returned it. What the API did not send, or sent in an unreadable form, has the
// zero value, but for an unreadable status.
type User struct {
	// ID is the SCIM id, in any shape but never empty.
	ID string
	// UserName is the user's e-mail address.
	UserName string
	// DisplayName, GivenName, FamilyName and FormattedName are the names.
	DisplayName, GivenName, FamilyName, FormattedName string
	// Email is the e-mail address marked as primary, else the one equal to UserName, else the first.
	Email string
	// Status is the status, StatusUnreadable when "active" was no boolean.
	Status Status
	// Role is the role, RoleUnknown when it was absent or unreadable.
	Role Role
	// Created is meta.created.
	Created time.Time
}

// IsActive reports whether the user counts as one with access in a sync: only a user whom the API calls
// inactive has none. A change looks at Status itself.
func (u *User) IsActive() bool { return u.Status != StatusInactive }

// Name returns a name to show, never empty: the display name, else the formatted name, else its parts, else
// the userName, else the id.
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

// userReader reads a User resource (RFC 7643 section 4.1). problem is set when the value is no object, or has
// no id that tells the user from others.
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
		{name: extensionSchema, into: object{{name: "editor", into: &editor}}},
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
		ID: string(id), UserName: printable(userName), Email: printable(addresses.primary(string(userName))),
		DisplayName: printable(displayName), GivenName: printable(given), FamilyName: printable(family), FormattedName: printable(formattedName),
		Status: statusOf[active], Role: roleOf[editor], Created: created.Time,
	}
	return nil
}

// roleOf and statusOf read the extension's "editor", and "active".
var (
	yes, no  = boolean{set: true, known: true, value: true}, boolean{set: true, known: true}
	roleOf   = map[boolean]Role{yes: RoleEditor, no: RoleViewer}
	statusOf = map[boolean]Status{yes: StatusActive, no: StatusInactive, {set: true}: StatusUnreadable}
)

// readUser reads one User resource. It fails only when body is no JSON object or has no readable id.
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
