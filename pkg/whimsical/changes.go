package whimsical

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Only a read afterwards proves a change; the answer's body does not. What a read does not report does not
// count as done, but for an absent status in two cases: see outcome. Only of a new user whom no read shows
// (ErrPending) is the answer's body all there is.

// ErrPending means that a user was created whom the API does not show yet: a new person appears in the
// workspace with the first login through SAML.
//
// Source: https://help.whimsical.com/security/scim
var ErrPending = errors.New(Prefix + "the user was created, and is not shown before the first login")

// NewUser is a user to create.
type NewUser struct {
	// UserName is the e-mail address, in lower case: Whimsical refuses others.
	UserName string
	// GivenName and FamilyName may be empty. They can be set at creation only; later the users themselves
	// change them in Whimsical.
	GivenName, FamilyName string
	// Role is the role to create the user with; RoleUnknown leaves it to the workspace's default, which may
	// be a paid seat.
	Role Role
}

// request returns the body of a creation. Whimsical wants the primary e-mail to equal the userName.
//
// Source: https://help.whimsical.com/security/scim
func (u NewUser) request() map[string]any {
	name := map[string]string{"givenName": u.GivenName, "familyName": u.FamilyName}
	maps.DeleteFunc(name, func(_, value string) bool { return value == "" })
	body := map[string]any{
		"schemas":     []string{userSchema, extensionSchema},
		"userName":    u.UserName,
		"displayName": cmp.Or(strings.TrimSpace(u.GivenName+" "+u.FamilyName), u.UserName),
		"emails":      []map[string]any{{"value": u.UserName, "type": "work", "primary": true}},
		"active":      true,
	}
	if len(name) > 0 {
		body["name"] = name
	}
	if u.Role != RoleUnknown {
		body[extensionSchema] = map[string]bool{"editor": u.Role == RoleEditor}
	}
	return body
}

// CreateUser creates a user (RFC 7644 section 3.3). It repeats the request only on a rate limit (429, or a 403
// that says so): after any other failure the user must be looked up first. It returns the user as a read shows
// them. Where the server had the user already, they may be inactive or have another role than asked for.
//
// It fails with ErrPending, and what the answer held of the user, when the API does not show the user yet;
// with AlreadyExists when the server refuses the user with a 409, for being there or for a reason of its own;
// with an error that AnswerLost reports when the user may have been created; and with FailedPrecondition when
// the server accepted the creation and shows no sign of it.
func (c *Client) CreateUser(ctx context.Context, u NewUser) (*User, error) {
	s := c.send(ctx, http.MethodPost, c.users, u.request())
	if s.answer == nil {
		return nil, asListError(s.refused)
	}
	answered, _ := readUser(s.answer.body) // without a user in the body, FindUser looks for them
	var shown *User
	var err error
	if answered != nil {
		shown, err = c.getUser(ctx, answered.ID)
	}
	if answered == nil || status.Code(err) == codes.NotFound {
		shown, err = c.FindUser(ctx, u.UserName)
	}
	_, isError := c.scimError(s.answer.body)
	user := cmp.Or(shown, answered)
	switch {
	case err != nil:
		return nil, s.unread(err, false)
	case shown == nil && s.answer.statusCode == http.StatusAccepted:
		return nil, c.failed(http.MethodPost, c.users, s.answer, "the creation was accepted, not applied yet", adviceByHand)
	case user == nil && (isError || s.answer.statusCode != http.StatusCreated):
		return nil, c.notSCIM(http.MethodPost, c.users, s.answer, "the answer does not report a user, and no such user was found")
	case user != nil && user.UserName != "" && LowerCase(user.UserName) != LowerCase(u.UserName):
		return nil, c.failed(http.MethodPost, c.users, s.answer, "the server created a user, but with another userName than was asked for", adviceByHand)
	case shown == nil:
		return user, ErrPending
	default:
		return user, nil
	}
}

// AnswerLost reports whether a change may have been made although it failed: no whole answer arrived to a
// request that was not cancelled, or one from somebody who does not know (a 408, or a 5xx other than 501).
func AnswerLost(err error) bool {
	apiErr, ok := errors.AsType[*Error](err)
	if !ok || apiErr.StatusCode == 0 {
		return ok && apiErr.Code != codes.Canceled
	}
	return apiErr.StatusCode == http.StatusRequestTimeout || apiErr.StatusCode >= 500 && apiErr.Code == codes.Unavailable
}

// Change is what ChangeUser changes of a user; the rest stays as it is.
type Change struct {
	// Role, when not RoleUnknown, is the new role.
	Role Role
	// Status, when not "", is the new status: StatusActive, or StatusInactive, which removes the
	// user from the workspace.
	Status Status
	// KeepRole sends the user's present role, and no new one: some servers give the workspace's default role to
	// whoever is activated.
	KeepRole bool
}

