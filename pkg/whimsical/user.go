package whimsical

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"
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
	// RoleUnknown means that the API did not tell the role in a readable form.
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
	// Email is the primary e-mail address, or the best guess at it: the one
	// marked as primary, else the one equal to UserName, else the first.
	Email string
	// Active is nil when the API did not tell.
	Active *bool
	// ActiveUnreadable is set when "active" was sent and is no boolean.
	ActiveUnreadable bool
	// Role is the role, RoleUnknown when it was absent or unreadable.
	Role Role
	// Created is meta.created.
	Created time.Time
}

// IsActive tells whether the user has access: only a user whom the API calls
// inactive has none.
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

// wireUser is a User resource as it comes (RFC 7643 section 4.1).
type wireUser struct {
	ID          text             `json:"id"`
	UserName    text             `json:"userName"`
	DisplayName text             `json:"displayName"`
	Name        object[wireName] `json:"name"`
	Emails      emails           `json:"emails"`
	Active      flag             `json:"active"`
	Meta        object[wireMeta] `json:"meta"`
	Extension   object[wireRole] `json:"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`
}

type wireName struct {
	GivenName  text `json:"givenName"`
	FamilyName text `json:"familyName"`
	Formatted  text `json:"formatted"`
}

type wireMeta struct {
	Created instant `json:"created"`
}

type wireRole struct {
	Editor flag `json:"editor"`
}

var (
	errNotAUser = errors.New("it is no JSON object")
	errNoID     = errors.New("it has no id")
	// errUnreadableID: two users with such ids would read as one.
	errUnreadableID = errors.New("its id is no valid text")
)

// checkID fails on an id that cannot tell its user from others.
func checkID(id string) error {
	switch {
	case id == "":
		return errNoID
	case strings.ContainsRune(id, utf8.RuneError):
		// What is no Unicode, encoding/json replaces by this one character.
		return errUnreadableID
	default:
		return nil
	}
}

// readUser reads one User resource. It fails only when raw is no JSON object
// or has no readable id.
func readUser(raw []byte) (*User, error) {
	var wire wireUser
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &wire) != nil {
		return nil, errNotAUser
	}
	if err := checkID(string(wire.ID)); err != nil {
		return nil, err
	}
	user := &User{
		ID:               string(wire.ID),
		UserName:         string(wire.UserName),
		DisplayName:      string(wire.DisplayName),
		GivenName:        string(wire.Name.value.GivenName),
		FamilyName:       string(wire.Name.value.FamilyName),
		FormattedName:    string(wire.Name.value.Formatted),
		Email:            primaryEmail(wire.Emails.plain(), string(wire.UserName)),
		Active:           wire.Active.pointer(),
		ActiveUnreadable: wire.Active.set && !wire.Active.known,
		Role:             roleOf(wire.Extension.value.Editor.pointer()),
		Created:          time.Time(wire.Meta.value.Created),
	}
	return user, nil
}

func primaryEmail(list []plainEmail, userName string) string {
	first := ""
	for _, e := range list {
		if e.Value != "" && e.Primary {
			return e.Value
		}
		if first == "" {
			first = e.Value
		}
	}
	for _, e := range list {
		if e.Value != "" && strings.EqualFold(e.Value, userName) {
			return e.Value
		}
	}
	return first
}
