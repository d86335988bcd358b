package sim

import "time"

// User is one member of a simulated workspace. Through the out-of-band methods
// of [Workspace] every field is taken as it is, so that a test can also build a
// record that the SCIM endpoints would refuse.
type User struct {
	// ID is the SCIM id: opaque, and stable for the life of the user.
	ID string
	// UserName is the e-mail address that the user logs in with. Empty means
	// that the attribute is absent, as it is for every string below.
	UserName string
	// GivenName and FamilyName are the parts of the user's name.
	GivenName, FamilyName string
	// DisplayName is the name that the workspace shows.
	DisplayName string
	// Email is the primary e-mail address. SCIM requests keep it equal to
	// UserName.
	Email string
	// Active is false for a deactivated user.
	Active bool
	// Editor is true for an Editor and false for a Viewer. nil means no role:
	// the extension is absent from the resource.
	Editor *bool
	// Pending is true until the first login of a user who was created with
	// [Config.PendingUntilLogin]. A pending user is invisible over SCIM.
	Pending bool
	// Created is meta.created. The zero time means that it is absent.
	Created time.Time
}

// clone returns a copy that shares no memory with u.
func (u User) clone() User {
	if u.Editor != nil {
		editor := *u.Editor
		u.Editor = &editor
	}
	return u
}
