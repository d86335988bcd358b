package sim

import (
	"net/http"
	"slices"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
)

// change is what a request asks to be different about a user. A nil field is not
// part of the request. The names are missing on purpose: Whimsical takes them at
// creation only and ignores them afterwards.
type change struct {
	userName *string
	email    *string
	active   *bool
	editor   *bool
}

// changeOf reads the body of a POST or PUT, whose types the library has checked.
func changeOf(attributes map[string]any) change {
	var c change
	if s, ok := attributes[attrUserName].(string); ok {
		c.userName = &s
	}
	if b, ok := attributes[attrActive].(bool); ok {
		c.active = &b
	}
	if extension, ok := attributes[ExtensionSchema].(map[string]any); ok {
		if b, ok := extension[attrEditor].(bool); ok {
			c.editor = &b
		}
	}
	c.email = primaryEmail(attributes[attrEmails])
	return c
}

// primaryEmail returns the address of the primary entry of an emails attribute, or
// of its only entry, and nil where that leaves no answer.
func primaryEmail(emails any) *string {
	var entries []any
	switch emails := emails.(type) {
	case []any:
		entries = emails
	case map[string]any:
		// The library lets one entry stand without its array.
		entries = []any{emails}
	}
	index := slices.IndexFunc(entries, func(entry any) bool {
		attributes, _ := entry.(map[string]any)
		return attributes["primary"] == true
	})
	if index < 0 {
		if len(entries) != 1 {
			return nil
		}
		index = 0
	}
	attributes, _ := entries[index].(map[string]any)
	if address, ok := attributes["value"].(string); ok {
		return &address
	}
	return nil
}

// apply makes a change to u, the new contents of stored, or of nobody when a user
// is created. It checks what Whimsical requires of a user and fails with a SCIM
// error; u is not to be used then. The caller holds mu.
func (w *Workspace) apply(u, stored *User, c change) error {
	if c.userName != nil {
		if err := w.checkUserName(*c.userName, stored); err != nil {
			return err
		}
		u.UserName = *c.userName
		u.Email = u.UserName
	}
	if c.email != nil && *c.email != u.UserName {
		return invalidValue("The primary e-mail address must equal userName.")
	}
	if c.active != nil {
		u.Active = *c.active
	}
	if c.editor != nil {
		u.Editor = c.editor
	}
	return nil
}

// checkUserName fails when a userName cannot be given to stored, or to a new user
// when stored is nil.
func (w *Workspace) checkUserName(userName string, stored *User) error {
	local, domain, _ := strings.Cut(userName, "@")
	switch {
	case local == "" || domain == "":
		return invalidValue("userName must be an e-mail address.")
	case userName != strings.ToLower(userName):
		err := invalidValue("userName must be in lower case.")
		err.Status = w.cfg.CaseStatus
		return err
	case w.taken(userName, stored):
		return scimerrors.ScimErrorUniqueness
	}
	return nil
}

// invalidValue returns the error of RFC 7644, section 3.12, for a value that does
// not fit its attribute.
func invalidValue(detail string) scimerrors.ScimError {
	return scimerrors.ScimError{
		ScimType: scimerrors.ScimTypeInvalidValue,
		Detail:   detail,
		Status:   http.StatusBadRequest,
	}
}
