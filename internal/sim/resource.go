package sim

import (
	"net/http"

	"github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
)

// usersEndpoint is the path of the only resource type, relative to [BasePath].
const usersEndpoint = "/Users"

// resources is the library's view of the users of a workspace. What it returns as
// an error also goes through refuse, see there.
type resources struct {
	w *Workspace
}

// Create answers POST (RFC 7644, section 3.3).
func (s resources) Create(r *http.Request, attributes scim.ResourceAttributes) (scim.Resource, error) {
	w := s.w
	w.mu.Lock()
	defer w.mu.Unlock()

	isEditor := w.cfg.DefaultRole == roleEditor
	u := User{
		DisplayName: text(attributes, attrDisplayName),
		Active:      true,
		Editor:      &isEditor,
		Pending:     w.cfg.PendingUntilLogin,
		Created:     w.creationTime(),
	}
	if parts, ok := attributes[attrName].(map[string]any); ok {
		u.GivenName, u.FamilyName = text(parts, attrGivenName), text(parts, attrFamilyName)
	}
	if err := w.apply(&u, nil, changeOf(attributes)); err != nil {
		return scim.Resource{}, refuse(r, err)
	}
	stored := w.insert(len(w.order), u)
	noteLocation(r, stored.ID)
	return resource(*stored), nil
}

// Get answers GET of one user (RFC 7644, section 3.4.1).
func (s resources) Get(r *http.Request, id string) (scim.Resource, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	u, ok := s.w.find(id)
	if !ok {
		return scim.Resource{}, refuse(r, scimerrors.ScimErrorResourceNotFound(id))
	}
	return resource(*u), nil
}

// GetAll answers a query (RFC 7644, section 3.4.2). The library has already
// clamped the count to the page size and the start index to 1.
func (s resources) GetAll(r *http.Request, params scim.ListRequestParams) (scim.Page, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	users := s.w.listing()
	if params.FilterValidator != nil {
		var err error
		if users, err = s.w.match(params.FilterValidator); err != nil {
			return scim.Page{}, refuse(r, err)
		}
	}
	page := scim.Page{TotalResults: len(users)}
	if params.Count == 0 {
		return page, nil
	}
	from := min(params.StartIndex-1, len(users))
	to := from + min(params.Count, len(users)-from)
	page.Resources = make([]scim.Resource, 0, to-from)
	for _, u := range users[from:to] {
		page.Resources = append(page.Resources, resource(*u))
	}
	return page, nil
}

// Replace answers PUT (RFC 7644, section 3.5.1). Attributes that are absent keep
// their values, which that section leaves to the server: Whimsical documents it for
// the role, and the names are frozen anyhow.
func (s resources) Replace(r *http.Request, id string, attributes scim.ResourceAttributes) (scim.Resource, error) {
	return s.update(r, id, changeOf(attributes))
}

// Patch answers PATCH (RFC 7644, section 3.5.2). All operations are applied, or
// none is.
func (s resources) Patch(r *http.Request, id string, operations []scim.PatchOperation) (scim.Resource, error) {
	c, err := changeOfPatch(operations)
	if err != nil {
		return scim.Resource{}, refuse(r, err)
	}
	return s.update(r, id, c)
}

// Delete answers DELETE (RFC 7644, section 3.6).
func (s resources) Delete(r *http.Request, id string) error {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	u, ok := s.w.find(id)
	if !ok {
		return refuse(r, scimerrors.ScimErrorResourceNotFound(id))
	}
	s.w.remove(u)
	return nil
}

// update applies a change to one user. The answer shows the user as they were last
// seen, also when the change was the deactivation that removes them.
func (s resources) update(r *http.Request, id string, c change) (scim.Resource, error) {
	w := s.w
	w.mu.Lock()
	defer w.mu.Unlock()
	stored, ok := w.find(id)
	if !ok {
		return scim.Resource{}, refuse(r, scimerrors.ScimErrorResourceNotFound(id))
	}
	if w.cfg.IgnoreRoleChanges {
		c.editor = nil
	}
	next := *stored
	if err := w.apply(&next, stored, c); err != nil {
		return scim.Resource{}, refuse(r, err)
	}
	if stored.Active && !next.Active && !w.cfg.DeactivationKeeps {
		w.remove(stored)
	} else {
		w.replace(stored, next)
	}
	return resource(next), nil
}

// text returns the string under a key, empty when there is none.
func text(attributes map[string]any, key string) string {
	s, _ := attributes[key].(string)
	return s
}
