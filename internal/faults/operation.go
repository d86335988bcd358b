package faults

import (
	"net/http"
	"strings"
)

// Operation is what a request asks of the API: the method, but for the four kinds of
// GET.
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

	Create Operation = http.MethodPost
	Patch  Operation = http.MethodPatch
	Delete Operation = http.MethodDelete
)

// OperationOf returns what a request asks.
func OperationOf(r *http.Request) Operation {
	switch query := r.URL.Query(); {
	case r.Method != http.MethodGet:
		return Operation(r.Method)
	case !strings.HasSuffix(r.URL.EscapedPath(), "/Users"):
		return Get
	case query.Has("filter"):
		return Find
	case query.Get("count") == "1":
		return Validate
	default:
		return List
	}
}
