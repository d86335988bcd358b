package sim

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Workspace is a simulated Whimsical workspace. Its SCIM endpoints are served by
// [Workspace.Handler]; the other methods read and change it out of band, as the
// people in the workspace would. All methods are safe for concurrent use, and the
// order of the listing is the order of insertion unless a method changes it.
type Workspace struct {
	cfg     Config
	handler http.Handler

	mu sync.Mutex
	// order is the listing. The users it points to are changed only under mu;
	// their Editor pointers are replaced, never written through.
	order []*User
	// visible is order without the pending users, nil when it has to be built
	// again. It is only used while there are pending users.
	visible []*User
	byID    map[string]*User
	// byName maps a userName in lower case to its users. Out-of-band inserts may
	// give two users one name, SCIM requests may not.
	byName  map[string][]*User
	pending int
	// created counts the ids that were handed out after seeding.
	created int
}

func newWorkspace(cfg Config) *Workspace {
	return &Workspace{
		cfg:    cfg,
		order:  make([]*User, 0, cfg.Users),
		byID:   make(map[string]*User, cfg.Users),
		byName: make(map[string][]*User, cfg.Users),
	}
}

// Handler returns the SCIM server of the workspace. It serves the paths under
// [BasePath] and answers 404 to all others; every request needs the token.
func (w *Workspace) Handler() http.Handler {
	return w.handler
}

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

// User returns the user with the given id, pending or not, and whether there is
// one.
func (w *Workspace) User(id string) (User, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ok := w.byID[id]
	if !ok {
		return User{}, false
	}
	return u.clone(), true
}

// Add appends u to the listing, unchecked, and returns it as stored. An empty ID,
// or one that is in use, is replaced by a fresh one.
func (w *Workspace) Add(u User) User {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.insert(len(w.order), u.clone()).clone()
}

// Insert is [Workspace.Add] at a position of the listing as [Workspace.Users]
// shows it: 0 is the front. A position outside the listing means the nearer end.
func (w *Workspace) Insert(index int, u User) User {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.insert(clampIndex(index, len(w.order)), u.clone()).clone()
}

// Update replaces the user who has u.ID, unchecked and in place, and reports
// whether there is one.
func (w *Workspace) Update(u User) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	stored, ok := w.byID[u.ID]
	if ok {
		w.replace(stored, u.clone())
	}
	return ok
}

// Remove removes the user with the given id and reports whether there was one.
func (w *Workspace) Remove(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	stored, ok := w.byID[id]
	if ok {
		w.remove(stored)
	}
	return ok
}

// Move takes the user at position from out of the listing and puts them back at
// position to. A from outside the listing does nothing, a to outside it means the
// nearer end.
func (w *Workspace) Move(from, to int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if from < 0 || from >= len(w.order) {
		return
	}
	moved := w.order[from]
	w.order = slices.Delete(w.order, from, from+1)
	w.order = slices.Insert(w.order, clampIndex(to, len(w.order)), moved)
	w.visible = nil
}

// Login is the first login of a pending user, who is visible over SCIM from then
// on. It reports whether there is a user with that id; for a user who is not
// pending it changes nothing.
func (w *Workspace) Login(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	stored, ok := w.byID[id]
	if ok {
		next := *stored
		next.Pending = false
		w.replace(stored, next)
	}
	return ok
}

// insert stores u at an index of the listing. The caller holds mu.
func (w *Workspace) insert(index int, u User) *User {
	if _, taken := w.byID[u.ID]; taken || u.ID == "" {
		u.ID = w.freshID()
	}
	stored := &u
	w.order = slices.Insert(w.order, index, stored)
	w.byID[u.ID] = stored
	w.index(stored)
	return stored
}

// replace gives a stored user new contents under the same id. The caller holds mu.
func (w *Workspace) replace(stored *User, next User) {
	w.unindex(stored)
	*stored = next
	w.index(stored)
}

// remove forgets a stored user. The caller holds mu.
func (w *Workspace) remove(stored *User) {
	w.unindex(stored)
	delete(w.byID, stored.ID)
	if i := slices.Index(w.order, stored); i >= 0 {
		w.order = slices.Delete(w.order, i, i+1)
	}
}

// index enters a stored user into what is derived from its contents.
func (w *Workspace) index(stored *User) {
	if stored.UserName != "" {
		key := strings.ToLower(stored.UserName)
		w.byName[key] = append(w.byName[key], stored)
	}
	if stored.Pending {
		w.pending++
	}
	w.visible = nil
}

// unindex is the opposite of index.
func (w *Workspace) unindex(stored *User) {
	if stored.UserName != "" {
		key := strings.ToLower(stored.UserName)
		rest := slices.DeleteFunc(w.byName[key], func(u *User) bool { return u == stored })
		if len(rest) == 0 {
			delete(w.byName, key)
		} else {
			w.byName[key] = rest
		}
	}
	if stored.Pending {
		w.pending--
	}
	w.visible = nil
}

// listing returns the users that SCIM requests see, in order. The caller holds mu
// and does not change the slice.
func (w *Workspace) listing() []*User {
	if w.pending == 0 {
		return w.order
	}
	if w.visible == nil {
		w.visible = make([]*User, 0, len(w.order)-w.pending)
		for _, u := range w.order {
			if !u.Pending {
				w.visible = append(w.visible, u)
			}
		}
	}
	return w.visible
}

// find returns the user with the given id where SCIM requests see one. The caller
// holds mu.
func (w *Workspace) find(id string) (*User, bool) {
	u, ok := w.byID[id]
	return u, ok && !u.Pending
}

// taken reports whether a userName belongs to a user other than except, pending
// users included. The caller holds mu.
func (w *Workspace) taken(userName string, except *User) bool {
	return slices.ContainsFunc(w.byName[strings.ToLower(userName)], func(u *User) bool { return u != except })
}

func clampIndex(index, length int) int {
	return max(0, min(index, length))
}
