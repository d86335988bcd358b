package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	"github.com/scim2/filter-parser/v2"
)

// ServeHTTP is the HTTP layer around the library's server: the token, the base path and the log. The answer is
// logged before its first byte is sent, so that a client who has the answer can rely on the log.
func (w *Workspace) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	// The library announces this maxPayloadSize, and reports a body that breaks off as malformed.
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	answer := w.answer(r, body)
	maps.Copy(rw.Header(), answer.Header())
	if answer.Code == http.StatusNoContent {
		rw.Header().Del("Content-Type")
	}
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes()) // a client who is gone is no error of the simulator
}

func (w *Workspace) answer(r *http.Request, body []byte) *httptest.ResponseRecorder {
	w.mu.Lock()
	defer w.mu.Unlock()
	answer := httptest.NewRecorder()
	fail := func(err scimerrors.ScimError) { // RFC 7644, section 3.12
		answer.Header().Set("Content-Type", "application/scim+json")
		answer.WriteHeader(err.Status)
		_ = json.NewEncoder(answer).Encode(err)
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch inner := innerURL(r.URL); {
	case !strings.EqualFold(scheme, "Bearer") || token != w.cfg.Token: // RFC 6750, section 2.1
		answer.Header().Set("WWW-Authenticate", `Bearer realm="whimsical-sim"`)
		fail(scimerrors.ScimError{Status: http.StatusUnauthorized, Detail: "The bearer token is missing or was refused."})
	case inner == nil:
		fail(scimerrors.ScimError{Status: http.StatusNotFound, Detail: "Specified endpoint does not exist."})
	default:
		forwarded := r.WithContext(r.Context())
		forwarded.URL = inner
		forwarded.Body = io.NopCloser(bytes.NewReader(flattenExtension(body)))
		w.server.ServeHTTP(answer, forwarded)
	}
	if w.cfg.RequestLog != nil {
		// The path stays encoded, which keeps the line one line. A log that cannot be written to is no reason to
		// fail the request.
		_, _ = fmt.Fprintf(w.cfg.RequestLog, "%s %s %d\n", r.Method, r.URL.RequestURI(), answer.Code)
	}
	return answer
}

// innerURL returns the URL below [BasePath] as the library reads it, nil for a path outside. The library
// decodes the id once more: it gets the encoded form, so that an id may hold any character. It would also
// serve everything under /v2, which hides a client's mistake.
func innerURL(u *url.URL) *url.URL {
	path, ok := strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(BasePath, "/"))
	if !ok || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/v2") {
		return nil
	}
	return &url.URL{Path: path, RawQuery: u.RawQuery}
}

// flattenExtension replaces the nested extension in the operations of a PATCH by its qualified attributes,
// the one form that the library reads there. Any other body is returned as it is.
func flattenExtension(body []byte) []byte {
	var patch struct {
		Schemas    json.RawMessage  `json:"schemas"`
		Operations []map[string]any `json:"Operations"`
	}
	if json.Unmarshal(body, &patch) != nil || patch.Operations == nil {
		return body
	}
	for _, operation := range patch.Operations {
		attributes, _ := operation["value"].(map[string]any)
		if extension, ok := attributes[ExtensionSchema].(map[string]any); ok {
			delete(attributes, ExtensionSchema)
			for name, value := range extension {
				attributes[ExtensionSchema+":"+name] = value
			}
		}
	}
	flattened, _ := json.Marshal(patch) // of what was JSON before
	return flattened
}

// resources is the library's view of the users of a workspace, whose handler holds mu.
type resources struct {
	*Workspace
}

// Create answers POST (RFC 7644, section 3.3).
func (s resources) Create(_ *http.Request, attributes scim.ResourceAttributes) (scim.Resource, error) {
	u := User{
		DisplayName: text(attributes, "displayName"), Active: true,
		Editor: new(s.cfg.DefaultRole == "editor"), Pending: s.cfg.PendingUntilLogin,
		// A simulated clock, a minute for each id, so that a run can be repeated exactly.
		Created: time.Date(2026, time.January, 5, 9, s.created, 0, 0, time.UTC),
	}
	if parts, ok := attributes["name"].(map[string]any); ok {
		u.GivenName, u.FamilyName = text(parts, "givenName"), text(parts, "familyName")
	}
	if err := s.apply(&u, attributes); err != nil {
		return scim.Resource{}, err
	}
	return resource(*s.insert(u)), nil
}

