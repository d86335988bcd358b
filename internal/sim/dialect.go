package sim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"

	"github.com/elimity-com/scim/schema"
)

// The library reads the core of RFC 7644. Identity providers send more than that:
// booleans as strings, an extension as a nested object in a PATCH without a path,
// URNs in another case. The functions of this file translate such requests into the
// form that the library reads, and leave everything else as it is for the library
// to judge.

// canonicalBody translates the body of a POST, PUT or PATCH. A body that is not a
// JSON object is returned unchanged.
func canonicalBody(method string, body []byte) []byte {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil || document == nil {
		return body
	}
	if method == http.MethodPatch {
		operations, _ := document[keyOf(document, "Operations")].([]any)
		for _, operation := range operations {
			if fields, ok := operation.(map[string]any); ok {
				canonicalOperation(fields)
			}
		}
	} else {
		canonicalAttributes(document)
	}
	translated, err := json.Marshal(document)
	if err != nil {
		return body
	}
	return translated
}

// canonicalOperation translates one operation of a PATCH in place.
func canonicalOperation(operation map[string]any) {
	valueKey, pathKey := keyOf(operation, "value"), keyOf(operation, "path")
	if path, _ := operation[pathKey].(string); path != "" {
		path = canonicalPath(path)
		operation[pathKey] = path
		if value, present := operation[valueKey]; present && isBoolean(path) {
			operation[valueKey] = boolean(value)
		}
		return
	}
	if attributes, ok := operation[valueKey].(map[string]any); ok {
		canonicalAttributes(attributes)
		flattenExtension(attributes)
	}
}

// canonicalAttributes translates the attributes of a user in place. A key whose
// canonical form is also there keeps its own, so that the library sees both.
func canonicalAttributes(attributes map[string]any) {
	for _, key := range sortedKeys(attributes) {
		value := attributes[key]
		if canonical := canonicalPath(key); canonical != key {
			if _, taken := attributes[canonical]; !taken {
				delete(attributes, key)
				key = canonical
			}
		}
		if isBoolean(key) {
			value = boolean(value)
		}
		if extension, ok := value.(map[string]any); ok && key == ExtensionSchema {
			for name := range extension {
				if strings.EqualFold(name, attrEditor) {
					extension[name] = boolean(extension[name])
				}
			}
		}
		attributes[key] = value
	}
}

// flattenExtension replaces the nested extension by its qualified attributes, the
// one form that the library reads in a PATCH. Where both forms name an attribute
// neither can be preferred, and the library refuses the nested one.
func flattenExtension(attributes map[string]any) {
	extension, ok := attributes[ExtensionSchema].(map[string]any)
	if !ok {
		return
	}
	for name := range extension {
		if _, taken := attributes[ExtensionSchema+":"+name]; taken {
			return
		}
	}
	delete(attributes, ExtensionSchema)
	for name, value := range extension {
		attributes[ExtensionSchema+":"+name] = value
	}
}

// canonicalPath gives a schema URN at the beginning of a path its usual case, which
// RFC 7644, section 3.10, leaves open.
func canonicalPath(path string) string {
	for _, urn := range []string{ExtensionSchema, schema.UserSchema} {
		if len(path) >= len(urn) && strings.EqualFold(path[:len(urn)], urn) {
			rest := path[len(urn):]
			if rest == "" || rest[0] == ':' {
				return urn + rest
			}
		}
	}
	return path
}

// isBoolean reports whether a canonical path names one of the boolean attributes.
func isBoolean(path string) bool {
	return strings.EqualFold(path, editorPath) || strings.EqualFold(path, attrActive) ||
		strings.EqualFold(path, schema.UserSchema+":"+attrActive)
}

// boolean returns the boolean that a string in any case spells, and every other
// value unchanged.
func boolean(value any) any {
	if s, ok := value.(string); ok {
		switch strings.ToLower(s) {
		case "true":
			return true
		case "false":
			return false
		}
	}
	return value
}

// keyOf returns the key that is spelled like name in any case, or name itself. Both
// RFC 7643, section 2.1, and the library read attribute names in any case.
func keyOf(fields map[string]any, name string) string {
	for _, key := range sortedKeys(fields) {
		if strings.EqualFold(key, name) {
			return key
		}
	}
	return name
}

// escape is an escape sequence of a JSON string.
var escape = regexp.MustCompile(`\\(u[0-9A-Fa-f]{4}|.)`)

// canonicalFilter writes the hexadecimal digits of a filter's escape sequences in
// upper case: the library's grammar knows no other, JSON (RFC 8259, section 7)
// allows both and encoders write lower case.
func canonicalFilter(expression string) string {
	return escape.ReplaceAllStringFunc(expression, func(sequence string) string {
		if len(sequence) == len(`\u0000`) {
			return `\u` + strings.ToUpper(sequence[len(`\u`):])
		}
		return sequence
	})
}
