package whimsical

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const patchOpSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Change is what PatchUser changes of a user; the rest stays as it is.
type Change struct {
	// Active, when not nil, activates or deactivates the user. Deactivation
	// removes the user from the workspace.
	Active *bool
	// Role, when not RoleUnknown, is the new role.
	Role Role
}

// applied tells whether user is as the change asks. known is false when the
// user's attributes do not tell.
func (c Change) applied(user *User) (applied, known bool) {
	applied, known = true, true
	if c.Active != nil {
		known = known && user.Active != nil
		applied = applied && user.Active != nil && *user.Active == *c.Active
	}
	if c.Role != RoleUnknown {
		known = known && user.Role != RoleUnknown
		applied = applied && user.Role == c.Role
	}
	return applied, known
}

type patchRequest struct {
	Schemas    []string         `json:"schemas"`
	Operations []patchOperation `json:"Operations"`
}

type patchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path,omitempty"`
	Value any    `json:"value"`
}

// request returns the PATCH body in the forms that Okta and Entra send, the
// clients Whimsical was built for. The role has two documented forms: a path
// into the extension, or the extension nested in a value without path.
//
// Source: RFC 7644 section 3.5.2; https://help.whimsical.com/security/entra-scim
func (c Change) request(nested bool) patchRequest {
	body := patchRequest{Schemas: []string{patchOpSchema}}
	if c.Active != nil {
		body.Operations = append(body.Operations, patchOperation{Op: "replace", Value: map[string]bool{"active": *c.Active}})
	}
	if c.Role != RoleUnknown {
		editor := c.Role == RoleEditor
		operation := patchOperation{Op: "replace", Path: ExtensionSchema + ":editor", Value: editor}
		if nested {
			operation = patchOperation{Op: "replace", Value: map[string]extension{ExtensionSchema: {Editor: editor}}}
		}
		body.Operations = append(body.Operations, operation)
	}
	return body
}

type extension struct {
	Editor bool `json:"editor"`
}

// deactivates tells whether the change takes a user out of the workspace.
func (c Change) deactivates() bool {
	return c.Active != nil && !*c.Active
}

// PatchUser changes a user (RFC 7644 section 3.5.2) and confirms the change,
// from the answer or by a read. It returns the user as it is now, or nil when
// a deactivation removed the record. A change whose answer was lost is a
// success when the read shows it.
//
// It fails with NotFound when there is no such user, and with
// FailedPrecondition when the server accepted the change but did not apply it.
func (c *Client) PatchUser(ctx context.Context, id string, change Change) (*User, error) {
	target := c.user(id)
	ans, refused := c.patch(ctx, target, change)
	switch {
	case status.Code(refused) == codes.NotFound:
		return nil, c.confirmMissing(ctx, target, refused)
	case refused != nil && !AnswerLost(refused):
		return nil, refused
	case refused == nil:
		if user := shown(ans, id, change); user != nil {
			return user, nil
		}
	}

	user, err := c.readBack(ctx, id, refused)
	if status.Code(err) == codes.NotFound {
		if change.deactivates() {
			return nil, nil
		}
		return nil, err
	}
	if err != nil {
		return nil, cmp.Or(refused, unconfirmed(err))
	}
	applied, known := change.applied(user)
	switch {
	case applied:
		return user, nil
	case refused != nil:
		return nil, refused
	case known:
		return nil, c.notApplied(http.MethodPatch, target, ans, "the server accepted the change but did not apply it")
	default:
		return nil, c.notApplied(http.MethodPatch, target, ans,
			"the server accepted the change, but the user does not tell whether it was applied")
	}
}

// shown returns the user of an answer whose body confirms a change, else nil. A
// deactivation is never confirmed that way: only a read tells whether the
// record is still there.
func shown(ans *answer, id string, change Change) *User {
	user, err := readUser(trimBOM(ans.body))
	if err != nil || user.ID != id || change.deactivates() {
		return nil
	}
	if applied, _ := change.applied(user); !applied {
		return nil
	}
	return user
}

// AnswerLost tells whether a change may have been made although it failed: no
// answer arrived, or one from somebody who does not know (a 5xx), or the read
// that was to show it failed. Only a read tells.
func AnswerLost(err error) bool {
	var apiErr *Error
	if errors.As(err, &apiErr) && apiErr.unconfirmed {
		return true
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded:
		return HTTPStatus(err) != http.StatusTooManyRequests
	default:
		return false
	}
}

// unconfirmed marks the error of a read that follows a change.
func unconfirmed(err error) error {
	var apiErr *Error
	if errors.As(err, &apiErr) {
		apiErr.unconfirmed = true
	}
	return err
}

// notApplied describes a write that succeeded and that a read does not show.
func (c *Client) notApplied(method string, target *url.URL, ans *answer, reason string) *Error {
	return &Error{
		Code: codes.FailedPrecondition, Method: method, Path: c.displayPath(target), StatusCode: ans.statusCode,
		reason: reason, advice: "check the user in Whimsical's Workspace settings: the change may have to be made there",
	}
}

// patch sends the change, and once more in the nested form where the server
// refuses the path form. The form that worked is kept for this process.
func (c *Client) patch(ctx context.Context, target *url.URL, change Change) (*answer, error) {
	nested := c.nestedPatch.Load()
	ans, err := c.do(ctx, http.MethodPatch, target, change.request(nested))
	if change.Role == RoleUnknown || nested || !refusesPath(err) {
		return ans, err
	}
	ans, err = c.do(ctx, http.MethodPatch, target, change.request(true))
	if err == nil {
		c.nestedPatch.Store(true)
	}
	return ans, err
}

// refusesPath tells whether an error says, or may say, that the server does
// not take the path of an operation (RFC 7644 section 3.12).
func refusesPath(err error) bool {
	apiErr, ok := err.(*Error) //nolint:errorlint // do returns it unwrapped
	if !ok || apiErr.StatusCode != http.StatusBadRequest {
		return false
	}
	switch apiErr.ScimType {
	case "", "invalidPath", "invalidSyntax":
		return true
	default:
		return false
	}
}
