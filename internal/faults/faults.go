// Package faults makes a healthy SCIM server misbehave, for tests: an [Injector]
// stands in front of the server and lets named faults strike its requests, each
// switchable by operation and by number. [Table] lists all of them.
package faults

import (
	"net/http"
	"slices"
)

// Fault is one way in which a server, or the network before it, misbehaves.
type Fault struct {
	// Name identifies the fault.
	Name string
	// About says in a few words what the client meets.
	About string
	// Slow is set where the client has to give up by its own timeout.
	Slow bool
	// Large is set where each strike moves many megabytes.
	Large bool

	strike func(s *strike)
}

// strike is one request that a fault hits.
type strike struct {
	w http.ResponseWriter
	r *http.Request
	// healthy is the server behind the fault.
	healthy http.Handler
	// elsewhere is the base URL of another host, to which redirects lead.
	elsewhere string
	// closed ends when the injector is closed.
	closed <-chan struct{}
}

// Table returns all faults, in the order in which they are documented.
func Table() []Fault {
	return slices.Concat(refusals, throttles, outages, connections, bodies, types, bombs, redirects(), echoes)
}

// Named returns the fault with the given name and whether there is one.
func Named(name string) (Fault, bool) {
	all := Table()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 {
		return Fault{}, false
	}
	return all[i], true
}