// role returns the role that a change sends, or RoleUnknown.
func (c Change) role(before *User) Role {
	if c.KeepRole {
		return before.Role
	}
	return c.Role
}

// outcome is what a user shows of a change; of two outcomes the greater counts.
type outcome int

const (
	applied outcome = iota
	notReported
	notApplied
)

// compare compares one attribute with the value that was asked for, if any was; reported is whether a read
// tells it.
func compare[T ~string](wished, shown T, reported bool) outcome {
	switch {
	case wished == "" || wished == shown:
		return applied
	case !reported:
		return notReported
	default:
		return notApplied
	}
}

// outcome compares a user with the change that was asked for. doubtful is set when the server did not say
// that it made the change. An absent status counts as applied in two cases. For a deactivation: the user was
// active before, since some servers leave the status out when it is false. For an activation: the status was
// not reported before either, and a role was asked for, in doubt another one than before.
func (c Change) outcome(before, after *User, doubtful bool) outcome {
	role := compare(c.role(before), after.Role, after.Role != RoleUnknown)
	status := compare(c.Status, after.Status, after.Status.Reported())
	off := c.Status == StatusInactive && before.Status == StatusActive
	on := c.Status == StatusActive && !before.Status.Reported() && c.Role != RoleUnknown && (!doubtful || c.Role != before.Role)
	if after.Status == statusAbsent && (off || on) {
		status = applied
	}
	return max(role, status)
}

// unasked names what changed of a user although nobody asked for it, or returns "".
func (c Change) unasked(before, after *User) string {
	switch {
	case c.role(before) == RoleUnknown && compare(before.Role, after.Role, after.Role != RoleUnknown) == notApplied:
		return fmt.Sprintf("the role from %s to %s", before.Role, after.Role)
	case c.Status == statusAbsent && before.Status.Reported() && compare(before.Status, after.Status, after.Status.Reported()) == notApplied:
		return fmt.Sprintf("the status from %s to %s", before.Status, after.Status)
	default:
		return ""
	}
}

const patchOpSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// request returns the PATCH body (RFC 7644 section 3.5.2) in one of the two forms of the clients that
// Whimsical was built for: with a path, as Entra sends it, or with a value alone, as Okta does. The role
// comes first, so that a change of which only a part is stored never gives more than was asked for.
//
// Source: https://help.whimsical.com/security/entra-scim and https://help.whimsical.com/security/okta-scim
func (c Change) request(before *User, withPath bool) map[string]any {
	var operations []map[string]any
	replace := func(path string, value, whole any) {
		operation := map[string]any{"op": "replace", "value": whole}
		if withPath {
			operation["path"], operation["value"] = path, value
		}
		operations = append(operations, operation)
	}
	if role := c.role(before); role != RoleUnknown {
		editor := role == RoleEditor
		replace(extensionSchema+":editor", editor, map[string]any{extensionSchema: map[string]bool{"editor": editor}})
	}
	if c.Status != statusAbsent {
		active := c.Status == StatusActive
		replace("active", active, map[string]bool{"active": active})
	}
	return map[string]any{"schemas": []string{patchOpSchema}, "Operations": operations}
}

// sent is a change that was sent, and what became of it.
type sent struct {
	method string
	target *url.URL
	// answer is set when the server accepted the change.
	answer *answer
	// refused is the error of the last try, nil when it was accepted. lost is the error of the last try whose
	// answer was lost: whatever the tries after it answered, the change may have been made. An accepted try
	// clears it.
	refused, lost error
}

// mayCome reports whether a read may show the change, and promised whether the server said that it will.
func (s sent) mayCome() bool  { return s.answer != nil || s.lost != nil }
func (s sent) promised() bool { return s.answer != nil && s.answer.statusCode != http.StatusAccepted }

// send sends a change, repeatedly where that is safe.
func (c *Client) send(ctx context.Context, method string, target *url.URL, body any) sent {
	s := sent{method: method, target: target}
	s.answer, s.refused = retried(ctx, c.retryPause, func() (*answer, error) {
		ans, err := c.do(ctx, method, target, body)
		if err == nil || AnswerLost(err) {
			s.lost = err
		}
		return ans, err
	})
	return s
}

// undone describes a change that no read shows.
func (c *Client) undone(s sent, result outcome, after *User) error {
	shown := fmt.Sprintf(", a read shows the status %s and the role %s", cmp.Or(string(after.Status), "absent"), cmp.Or(string(after.Role), "unknown"))
	reason := "the server accepted the change, but the user does not report whether it was applied" + shown
	switch {
	case s.lost != nil:
		return s.lost
	case s.refused != nil:
		return amended(s.refused, codes.FailedPrecondition, "the user is there, and was not changed", adviceByHand)
	case !s.promised():
		reason = "the change was accepted, not applied yet" + shown
	case s.method == http.MethodDelete:
		reason = "the server accepted the deletion, but the user is still there"
	case result == notApplied:
		reason = "the server accepted the change but did not apply it" + shown
	}
	return c.failed(s.method, s.target, s.answer, reason, adviceByHand)
}

