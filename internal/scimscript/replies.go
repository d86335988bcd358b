package scimscript

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Reply is an answer.
type Reply struct {
	Status int
	// Body is the body, "" for none.
	Body string
	// RetryAfter is the header of that name, "" for none.
	RetryAfter string
	// Lost resets the connection instead of an answer.
	Lost bool
}

// Lost is the answer that never arrives: the connection is reset.
var Lost = Reply{Lost: true}

// NoContent is a success that shows nothing.
var NoContent = Reply{Status: http.StatusNoContent}

// OK is a success that shows a user, or a list of them.
func OK(body fmt.Stringer) Reply {
	return Reply{Status: http.StatusOK, Body: body.String()}
}

// Created is the answer to a creation.
func Created(user User) Reply {
	return Reply{Status: http.StatusCreated, Body: user.String()}
}

// Refused is a SCIM error (RFC 7644, section 3.12). scimType and detail may be empty.
func Refused(status int, scimType, detail string) Reply {
	body := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"},
		"status":  fmt.Sprint(status),
	}
	for name, value := range map[string]string{"scimType": scimType, "detail": detail} {
		if value != "" {
			body[name] = value
		}
	}
	return Reply{Status: status, Body: encode(body)}
}

// NotFound is the answer for a user who is not there.
func NotFound() Reply {
	return Refused(http.StatusNotFound, "", "no such user")
}

// User is a user as an answer shows them. What is nil or "" is left out.
type User struct {
	ID, UserName string
	// Active and Editor are booleans, or what a server sends in their place.
	Active, Editor any
}

// String returns the user's JSON.
func (u User) String() string {
	body := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User", extension}}
	for name, value := range map[string]string{"id": u.ID, "userName": u.UserName} {
		if value != "" {
			body[name] = value
		}
	}
	if u.Active != nil {
		body["active"] = u.Active
	}
	if u.Editor != nil {
		body[extension] = map[string]any{"editor": u.Editor}
	}
	return encode(body)
}

// List is a ListResponse.
type List []User

// String returns the list's JSON.
func (l List) String() string {
	users := make([]string, len(l))
	for i, user := range l {
		users[i] = user.String()
	}
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,"Resources":[%s]}`,
		len(l), strings.Join(users, ","))
}

func encode(body map[string]any) string {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Sprintf("a reply cannot be encoded: %v", err)
	}
	return string(encoded)
}

// send writes the answer. A client who is gone is not an error of the script.
func (r Reply) send(w http.ResponseWriter) {
	if r.Lost {
		// The server resets the connection of a handler that panics so.
		panic(http.ErrAbortHandler)
	}
	if r.RetryAfter != "" {
		w.Header().Set("Retry-After", r.RetryAfter)
	}
	if r.Body != "" {
		w.Header().Set("Content-Type", "application/scim+json")
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write([]byte(r.Body))
}
