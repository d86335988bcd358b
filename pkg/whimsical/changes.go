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

// Every change is confirmed by what the server shows afterwards, in its answer
// or at a read. Nothing that it does not report is taken for the wish.

// ErrPending means that a user was created whom the API does not show yet: a
// new person appears in the workspace with the first login through SAML.
//
// Source: https://help.whimsical.com/security/scim
var ErrPending = errors.New("baton-whimsical: the user was created, and is not shown before the first login")

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

// request returns the body of a creation. Whimsical wants the primary e-mail to
// equal the userName.
//
// Source: https://help.whimsical.com/security/scim
func (u NewUser) request() map[string]any {
	name := map[string]string{}
	for attribute, value := range map[string]string{"givenName": u.GivenName, "familyName": u.FamilyName} {
		if value != "" {
			name[attribute] = value
		}
	}
	body := map[string]any{
		"schemas":     []string{UserSchema, ExtensionSchema},
		"userName":    u.UserName,
		"displayName": cmp.Or(strings.TrimSpace(u.GivenName+" "+u.FamilyName), u.UserName),
		"emails":      []map[string]any{{"value": u.UserName, "type": "work", "primary": true}},
		"active":      true,
	}
	if len(name) > 0 {
		body["name"] = name
	}
	if u.Role != RoleUnknown {
		body[ExtensionSchema] = map[string]bool{"editor": u.Role == RoleEditor}
	}
	return body
}

// CreateUser creates a user (RFC 7644 section 3.3), once: it is not safe to
// repeat without looking the user up first. It returns the user as a read shows
// them, who may be inactive or have another role than asked for, where the
// server had them already.
//
// It fails with ErrPending, and what the answer held of the user, when the API
// does not show the user yet; with AlreadyExists when the server refuses the
// user with a 409, for being there or for a reason of its own; with an error
// that AnswerLost reports when the user may have been created; and with
// FailedPrecondition when the server accepted the creation and shows no sign of
// it.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (*User, error) {
	ans, err := c.do(ctx, http.MethodPost, c.users, u.request())
	if err != nil {
		return nil, asListError(err)
	}
	answered, _ := readUser(ans.body) // a body without the user is looked behind
	var shown *User
	if answered != nil {
		shown, err = c.GetUser(ctx, answered.ID)
		if status.Code(err) == codes.NotFound {
			err = nil
		}
	} else {
		shown, err = c.FindUser(ctx, u.UserName)
	}
	switch {
	case err != nil:
		return nil, unconfirmed(err)
	case shown == nil && ans.statusCode == http.StatusAccepted:
		return nil, c.failed(http.MethodPost, c.users, ans.statusCode, "the creation was accepted, not applied yet", adviceByHand)
	case shown == nil && answered == nil && ans.statusCode != http.StatusCreated:
		return nil, c.notSCIM(http.MethodPost, c.users, ans, "the answer does not report a user, and no such user was found")
	case shown == nil:
		return answered, ErrPending
	case shown.UserName != "" && LowerCase(shown.UserName) != LowerCase(u.UserName):
		return nil, c.failed(http.MethodPost, c.users, ans.statusCode, "the server created a user, but with another userName than was asked for", adviceByHand)
	default:
		return shown, nil
	}
}

// AnswerLost reports whether a change may have been made although it failed: no
// answer arrived, or one from somebody who does not know (a 5xx).
func AnswerLost(err error) bool {
	apiErr, ok := errors.AsType[*Error](err)
	return ok && (apiErr.Code == codes.Unavailable || apiErr.Code == codes.DeadlineExceeded) &&
		(apiErr.StatusCode == 0 || apiErr.StatusCode >= 500 || apiErr.StatusCode == http.StatusRequestTimeout)
}

// Change is what ChangeUser changes of a user; the rest stays as it is.
type Change struct {
	// Role, when not RoleUnknown, is the new role.
	Role Role
	// Status, when not StatusAbsent, is the new status: StatusActive, or
	// StatusInactive, which removes the user from the workspace.
	Status Status
}

// deactivates reports whether the change takes a user out of the workspace.
func (c Change) deactivates() bool {
	return c.Status == StatusInactive
}

// outcome is what a user shows of a change.
type outcome int

