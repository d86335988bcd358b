package c1

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
)

// endpoint is a TLS listener on loopback that serves the token endpoint and gRPC services behind a guard, and
// can go away for a while.
type endpoint struct {
	*guard

	t    *testing.T
	addr string
	// certificate is the file of the one that clients have to trust.
	certificate string
	handler     http.Handler
	// server is nil while the endpoint is away.
	server *httptest.Server
}

// newEndpoint starts an endpoint that ends with the test. register adds its services.
func newEndpoint(t *testing.T, tokenType string, register func(services *grpc.Server)) *endpoint {
	t.Helper()
	e := &endpoint{guard: newGuard(t, tokenType), t: t, addr: "127.0.0.1:0", certificate: filepath.Join(t.TempDir(), "certificate.pem")}
	services := grpc.NewServer(grpc.UnaryInterceptor(e.call))
	register(services)
	mux := http.NewServeMux()
	mux.Handle("POST /auth/v1/token", e.guard)
	e.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			services.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	e.start()
	t.Cleanup(e.pause)
	block := &pem.Block{Type: "CERTIFICATE", Bytes: e.server.Certificate().Raw}
	if err := os.WriteFile(e.certificate, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return e
}

// start takes a free port, or the one that the endpoint had before.
func (e *endpoint) start() {
	e.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(e.t.Context(), "tcp4", e.addr)
	if err != nil {
		e.t.Fatal(err)
	}
	e.addr = listener.Addr().String()
	e.server = httptest.NewUnstartedServer(e.handler)
	_ = e.server.Listener.Close() // of the port that was not asked for
	e.server.Listener = listener
	e.server.EnableHTTP2 = true
	// What goes wrong on a connection is the client's to report.
	e.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	e.server.StartTLS()
}

// pause closes the listener and all connections, and returns when every request under way has ended.
func (e *endpoint) pause() {
	if e.server == nil {
		return
	}
	// The listener goes first, so that nobody connects anew; both may be gone already.
	_ = e.server.Config.Close()
	e.server.CloseClientConnections()
	e.server.Close()
	e.server = nil
}
