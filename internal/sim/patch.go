package sim

import (
	"slices"
	"strings"

	"github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/scim2/filter-parser/v2"
)

// changeOfPatch reads the operations of a PATCH in their order, so that a later one
// wins. The library has checked the paths and the types of the values.
func changeOfPatch(operations []scim.PatchOperation) (change, error) {
	var c change
	for _, operation := range operations {
		if operation.Path != nil {
			if err := c.patch(operation.Op, *operation.Path, operation.Value); err != nil {
				return change{}, err
			}
			continue
		}
		// Without a path the value holds attributes, keyed by their paths (RFC
		// 7644, sections 3.5.2.1 and 3.5.2.3).
		attributes, _ := operation.Value.(map[string]any)
		for _, key := range sortedKeys(attributes) {
			path, err := filter.ParsePath([]byte(key))
			if err != nil {
				return change{}, scimerrors.ScimErrorInvalidPath
			}
			if err := c.patch(operation.Op, path, attributes[key]); err != nil {
				return change{}, err
			}
		}
	}
	return c, nil
}

// patch adds one attribute to the change. Attributes that a workspace does not keep,
// and the frozen names, are accepted and have no effect.
func (c *change) patch(op string, path filter.Path, value any) error {
	attribute := strings.ToLower(path.AttributePath.AttributeName)
	if op == scim.PatchOperationRemove {
		switch attribute {
		case strings.ToLower(attrUserName), attrEmails, attrActive, attrEditor:
			// RFC 7644, section 3.5.2.2: what a user cannot be without cannot be
			// removed.
			return scimerrors.ScimErrorMutability
		}
		return nil
	}
	switch attribute {
	case strings.ToLower(attrUserName):
		if s, ok := value.(string); ok {
			c.userName = &s
		}
	case attrActive:
		if b, ok := value.(bool); ok {
			c.active = &b
		}
	case attrEditor:
		if b, ok := value.(bool); ok {
			c.editor = &b
		}
	case attrEmails:
		if email := patchedEmail(path, value); email != nil {
			c.email = email
		}
	}
	return nil
}

// patchedEmail returns the address that an operation on emails asks for. A user has
// one e-mail address, so every selection such as emails[type eq "work"].value is
// taken to mean that one.
func patchedEmail(path filter.Path, value any) *string {
	selected := path.SubAttributeName() + path.AttributePath.SubAttributeName()
	if selected == "" {
		return primaryEmail(value)
	}
	if s, ok := value.(string); ok && strings.EqualFold(selected, "value") {
		return &s
	}
	return nil
}

// sortedKeys makes the order in which attributes are applied the same in every run.
func sortedKeys(attributes map[string]any) []string {
	keys := make([]string, 0, len(attributes))
	for key := range attributes {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
