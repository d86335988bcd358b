package whimsical

import (
	"cmp"
	"context"
	"errors"
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
// answered, who may have another role than asked for, or nil when the answer
// holds none: see ConfirmRole and FindUser.
//
// It fails with AlreadyExists when the userName is taken, and with an error that
// is Unseen when the success is neither a 201 nor the user.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (*User, error) {
	ans, err := c.do(ctx, http.MethodPost, c.users, u.request())
	if err != nil {
		return nil, asListError(err)
	}
	user, err := readUser(trimBOM(ans.body))
	switch {
	case err != nil && ans.statusCode == http.StatusCreated:
		return nil, nil // the caller looks the user up
	case err != nil:
		return nil, &Error{
			Code: codes.FailedPrecondition, Method: http.MethodPost, Path: c.displayPath(c.users), StatusCode: ans.statusCode, unseen: true,
			reason: "the answer does not tell whether the user was created, and no such user was found",
			advice: "check base-url, and the workspace's members in Whimsical's Workspace settings",
		}
	case !strings.EqualFold(user.UserName, u.UserName) && user.UserName != "":
		return nil, &Error{
			Code: codes.FailedPrecondition, Method: http.MethodPost, Path: c.displayPath(c.users), StatusCode: ans.statusCode,
			reason: "the server created a user, but with another userName than was asked for",
			advice: "check the workspace's members in Whimsical's Workspace settings",
		}
	}
	return user, nil
}

// Unseen tells whether a creation was answered by a success that does not tell
// whether the user was created, as a proxy's login page is. A look-up has to
// find the user; where it does not, the error stands.
func Unseen(err error) bool {
	var apiErr *Error
	return errors.As(err, &apiErr) && apiErr.unseen
}

// ConfirmRole returns a new user once they show the role that they were created
// with, after a read where need be. RoleUnknown is shown by everybody. A user
// who cannot be read yet, pending the first login, is believed unless the user
// given shows the other role.
//
// It fails with FailedPrecondition when the user has another role.
func (c *Client) ConfirmRole(ctx context.Context, user *User, role Role) (*User, error) {
	if role == RoleUnknown || user.Role == role {
		return user, nil
	}
	fresh, err := c.GetUser(ctx, user.ID)
	if status.Code(err) == codes.NotFound && user.Role == RoleUnknown {
		return user, nil
	}
	if err != nil && status.Code(err) != codes.NotFound {
		return nil, err
	}
	if err == nil && fresh.Role == role {
		return fresh, nil
	}
	reason := "the user was created, but not with the role that was asked for"
	if err == nil && fresh.Role == RoleUnknown {
		reason = "the user was created, but does not tell whether it has the role that was asked for"
	}
	return nil, &Error{
		Code: codes.FailedPrecondition, Method: http.MethodPost, Path: c.displayPath(c.users), reason: reason,
		advice: "check the user in Whimsical's Workspace settings, and grant the role",
	}
}

// DeleteUser removes a user (RFC 7644 section 3.6) and confirms by a read that
// the user has left, unless the server says that it will carry it out later
// (202). Where the server knows no DELETE (405 or 501), the user is deactivated
// instead, which is how Whimsical documents leaving a workspace.
//
// It fails with NotFound when there is no such user, and with
// FailedPrecondition when the server accepted the deletion but the user is
// still active.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	target := c.user(id)
	ans, refused := c.do(ctx, http.MethodDelete, target, nil)
	if status.Code(refused) == codes.NotFound {
		return c.confirmMissing(ctx, target, refused)
	}
	switch HTTPStatus(refused) {
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		inactive := false
		_, err := c.PatchUser(ctx, id, Change{Active: &inactive})
		return err
	}
	if refused != nil && !AnswerLost(refused) {
		return refused
	}
	if refused == nil && ans.statusCode == http.StatusAccepted {
		return nil
	}

	user, err := c.readBack(ctx, id, refused)
	switch {
	case status.Code(err) == codes.NotFound:
		return nil
	case err != nil:
		return cmp.Or(refused, unconfirmed(err))
	case !user.IsActive():
		return nil
	case refused != nil:
		return refused
	default:
		return c.notApplied(http.MethodDelete, target, ans, "the server accepted the deletion, but the user is still active")
	}
}
