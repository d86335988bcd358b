package sim

import (
	"net/http"
	"slices"
	"sync"
	"time"

	scimerrors "github.com/elimity-com/scim/errors"
)

// User is one member of a simulated workspace. Through the out-of-band methods
// of [Workspace] every field is taken as it is, so that a test can also build a
// record that the SCIM endpoints would refuse. An attribute without a value is absent.
type User struct {
	// ID is the SCIM id: opaque, and stable for the life of the user.
	ID string
	// UserName is the e-mail address that the user logs in with. SCIM requests keep
	// Email, the primary address, equal to it.
	UserName, Email                    string
	GivenName, FamilyName, DisplayName string
	Active                             bool
	// Editor is true for an Editor and false for a Viewer. nil means no role:
	// the extension is absent from the resource.
	Editor *bool
	// Pending is true until the first login of a user who was created with [Config.PendingUntilLogin].
	Pending bool
	// Created is meta.created.
	Created time.Time
}

// clone returns a copy that shares no memory with u.
func (u User) clone() User {
	if u.Editor != nil {
		u.Editor = new(*u.Editor)
	}
	return u
}

// Workspace is a simulated Whimsical workspace. Its SCIM endpoints are served by [Workspace.Handler]; the
// other methods read and change it out of band, as the people in the workspace would. All methods are safe
// for concurrent use, and the order of the listing is the order of insertion.
type Workspace struct {
	cfg    Config
	server http.Handler

	mu sync.Mutex
	// order is the listing. The users it points to are changed only under mu;
	// their Editor pointers are replaced, never written through.
	order []*User
	byID  map[string]*User
	// created counts the ids that were handed out after seeding.
	created int
}

// Handler returns the SCIM server of the workspace. It serves the paths under
// [BasePath] and answers 404 to all others; every request needs the token.
func (w *Workspace) Handler() http.Handler { return w }

// Users returns a snapshot of all users in listing order, pending ones included.
func (w *Workspace) Users() []User {
	w.mu.Lock()
	defer w.mu.Unlock()
	users := make([]User, len(w.order))
	for i, u := range w.order {
		users[i] = u.clone()
	}
	return users
}

// User returns the user with the given id, pending or not, and whether there is one.
func (w *Workspace) User(id string) (User, bool) {
	var user User
	ok := w.change(id, func(stored *User) { user = stored.clone() })
	return user, ok
}

// Add appends u to the listing, unchecked, and returns it as stored. An empty ID,
// or one that is in use, is replaced by a fresh one.
func (w *Workspace) Add(u User) User {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.insert(u.clone()).clone()
}

// Update replaces the user who has u.ID, unchecked and in place, and reports whether there is one.
func (w *Workspace) Update(u User) bool {
	return w.change(u.ID, func(stored *User) { *stored = u.clone() })
}

// Remove removes the user with the given id and reports whether there was one.
func (w *Workspace) Remove(id string) bool { return w.change(id, w.remove) }

// Login is the first login of a pending user, who is visible over SCIM from then on. It reports whether there
// is a user with that id; for a user who is not pending it changes nothing.
func (w *Workspace) Login(id string) bool {
	return w.change(id, func(stored *User) { stored.Pending = false })
}

// change runs with on a stored user and reports whether there is one.
func (w *Workspace) change(id string, with func(stored *User)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	stored, ok := w.byID[id]
	if ok {
		with(stored)
	}
	return ok
}

// insert stores u at the end of the listing. The caller holds mu.
func (w *Workspace) insert(u User) *User {
	if _, taken := w.byID[u.ID]; taken || u.ID == "" {
		u.ID = w.freshID()
	}
	w.order = append(w.order, &u)
	w.byID[u.ID] = &u
	return &u
}

// remove forgets a stored user. The caller holds mu.
func (w *Workspace) remove(stored *User) {
	delete(w.byID, stored.ID)
	w.order = slices.DeleteFunc(w.order, func(u *User) bool { return u == stored })
}

// find returns the user with the given id where SCIM requests see one, or a SCIM error. The caller holds mu.
func (w *Workspace) find(id string) (*User, error) {
	if u, ok := w.byID[id]; ok && !u.Pending {
		return u, nil
	}
	return nil, scimerrors.ScimErrorResourceNotFound(id)
}
