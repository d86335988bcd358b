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
	"strings"
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
	// Token is the bearer token that every request must carry.
	Token string
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
	case cfg.Users < 0:
		return nil, fmt.Errorf("sim: the number of users is negative: %d", cfg.Users)
	case cfg.PageSize < 0:
		return nil, fmt.Errorf("sim: the page size is negative: %d", cfg.PageSize)
	case cfg.DefaultRole != "editor" && cfg.DefaultRole != "viewer":
		return nil, fmt.Errorf("sim: the default role is neither editor nor viewer: %q", cfg.DefaultRole)
	}
	w := &Workspace{cfg: cfg, byID: make(map[string]*User, cfg.Users)}
	for i := range cfg.Users {
		w.insert(Person(i))
	}
	var err error
	if w.server, err = newServer(w); err != nil {
		return nil, fmt.Errorf("sim: %w", err)
	}
	return w, nil
}