const (
	applied outcome = iota
	notApplied
	notReported
)

// outcome compares a user with the change that was asked for. Where "active" is
// not reported, a role that shows confirms a change that was to set both, and
// an "active" that was true before confirms a deactivation: some servers leave
// it out when it is false.
func (c Change) outcome(before, after *User) outcome {
	result := applied
	if c.Role != RoleUnknown {
		switch after.Role {
		case c.Role:
		case RoleUnknown:
			result = notReported
		default:
			return notApplied
		}
	}
	switch {
	case c.Status == StatusAbsent, after.Status == c.Status:
		return result
	case after.Status.Reported():
		return notApplied
	case after.Status == StatusUnreadable:
		return notReported
	case c.Status == StatusActive && c.Role != RoleUnknown && !before.Status.Reported(),
		c.Status == StatusInactive && before.Status == StatusActive:
		return result
	default:
		return notReported
	}
}

// shows reports whether a user shows a change that the server did not confirm:
// what a read showed before proves nothing.
func (c Change) shows(before, after *User) bool {
	return c.outcome(before, after) == applied && (after.Status.Reported() || c.outcome(before, before) != applied)
}

const patchOpSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// request returns the PATCH body (RFC 7644 section 3.5.2) in one of the two
// forms of the clients that Whimsical was built for: with a path, as Entra
// sends it, or with a value alone, as Okta does. The role comes first, so that
// a change of which only a part is stored never gives more than was asked for.
//
// Source: https://help.whimsical.com/security/entra-scim and
// https://help.whimsical.com/security/okta-scim
func (c Change) request(withPath bool) map[string]any {
	var operations []map[string]any
	replace := func(path string, value, whole any) {
		operation := map[string]any{"op": "replace", "value": whole}
		if withPath {
			operation["path"], operation["value"] = path, value
		}
		operations = append(operations, operation)
	}
	if c.Role != RoleUnknown {
		editor := c.Role == RoleEditor
		replace(ExtensionSchema+":editor", editor, map[string]any{ExtensionSchema: map[string]bool{"editor": editor}})
	}
	if c.Status != StatusAbsent {
		active := c.Status == StatusActive
		replace("active", active, map[string]bool{"active": active})
	}
	return map[string]any{"schemas": []string{patchOpSchema}, "Operations": operations}
}

// ChangeUser changes a user, given as a fresh read shows them, and confirms the
// change. It returns the user as they are now, or nil when a deactivation
// removed the record. A change whose answer was lost is a success when a read
// shows it. Where the server refuses one form of the PATCH with 400 or 422, or
// accepts and ignores it, the other form is tried, once.
//
// It fails with NotFound when there is no such user, and with
// FailedPrecondition when the server did not apply what it accepted, or does
// not report whether it did.
func (c *Client) ChangeUser(ctx context.Context, before *User, change Change) (*User, error) {
	after, otherForm, err := c.patch(ctx, before, change, true)
	if otherForm {
		after, _, err = c.patch(ctx, before, change, false)
	}
	return after, err
}

// patch makes a change in one form of the PATCH. It returns the user as they are
// now, and when it fails, whether the other form may do.
func (c *Client) patch(ctx context.Context, before *User, change Change, withPath bool) (*User, bool, error) {
	target := c.user(before.ID)
	ans, refused := retried(ctx, c.retryPause, func() (*answer, error) {
		return c.do(ctx, http.MethodPatch, target, change.request(withPath))
	})
	lost := AnswerLost(refused)
	switch HTTPStatus(refused) {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return nil, true, refused
	case http.StatusNotFound, http.StatusGone:
		after, err := c.afterNotFound(ctx, before, change, refused)
		return after, false, err
	}
	if refused != nil && !lost {
		return nil, false, refused
	}
	if refused == nil && ans.statusCode != http.StatusAccepted {
		// Only a read shows whether a deactivation removed the record.
		user, err := readUser(ans.body)
		if err == nil && user.ID == before.ID {
			switch result := change.outcome(before, user); {
			case result == applied && !change.deactivates():
				return user, false, nil
			case result == notApplied:
				return nil, true, c.failed(http.MethodPatch, target, ans.statusCode, ignored, adviceByHand)
			}
		}
	}

	after, err := c.readBack(ctx, before.ID, lost)
	switch {
	case status.Code(err) == codes.NotFound && change.deactivates():
		return nil, false, nil
	case err != nil && lost && status.Code(err) != codes.NotFound:
		return nil, false, refused
	case err != nil:
		return nil, false, unconfirmed(err)
	}
	accepted := !lost && ans.statusCode == http.StatusAccepted
	result := change.outcome(before, after)
	switch {
	case change.shows(before, after), result == applied && !lost && !accepted:
		return after, false, nil
	case lost:
		return nil, false, refused
	case accepted:
		return nil, false, c.failed(http.MethodPatch, target, ans.statusCode, "the change was accepted, not applied yet", adviceByHand)
	case result == notApplied:
		return nil, true, c.failed(http.MethodPatch, target, ans.statusCode, ignored, adviceByHand)
	default:
		return nil, false, c.failed(http.MethodPatch, target, ans.statusCode,
			"the server accepted the change, but the user does not report whether it was applied", adviceByHand)
	}
}

