package whimsical

import (
	"context"
	"net/http"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// NewUser is a user to create.
type NewUser struct {
	// UserName is the e-mail address, in lower case: Whimsical refuses others.
	UserName string
	// GivenName and FamilyName may be empty. They can be set at creation only;
	// later the users themselves change them in Whimsical.
	GivenName, FamilyName string
	// Role is the role to create the user with; RoleUnknown leaves it to the
	// workspace's default, which may be a paid seat.
	Role Role
}

// wireNewUser is the body of a creation. Whimsical wants the primary e-mail to
// equal the userName.
//
// Source: https://help.whimsical.com/security/scim
type wireNewUser struct {
	Schemas     []string     `json:"schemas"`
	UserName    string       `json:"userName"`
	Name        *newUserName `json:"name,omitempty"`
	DisplayName string       `json:"displayName"`
	Emails      []newEmail   `json:"emails"`
	Active      bool         `json:"active"`
	Extension   *extension   `json:"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User,omitempty"`
}

type newUserName struct {
	GivenName  string `json:"givenName,omitempty"`
	FamilyName string `json:"familyName,omitempty"`
}

type newEmail struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
}

func (u NewUser) request() wireNewUser {
	body := wireNewUser{
		Schemas:     []string{UserSchema, ExtensionSchema},
		UserName:    u.UserName,
		DisplayName: strings.TrimSpace(u.GivenName + " " + u.FamilyName),
		Emails:      []newEmail{{Value: u.UserName, Type: "work", Primary: true}},
		Active:      true,
	}
	if body.DisplayName == "" {
		body.DisplayName = u.UserName
	}
	if u.GivenName != "" || u.FamilyName != "" {
		body.Name = &newUserName{GivenName: u.GivenName, FamilyName: u.FamilyName}
	}
	if u.Role != RoleUnknown {
		body.Extension = &extension{Editor: u.Role == RoleEditor}
	}
	return body
}

// CreateUser creates a user (RFC 7644 section 3.3), once: it is not safe to
// repeat without looking the user up first. It returns the user as the server
// answered, or nil when the answer holds none.
//
// It fails with AlreadyExists when the userName is taken, and with
// FailedPrecondition when the user was created with another role than asked.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (*User, error) {
	ans, err := c.do(ctx, http.MethodPost, c.users, u.request())
	if err != nil {
		return nil, asListError(err)
	}
	user, err := readUser(trimBOM(ans.body))
	if err != nil {
		return nil, nil //nolint:nilerr // 2xx is success; the caller looks the user up
	}
	if !strings.EqualFold(user.UserName, u.UserName) && user.UserName != "" {
		return nil, c.notSCIM(http.MethodPost, c.users, ans, "the answer is not the user that was created")
	}
	if u.Role != RoleUnknown && user.Role != u.Role {
		return user, c.confirmRole(ctx, user.ID, u.Role)
	}
	return user, nil
}

// confirmRole reads a new user whose creation did not show the role asked for.
// A user who cannot be read yet, pending the first login, is taken as created
// as asked.
func (c *Client) confirmRole(ctx context.Context, id string, role Role) error {
	user, err := c.GetUser(ctx, id)
	if status.Code(err) == codes.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if user.Role != role {
		return &Error{
			Code: codes.FailedPrecondition, Method: http.MethodPost, Path: c.displayPath(c.users),
			reason: "the user was created, but not with the role that was asked for",
			advice: "check the user in Whimsical's Workspace settings, and grant the role",
		}
	}
	return nil
}

// DeleteUser removes a user (RFC 7644 section 3.6). Where the server knows no
// DELETE (405 or 501), the user is deactivated instead, which is how Whimsical
// documents leaving a workspace. It fails with NotFound when there is no such
// user.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodDelete, c.user(id), nil)
	switch HTTPStatus(err) {
	case http.StatusNotFound:
		return c.confirmMissing(ctx, err)
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		inactive := false
		_, err = c.PatchUser(ctx, id, Change{Active: &inactive})
	}
	return err
}