// Get answers GET of one user (RFC 7644, section 3.4.1).
func (s resources) Get(_ *http.Request, id string) (scim.Resource, error) {
	u, err := s.find(id)
	if err != nil {
		return scim.Resource{}, err
	}
	return resource(*u), nil
}

// GetAll answers a query (RFC 7644, section 3.4.2). The library has already
// clamped the count to the page size and the start index to 1.
func (s resources) GetAll(_ *http.Request, params scim.ListRequestParams) (scim.Page, error) {
	users := s.order
	if s.cfg.PendingUntilLogin {
		users = slices.DeleteFunc(slices.Clone(users), func(u *User) bool { return u.Pending })
	}
	if params.FilterValidator != nil {
		wanted, ok := wantedUserName(params.FilterValidator.GetFilter())
		if !ok {
			return scim.Page{}, scimerrors.ScimErrorInvalidFilter
		}
		users = slices.DeleteFunc(slices.Clone(users), func(u *User) bool { return u.Pending || !strings.EqualFold(u.UserName, wanted) })
	}
	page := scim.Page{TotalResults: len(users)}
	from := min(params.StartIndex-1, len(users))
	for _, u := range users[from : from+min(params.Count, len(users)-from)] {
		page.Resources = append(page.Resources, resource(*u))
	}
	return page, nil
}

// wantedUserName returns the value of a filter that is userName eq "value", the only
// one that Whimsical documents.
func wantedUserName(expression filter.Expression) (string, bool) {
	comparison, ok := expression.(*filter.AttributeExpression)
	if !ok || comparison.Operator != filter.EQ || !strings.EqualFold(comparison.AttributePath.AttributeName, "userName") {
		return "", false
	}
	// The library hands out the value as it was written, escapes included.
	raw, ok := comparison.CompareValue.(string)
	var value string
	ok = ok && json.Unmarshal([]byte(`"`+raw+`"`), &value) == nil
	return value, ok
}

// Replace answers PUT (RFC 7644, section 3.5.1). Attributes that are absent keep
// their values, which that section leaves to the server.
func (s resources) Replace(_ *http.Request, id string, attributes scim.ResourceAttributes) (scim.Resource, error) {
	return s.update(id, attributes)
}

// Patch answers PATCH (RFC 7644, section 3.5.2). The library has checked the paths and
// the types of the values. Of the attributes, userName, active and the role can be
// changed; the names are frozen after creation, which Whimsical documents.
func (s resources) Patch(_ *http.Request, id string, operations []scim.PatchOperation) (scim.Resource, error) {
	changed := scim.ResourceAttributes{}
	for _, operation := range operations {
		if operation.Op == scim.PatchOperationRemove {
			return scim.Resource{}, scimerrors.ScimErrorMutability
		}
		values, _ := operation.Value.(map[string]any)
		if operation.Path != nil {
			values = map[string]any{operation.Path.String(): operation.Value}
		}
		for path, value := range values {
			if strings.EqualFold(path, ExtensionSchema+":editor") {
				changed[ExtensionSchema] = map[string]any{"editor": value}
			} else {
				changed[path] = value
			}
		}
	}
	return s.update(id, changed)
}

// Delete answers DELETE (RFC 7644, section 3.6).
func (s resources) Delete(_ *http.Request, id string) error {
	u, err := s.find(id)
	if err == nil {
		s.remove(u)
	}
	return err
}

// update applies a change to one user. The answer shows the user as they were last
// seen, also when the change was the deactivation that removes them.
func (s resources) update(id string, changed map[string]any) (scim.Resource, error) {
	stored, err := s.find(id)
	if err != nil {
		return scim.Resource{}, err
	}
	next := *stored
	if err := s.apply(&next, changed); err != nil {
		return scim.Resource{}, err
	}
	if stored.Active && !next.Active && !s.cfg.DeactivationKeeps {
		s.remove(stored)
	} else {
		*stored = next
	}
	return resource(next), nil
}

