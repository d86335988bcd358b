package whimsical

import (
	"context"
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

// PatchUser changes a user (RFC 7644 section 3.5.2) and confirms the change,
// from the answer or by a read. It returns the user as it is now, or nil when
// a deactivation removed the record.
//
// It fails with NotFound when there is no such user, and with
// FailedPrecondition when the server accepted the change but did not apply it.
func (c *Client) PatchUser(ctx context.Context, id string, change Change) (*User, error) {
	target := c.user(id)
	ans, err := c.patch(ctx, target, change)
	if err != nil {
		if HTTPStatus(err) == http.StatusNotFound {
			return nil, c.confirmMissing(ctx, err)
		}
		return nil, err
	}
	deactivated := change.Active != nil && !*change.Active
	if user, err := readUser(trimBOM(ans.body)); err == nil && user.ID == id && !deactivated {
		if applied, _ := change.applied(user); applied {
			return user, nil
		}
	}
	// No body, one that does not show the change, or a deactivation, after which
	// only a read tells whether the record is still there.
	user, err := c.GetUser(ctx, id)
	if deactivated && status.Code(err) == codes.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if applied, known := change.applied(user); !applied {
		reason := "the server accepted the change but did not apply it"
		if !known {
			reason = "the server accepted the change, but the user does not tell whether it was applied"
		}
		return nil, &Error{
			Code: codes.FailedPrecondition, Method: http.MethodPatch, Path: c.displayPath(target), StatusCode: ans.statusCode,
			reason: reason, advice: "check the user in Whimsical's Workspace settings: the change may have to be made there",
		}
	}
	return user, nil
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