// afterNotFound reads a user whose change was answered by a 404, which may speak
// of the endpoint as well (RFC 7644 section 3.12).
func (c *Client) afterNotFound(ctx context.Context, before *User, change Change, refused error) (*User, error) {
	after, err := c.GetUser(ctx, before.ID)
	if err != nil {
		return nil, err
	}
	if change.shows(before, after) {
		return after, nil
	}
	return nil, c.failed(http.MethodPatch, c.user(before.ID), HTTPStatus(refused), "the user is there, and was not changed", adviceByHand)
}

// DeleteUser removes a user (RFC 7644 section 3.6) and confirms by a read that
// the user has left. Where the server knows no DELETE (405, 501, or a 404 while
// the user is there), the user is deactivated instead, which is how Whimsical
// documents leaving a workspace.
//
// It fails with NotFound when there is no such user, and with
// FailedPrecondition when the server accepted the deletion but the user is
// still there.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	target := c.user(id)
	lostBefore := false
	ans, refused := retried(ctx, c.retryPause, func() (*answer, error) {
		ans, err := c.do(ctx, http.MethodDelete, target, nil)
		lostBefore = lostBefore || AnswerLost(err)
		return ans, err
	})
	unsupported := false
	switch HTTPStatus(refused) {
	case http.StatusNotFound, http.StatusGone, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		unsupported = true
	}
	lost := AnswerLost(refused)
	if refused != nil && !unsupported && !lost {
		return refused
	}

	user, err := c.readBack(ctx, id, refused != nil)
	switch {
	case status.Code(err) == codes.NotFound && unsupported && !lostBefore:
		return err
	case status.Code(err) == codes.NotFound:
		return nil
	case err != nil && lost:
		return refused
	case err != nil && !unsupported:
		return unconfirmed(err)
	case err != nil:
		return err
	case user.Status == StatusInactive:
		return nil
	case unsupported:
		_, err := c.ChangeUser(ctx, user, Change{Status: StatusInactive})
		return err
	case lost:
		return refused
	case ans.statusCode == http.StatusAccepted:
		return c.failed(http.MethodDelete, target, ans.statusCode, "the deletion was accepted, not applied yet", adviceByHand)
	default:
		return c.failed(http.MethodDelete, target, ans.statusCode, "the server accepted the deletion, but the user is still there", adviceByHand)
	}
}

// readBack reads a user after a change. Where the server has accepted it, a 404
// of any form is believed: the user was there a moment ago, and some changes
// remove the record.
func (c *Client) readBack(ctx context.Context, id string, doubtful bool) (*User, error) {
	if doubtful {
		return c.GetUser(ctx, id)
	}
	return retried(ctx, c.retryPause, func() (*User, error) { return c.getUser(ctx, id) })
}

// unconfirmed says of the error of a read that the change before it was accepted.
func unconfirmed(err error) error {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		apiErr.reason = strings.TrimSuffix("the change was accepted, and could not be confirmed: "+apiErr.reason, ": ")
	}
	return err
}

const (
	ignored      = "the server accepted the change but did not apply it"
	adviceByHand = "check the user in Whimsical's Workspace settings: the change may have to be made there"
)
