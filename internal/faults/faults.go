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
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// Fault is one way in which a server, or the network before it, misbehaves.
type Fault struct {
	// Name identifies the fault.
	Name  string
	Slow  bool // set where the client has to give up by its own timeout
	Large bool // set where each strike moves many megabytes

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

// Rule says which requests a fault strikes.
type Rule struct {
	Fault      Fault
	Operations []Operation // those that are struck; empty means all of them
	// After is the number of such requests that pass first, Times is how many of the
	// following are struck; 0 means all of them.
	After, Times int

	seen int
}

// Injector lets faults strike the requests to a healthy server. It is safe for concurrent use.
type Injector struct {
	// healthy is the server behind the faults, elsewhere the base URL of another host, to which redirects lead.
	healthy   http.Handler
	elsewhere string

	mu    sync.Mutex
	rules []Rule
	// strikes counts the requests that a fault hit; struck is closed by the first.
	strikes  int
	struck   chan struct{}
	requests []string
}

// New returns an injector without rules.
func New(healthy http.Handler, elsewhere string) *Injector {
	return &Injector{healthy: healthy, elsewhere: elsewhere, struck: make(chan struct{})}
}

// Set replaces the rules; the first that applies to a request strikes it. The counts begin anew.
func (i *Injector) Set(rules ...Rule) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.strikes, i.struck, i.rules = 0, make(chan struct{}), slices.Clone(rules)
}

// TakeRequests returns the requests since the last call, as method and path.
func (i *Injector) TakeRequests() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	requests := i.requests
	i.requests = nil
	return requests
}

// TakeChanges is TakeRequests without those that only read.
func (i *Injector) TakeChanges() []string {
	return slices.DeleteFunc(i.TakeRequests(), func(request string) bool { return strings.HasPrefix(request, http.MethodGet) })
}

// Strikes returns how many requests were hit since the last Set.
func (i *Injector) Strikes() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.strikes
}

// Struck returns a channel that is closed when the first request since the last Set is hit.
func (i *Injector) Struck() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.struck
}

// ServeHTTP answers a request by the fault that strikes it, or else by the healthy server.
func (i *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := i.judge(r); fault != nil {
		fault(&strike{w: w, r: r, Injector: i})
		return
	}
	i.healthy.ServeHTTP(w, r)
}

// judge notes a request and finds what strikes it, if anything does.
func (i *Injector) judge(r *http.Request) func(*strike) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.requests = append(i.requests, r.Method+" "+r.URL.Path)
	for n := range i.rules {
		rule := &i.rules[n]
		if len(rule.Operations) > 0 && !slices.Contains(rule.Operations, operationOf(r)) {
			continue
		}
		rule.seen++
		if rule.seen <= rule.After || rule.Times > 0 && rule.seen > rule.After+rule.Times {
			continue
		}
		if i.strikes++; i.strikes == 1 {
			close(i.struck)
		}
		return rule.Fault.strike
	}
	return nil
}

// Operation is what a request asks of the API: the method, but for the four kinds of GET.
type Operation string

// The operations of Whimsical's SCIM API that the connector uses.
const (
	Validate Operation = "validate" // the small listing of one user that tests the credentials
	List     Operation = "list"     // one page of the listing of all users
	Get      Operation = "get"      // reads one user by id
	Find     Operation = "find"     // looks a user up by a filter
	Create   Operation = http.MethodPost
	Patch    Operation = http.MethodPatch
	Delete   Operation = http.MethodDelete
)

// operationOf returns what a request asks.
func operationOf(r *http.Request) Operation {
	switch query := r.URL.Query(); {
	case r.Method != http.MethodGet:
		return Operation(r.Method)
	case !strings.HasSuffix(r.URL.EscapedPath(), "/Users"):
		return Get
	case query.Has("filter"):
		return Find
	case query.Get("count") == "1":
		return Validate
	default:
		return List
	}
}

// Workspace is a simulated workspace on loopback, with an injector in front of it.
type Workspace struct {
	*sim.Workspace
	*Injector

	// URL is the base URL of the SCIM API. The token is [leaks.Token].
	URL string
	// Close ends the servers, and the requests that a fault holds back, before the test ends.
	Close func()
}

// Serve serves a workspace until the test ends, which fails when a request has followed a redirect to another
// host.
func Serve(t *testing.T, cfg sim.Config) *Workspace {
	t.Helper()
	cfg.Token = leaks.Token
	workspace, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request has followed a redirect to another host")
	}))
	injector := New(workspace.Handler(), elsewhere.URL)
	server := httptest.NewServer(injector)
	w := &Workspace{Workspace: workspace, Injector: injector, URL: server.URL + sim.BasePath, Close: func() {
		for _, server := range []*httptest.Server{server, elsewhere} {
			server.CloseClientConnections()
			server.Close()
		}
	}}
	t.Cleanup(w.Close)
	return w
}
