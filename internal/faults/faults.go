// Package faults makes a healthy SCIM server misbehave. Use it wherever a test needs a server that fails: an
// [Injector] stands in front of the server, lets faults strike its requests by operation and by number, and
// keeps the requests. [Serve] puts one in front of a simulated workspace, [Table] lists all faults by name.
//
//	w := faults.Serve(t, sim.Config{Users: 12})
//	w.Set(faults.Rule{Fault: faults.Named("503"), Operations: []faults.Operation{faults.List}, After: 1})
//	err := listUsers(w.URL, leaks.Token)
//	if w.Strikes() == 0 || err == nil {
//		t.Error("the second page was not broken, or nobody noticed")
//	}
package faults

import (
	"net/http"
	"strconv"
	"sync"
)

// Fault is one way in which a server, or the network before it, misbehaves.
type Fault struct {
	// Name identifies the fault.
	Name string
	// Slow is set where the client has to give up by its own timeout.
	Slow bool
	// Large is set where each strike moves many megabytes.
	Large bool

	strike func(s *strike)
}

// strike is one request that a fault hits.
type strike struct {
	*Injector

	w http.ResponseWriter
	r *http.Request
}

// Named returns the fault with the given name, which must exist.
func Named(name string) Fault {
	for _, fault := range Table() {
		if fault.Name == name {
			return fault
		}
	}
	panic("there is no fault " + name)
}

// Refusal returns a fault that answers with a status, as a SCIM error.
func Refusal(status int) Fault { return Fault{Name: strconv.Itoa(status), strike: refuse(status)} }

// Hold returns a fault that holds requests back, and the function that releases them:
// once it is called, they are let through.
func Hold() (Fault, func()) {
	open := make(chan struct{})
	return Fault{Name: "held", strike: func(s *strike) {
		select {
		case <-open:
		case <-s.r.Context().Done():
		}
		s.healthy.ServeHTTP(s.w, s.r)
	}}, sync.OnceFunc(func() { close(open) })
}
