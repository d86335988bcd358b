package scimscript

import (
	"net/http"
	"net/url"
	"strconv"
)

const extension = "urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"

// Get expects that a user is read.
func Get(id string, reply Reply) Step {
	return Step{Method: http.MethodGet, Target: "Users/" + url.PathEscape(id), Reply: reply}
}

// Find expects that a user is looked up by userName.
func Find(userName string, reply Reply) Step {
	filter := "userName%20eq%20%22" + url.QueryEscape(userName) + "%22"
	return Step{Method: http.MethodGet, Target: "Users?count=100&filter=" + filter + "&startIndex=1", Reply: reply}
}

// FindNobody expects that a user is looked up by userName, and answers with 404. The
// client believes that where the collection answers, and at a second look.
func FindNobody(userName string) Step {
	step := Find(userName, NotFound())
	step.then = []Step{{Method: http.MethodGet, Target: "Users?count=1&startIndex=1", Reply: OK(List{})}, step}
	return step
}

// Post expects that a user is created with exactly this body.
func Post(body string, reply Reply) Step {
	return Step{Method: http.MethodPost, Target: "Users", Body: body, Reply: reply}
}

// Patch expects that a user is changed with exactly this body; see SetRole and the
// others.
func Patch(id, body string, reply Reply) Step {
	return Step{Method: http.MethodPatch, Target: "Users/" + url.PathEscape(id), Body: body, Reply: reply}
}

// Delete expects that a user is deleted.
func Delete(id string, reply Reply) Step {
	return Step{Method: http.MethodDelete, Target: "Users/" + url.PathEscape(id), Reply: reply}
}

// SetRole is the body of a role change in the path form, which Entra sends.
func SetRole(editor bool) string {
	return patch(rolePath(editor))
}

// SetRoleNested is the body of a role change without a path.
func SetRoleNested(editor bool) string {
	return patch(roleNested(editor))
}

// SetActive is the body of an activation or deactivation, as Okta sends it.
func SetActive(active bool) string {
	return patch(status(active))
}

// ActivateAs is the body of an activation with a role, the role in the path form.
func ActivateAs(editor bool) string {
	return patch(status(true) + "," + rolePath(editor))
}

// ActivateAsNested is ActivateAs without a path.
func ActivateAsNested(editor bool) string {
	return patch(status(true) + "," + roleNested(editor))
}

func patch(operations string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operations + `]}`
}

func status(active bool) string {
	return `{"op":"replace","value":{"active":` + strconv.FormatBool(active) + `}}`
}

func rolePath(editor bool) string {
	return `{"op":"replace","path":"` + extension + `:editor","value":` + strconv.FormatBool(editor) + `}`
}

func roleNested(editor bool) string {
	return `{"op":"replace","value":{"` + extension + `":{"editor":` + strconv.FormatBool(editor) + `}}}`
}
