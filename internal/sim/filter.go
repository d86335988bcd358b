package sim

import (
	"encoding/json"
	"strings"

	scimerrors "github.com/elimity-com/scim/errors"
	scimfilter "github.com/elimity-com/scim/filter"
	"github.com/elimity-com/scim/schema"
	"github.com/scim2/filter-parser/v2"
)

// match returns the visible users who pass a filter (RFC 7644, section 3.4.2.2).
// A comparison of userName is answered from the index, so that looking one user up
// costs the same in every workspace; the library evaluates all other filters on
// every user. The caller holds mu.
func (w *Workspace) match(validator *scimfilter.Validator) ([]*User, error) {
	var matches []*User
	if userName, ok := wantedUserName(validator.GetFilter()); ok {
		for _, u := range w.byName[strings.ToLower(userName)] {
			if !u.Pending {
				matches = append(matches, u)
			}
		}
		return matches, nil
	}
	// The library panics on comparisons that make no sense, such as a complex
	// attribute with a string.
	var panicked any
	func() {
		defer func() { panicked = recover() }()
		for _, u := range w.listing() {
			if validator.PassesFilter(filterView(u)) == nil {
				matches = append(matches, u)
			}
		}
	}()
	if panicked != nil {
		return nil, scimerrors.ScimErrorInvalidFilter
	}
	return matches, nil
}

// wantedUserName returns the value of a filter that is userName eq "value" and
// nothing else.
func wantedUserName(expression filter.Expression) (string, bool) {
	comparison, ok := expression.(*filter.AttributeExpression)
	if !ok || comparison.Operator != filter.EQ || comparison.AttributePath.SubAttribute != nil ||
		!strings.EqualFold(comparison.AttributePath.AttributeName, attrUserName) {
		return "", false
	}
	if uri := comparison.AttributePath.URI(); uri != "" && uri != schema.UserSchema {
		return "", false
	}
	raw, ok := comparison.CompareValue.(string)
	if !ok {
		return "", false
	}
	// The library hands out the value as it was written, escapes included.
	var value string
	if err := json.Unmarshal([]byte(`"`+raw+`"`), &value); err != nil {
		return raw, true
	}
	return value, true
}

// filterView renders a user in the types that the library's filters expect: maps,
// and the attributes of an extension under their qualified names.
func filterView(u *User) map[string]any {
	view := map[string]any{attrActive: u.Active}
	if u.UserName != "" {
		view[attrUserName] = u.UserName
	}
	if u.DisplayName != "" {
		view[attrDisplayName] = u.DisplayName
	}
	if u.Email != "" {
		view[attrEmails] = []any{map[string]any{"value": u.Email, "type": "work", "primary": true}}
	}
	if u.Editor != nil {
		view[editorPath] = *u.Editor
	}
	parts := make(map[string]any, 2)
	if u.GivenName != "" {
		parts[attrGivenName] = u.GivenName
	}
	if u.FamilyName != "" {
		parts[attrFamilyName] = u.FamilyName
	}
	if len(parts) > 0 {
		view[attrName] = parts
	}
	return view
}