// apply makes a change to u. It checks what Whimsical requires of a user and fails
// with a SCIM error; u is not to be used then.
func (s resources) apply(u *User, changed map[string]any) error {
	if userName, ok := changed["userName"].(string); ok {
		local, domain, _ := strings.Cut(userName, "@")
		switch {
		case local == "" || domain == "":
			return invalidValue("userName must be an e-mail address.")
		case userName != strings.ToLower(userName):
			return invalidValue("userName must be in lower case.")
		case slices.ContainsFunc(s.order, func(other *User) bool { return other.ID != u.ID && strings.EqualFold(other.UserName, userName) }):
			// Pending users count.
			return scimerrors.ScimErrorUniqueness
		}
		u.UserName, u.Email = userName, userName
	}
	emails, _ := changed["emails"].([]any)
	for _, entry := range emails {
		if email, _ := entry.(map[string]any); email["primary"] == true && email["value"] != u.UserName {
			return invalidValue("The primary e-mail address must equal userName.")
		}
	}
	if active, ok := changed["active"].(bool); ok {
		u.Active = active
	}
	if extension, ok := changed[ExtensionSchema].(map[string]any); ok {
		if editor, ok := extension["editor"].(bool); ok {
			u.Editor = &editor
		}
	}
	return nil
}

// invalidValue returns the error of RFC 7644, section 3.12, for a value that does not fit its attribute.
func invalidValue(detail string) scimerrors.ScimError {
	return scimerrors.ScimError{ScimType: scimerrors.ScimTypeInvalidValue, Detail: detail, Status: http.StatusBadRequest}
}

// text returns the string under a key, empty when there is none.
func text(attributes map[string]any, key string) string {
	s, _ := attributes[key].(string)
	return s
}

// newServer returns the library's SCIM server for the users of a workspace. Groups are not a resource type, so
// /Groups answers 404.
func newServer(w *Workspace) (http.Handler, error) {
	editor := schema.SimpleBooleanParams(schema.BooleanParams{
		Name: "editor", Description: optional.NewString("Whether the user is an Editor; a Viewer otherwise."),
	})
	extension := schema.Schema{
		ID: ExtensionSchema, Name: optional.NewString("Whimsical User"),
		Attributes: schema.Attributes{schema.SimpleCoreAttribute(editor)},
	}
	return scim.NewServer(&scim.ServerArgs{
		ServiceProviderConfig: &scim.ServiceProviderConfig{MaxResults: w.cfg.PageSize, SupportFiltering: true, SupportPatch: true},
		ResourceTypes: []scim.ResourceType{{
			ID: optional.NewString("User"), Name: "User", Endpoint: "/Users",
			Schema: schema.CoreUserSchema(), SchemaExtensions: []scim.SchemaExtension{{Schema: extension}},
			Handler: resources{w},
		}},
	})
}

// resource renders a user. Attributes without a value are left out, as RFC 7643, section 2.5, allows.
func resource(u User) scim.Resource {
	attributes := scim.ResourceAttributes{"active": u.Active}
	for name, value := range map[string]string{"userName": u.UserName, "displayName": u.DisplayName} {
		if value != "" {
			attributes[name] = value
		}
	}
	if u.GivenName != "" || u.FamilyName != "" {
		attributes["name"] = map[string]string{"givenName": u.GivenName, "familyName": u.FamilyName}
	}
	if u.Email != "" {
		attributes["emails"] = []map[string]any{{"value": u.Email, "type": "work", "primary": true}}
	}
	if u.Editor != nil {
		attributes[ExtensionSchema] = map[string]bool{"editor": *u.Editor}
	}
	var meta scim.Meta
	if !u.Created.IsZero() {
		meta.Created = &u.Created
	}
	return scim.Resource{ID: u.ID, Attributes: attributes, Meta: meta}
}
