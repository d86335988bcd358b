package faults

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// Workspace is a simulated workspace on loopback, with an injector in front of it.
type Workspace struct {
	*sim.Workspace
	*Injector

	// URL is the base URL of the SCIM API. The token is [leaks.Token].
	URL string

	closing sync.Once
	servers []*httptest.Server
}

// Serve serves a workspace until the test ends, which fails when a request has
// followed a redirect to another host.
func Serve(t testing.TB, cfg sim.Config) *Workspace {
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
	w := &Workspace{Workspace: workspace, Injector: injector, URL: server.URL + sim.BasePath, servers: []*httptest.Server{server, elsewhere}}
	t.Cleanup(w.Close)
	return w
}

// Close ends the servers before the test ends.
func (w *Workspace) Close() {
	w.closing.Do(func() {
		w.Injector.Close()
		for _, server := range w.servers {
			server.CloseClientConnections()
			server.Close()
		}
	})
}
