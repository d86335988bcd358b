package faults

import (
	"net/http"
	"strings"
)

// Operation is what a request asks of the API.
type Operation string

// The operations of Whimsical's SCIM API that the connector uses.
const (
	// Validate is the small listing of one user that tests the credentials.
	Validate Operation = "validate"
	// List is one page of the listing of all users.
	List Operation = "list"
	// Get reads one user by id.
	Get Operation = "get"
	// Find looks a user up by a filter.
	Find Operation = "find"
	// Create creates a user.
	Create Operation = "create"
	// Patch changes a user.
	Patch Operation = "patch"
	// Delete removes a user.
	Delete Operation = "delete"
	// Other is every request that is none of the above.
	Other Operation = "other"
)

// OperationOf returns what a request asks.
func OperationOf(r *http.Request) Operation {
	collection := strings.HasSuffix(r.URL.EscapedPath(), "/Users")
	query := r.URL.Query()
	switch r.Method {
	case http.MethodGet:
		switch {
		case !collection:
			return Get
		case query.Has("filter"):
			return Find
		case query.Get("count") == "1":
			return Validate
		default:
			return List
		}
	case http.MethodPost:
		return Create
	case http.MethodPatch:
		return Patch
	case http.MethodDelete:
		return Delete
	default:
		return Other
	}
}
