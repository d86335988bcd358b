package faults

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Rule says which requests a fault strikes.
type Rule struct {
	// Fault strikes.
	Fault Fault
	// Operations are struck; empty means all of them.
	Operations []Operation
	// After is the number of such requests that pass first.
	After int
	// Times is how many of the following are struck; 0 means all of them.
	Times int
}

// Injector lets faults strike the requests to a healthy server. It is safe for
// concurrent use.
type Injector struct {
	healthy   http.Handler
	elsewhere string
	closed    chan struct{}
	closing   sync.Once

	mu    sync.Mutex
	rules []*counted
	// strikes counts the requests that a fault hit; struck is closed by the first.
	strikes  int
	struck   chan struct{}
	requests []string
}

// counted is a rule and the number of requests that it was asked about.
type counted struct {
	Rule
	seen int
}

// New returns an injector without rules. elsewhere is the base URL of another
// host, to which the redirects to another host lead.
func New(healthy http.Handler, elsewhere string) *Injector {
	return &Injector{healthy: healthy, elsewhere: elsewhere, closed: make(chan struct{}), struck: make(chan struct{})}
}

// Set replaces the rules; the first that applies to a request strikes it. The
// counts begin anew.
func (i *Injector) Set(rules ...Rule) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.strikes, i.struck = 0, make(chan struct{})
	i.rules = nil
	for _, rule := range rules {
		i.rules = append(i.rules, &counted{Rule: rule})
	}
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

// Struck returns a channel that is closed when the first request since the last
// Set is hit.
func (i *Injector) Struck() <-chan struct{} {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.struck
}

// Close ends the requests that a fault holds back. A server waits for them when
// it closes.
func (i *Injector) Close() {
	i.closing.Do(func() { close(i.closed) })
}

// ServeHTTP answers a request by the fault that strikes it, or else by the
// healthy server.
func (i *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fault, struck := i.judge(r)
	if !struck {
		i.healthy.ServeHTTP(w, r)
		return
	}
	fault.strike(&strike{w: w, r: r, healthy: i.healthy, elsewhere: i.elsewhere, closed: i.closed})
}

// judge notes a request and finds the fault that strikes it.
func (i *Injector) judge(r *http.Request) (Fault, bool) {
	operation := OperationOf(r)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.requests = append(i.requests, r.Method+" "+r.URL.Path)
	for _, rule := range i.rules {
		if len(rule.Operations) > 0 && !slices.Contains(rule.Operations, operation) {
			continue
		}
		rule.seen++
		if rule.seen <= rule.After || rule.Times > 0 && rule.seen > rule.After+rule.Times {
			continue
		}
		if i.strikes++; i.strikes == 1 {
			close(i.struck)
		}
		return rule.Fault, true
	}
	return Fault{}, false
}