// confirm reads a user until the read shows a change that was sent: at once, and while it shows the user as
// before, up to three more times within about four seconds, since replicas lag behind. Where every try was
// refused, other than with 404 or 410, it reads nothing and returns before. It returns the user as shown (nil
// when they are gone or cannot be read), what the user shows of the change, and why the change is not done.
func (c *Client) confirm(ctx context.Context, before *User, change Change, s sent) (*User, outcome, error) {
	if s.refused != nil && s.lost == nil && !isMissing(s.refused) {
		return before, notApplied, s.refused
	}
	leaves, read := change.Status == StatusInactive, c.GetUser
	if leaves && s.answer != nil {
		read = c.getUser // the server accepted that the user leaves: a 404 of any form is believed
	}
	for pause := c.retryPause; ; pause *= 2 {
		after, err := read(ctx, before.ID)
		if err != nil {
			return nil, applied, s.unread(err, leaves)
		}
		result := change.outcome(before, after, !s.promised())
		if result == applied {
			return after, applied, nil
		}
		if !s.mayCome() || after.Role != before.Role || after.Status != before.Status || pause > 4*c.retryPause {
			return after, result, c.undone(s, result, after)
		}
		select {
		case <-ctx.Done(): // the next read says so
		case <-time.After(pause):
		}
	}
}

// unread returns the error of a change after which the read failed with err. It returns nil when the user was
// to go (leaves is set) and is gone.
func (s sent) unread(err error, leaves bool) error {
	gone := status.Code(err) == codes.NotFound
	switch {
	case gone && leaves && s.mayCome():
		return nil
	case !gone && s.lost != nil:
		return s.lost
	case !gone && s.answer != nil:
		return amended(err, status.Code(err), "the change was accepted, and could not be confirmed: ", "")
	default:
		return err
	}
}

// ChangeUser changes a user, given as a fresh read shows them, and confirms the change by a read. It returns
// the user as they are now, or nil when a deactivation removed the record. Where the server refuses one form
// of the PATCH with 400 or 422, or accepts and ignores it, the other form is tried, once.
//
// It fails with NotFound when there is no such user, and with FailedPrecondition when the server did not
// apply what it accepted, does not report whether it did, or changed more than was asked for.
func (c *Client) ChangeUser(ctx context.Context, before *User, change Change) (*User, error) {
	refused := func(err error) bool { return httpStatus(err) >= 300 && !AnswerLost(err) }
	after, otherForm, err := c.patch(ctx, before, change, true)
	if otherForm {
		first := err
		if after, _, err = c.patch(ctx, before, change, false); refused(err) && !refused(first) {
			err = first // the first form's error says what the server did with it
		}
	}
	if err != nil || after == nil {
		return nil, err
	}
	if unasked := change.unasked(before, after); unasked != "" {
		return nil, c.failed(http.MethodPatch, c.user(before.ID), nil, "the change was made, and changed "+unasked+" as well, for which nobody asked", adviceByHand)
	}
	return after, nil
}

// patch makes a change in one form of the PATCH. It returns the user as they are now, and when it fails,
// whether the other form may do.
func (c *Client) patch(ctx context.Context, before *User, change Change, withPath bool) (*User, bool, error) {
	s := c.send(ctx, http.MethodPatch, c.user(before.ID), change.request(before, withPath))
	after, result, err := c.confirm(ctx, before, change, s)
	formRefused := answered(s.refused, http.StatusBadRequest, http.StatusUnprocessableEntity)
	return after, err != nil && after != nil && (formRefused || result == notApplied && s.promised()), err
}

// DeleteUser removes a user (RFC 7644 section 3.6). It first reads the user, and confirms by another read
// that they have left. Where the server knows no DELETE (405, 501, or a 404 or 410 while the user is there),
// the user is deactivated instead, which is how Whimsical documents leaving a workspace.
//
// It fails with NotFound when there is no such user, and with FailedPrecondition when the server accepted the
// deletion but the user is still there.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	before, err := c.GetUser(ctx, id)
	if err != nil {
		return err
	}
	leaves := Change{Status: StatusInactive}
	s := c.send(ctx, http.MethodDelete, c.user(id), nil)
	after, _, err := c.confirm(ctx, before, leaves, s)
	unsupported := isMissing(s.refused) || answered(s.refused, http.StatusMethodNotAllowed, http.StatusNotImplemented)
	switch {
	case err == nil || after == nil || !unsupported:
		return err
	case after.Status == StatusInactive:
		return nil
	default:
		_, err = c.ChangeUser(ctx, after, leaves)
		return err
	}
}
