// Package sim is a simulated Whimsical workspace: an in-memory SCIM 2.0 server for
// demos, development and tests. Use it wherever a healthy API is needed; what fails on
// purpose is in internal/faults. It is never linked into the connector.
//
//	workspace, err := sim.New(sim.Config{Users: 12, Token: "secret"})
//	server := httptest.NewServer(workspace.Handler())
//	baseURL := server.URL + sim.BasePath
//	workspace.Remove(sim.Person(3).ID)
//
// The protocol is read by github.com/elimity-com/scim, so that an independent reading of RFC 7643 and RFC
// 7644 judges the requests. This package adds what Whimsical documents on top of the standard: lower-case
// user names, the editor extension (also nested in a PATCH without a path), names that are frozen after
// creation, deactivation that removes the member, a filter by userName alone, the bearer token. The
// attributes of a user are those of [User]; others are accepted and dropped.
package sim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	scimerrors "github.com/elimity-com/scim/errors"
)

// BasePath is the path under which [Workspace.Handler] serves the SCIM endpoints,
// for example BasePath + "Users".
const BasePath = "/scim-v2/"

// ExtensionSchema is the URN of Whimsical's extension of the core User schema.
// Its only attribute is the boolean "editor": true is Editor, false is Viewer.
const ExtensionSchema = "urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"

// Config describes a simulated workspace. The zero value lacks a token and is refused by [New].
type Config struct {
	// Users is the size of the seeded workspace. The people depend on their
	// index alone, so a larger workspace begins with the smaller one.
	Users int
	Token string // the bearer token that every request must carry
	// DefaultRole is the role of a user who is created without the extension:
	// "editor" or "viewer". Empty means viewer.
	DefaultRole string
	// PageSize is the largest page of a listing. 0 means 100.
	PageSize int
	// RequestLog, when not nil, receives one line for each request, before it is
	// answered: method, path with query, status.
	RequestLog io.Writer
	// PendingUntilLogin makes users who are created over SCIM invisible until
	// [Workspace.Login], while a second POST still answers 409.
	PendingUntilLogin bool
	// DeactivationKeeps keeps a deactivated user with active:false. Otherwise deactivation removes the user.
	DeactivationKeeps bool
}

// New returns a workspace with cfg.Users seeded people. It fails when the
// configuration is not usable: no token, an unknown role or a negative size.
func New(cfg Config) (*Workspace, error) {
	if cfg.PageSize == 0 {
		cfg.PageSize = 100
	}
	if cfg.DefaultRole == "" {
		cfg.DefaultRole = "viewer"
	}
	switch {
	case cfg.Token == "":
		return nil, errors.New("sim: a token is required")
	case strings.TrimSpace(cfg.Token) != cfg.Token:
		return nil, errors.New("sim: a token with surrounding space can never match a header")
	case cfg.Users < 0 || cfg.PageSize < 0:
		return nil, fmt.Errorf("sim: a negative size: %d users, pages of %d", cfg.Users, cfg.PageSize)
	case cfg.DefaultRole != "editor" && cfg.DefaultRole != "viewer":
		return nil, fmt.Errorf("sim: the default role is neither editor nor viewer: %q", cfg.DefaultRole)
	}
	w := &Workspace{cfg: cfg, byID: make(map[string]*User, cfg.Users)}
	for i := range cfg.Users {
		w.insert(Person(i))
	}
	var err error
	w.server, err = newServer(w)
	return w, err
}

// User is one member of a simulated workspace. Through the out-of-band methods
// of [Workspace] every field is taken as it is, so that a test can also build a
// record that the SCIM endpoints would refuse. An attribute without a value is absent.
type User struct {
	ID string // the SCIM id: opaque, and stable for the life of the user
	// UserName is the e-mail address that the user logs in with. SCIM requests keep
	// Email, the primary address, equal to it.
	UserName, Email                    string
	GivenName, FamilyName, DisplayName string
	Active                             bool
	// Editor is true for an Editor and false for a Viewer. nil means no role:
	// the extension is absent from the resource.
	Editor  *bool
	Pending bool      // true until the first login of a user who was created with [Config.PendingUntilLogin]
	Created time.Time // meta.created
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
