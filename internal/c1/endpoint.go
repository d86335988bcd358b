package c1

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"google.golang.org/grpc"
)

// endpoint is a TLS listener on loopback that serves the token endpoint and gRPC
// services behind a guard, and can go away for a while.
type endpoint struct {
	*guard

	addr string
	// dir is a temporary folder, with the certificate that clients have to trust.
	dir, certificate string
	handler          http.Handler

	mu sync.Mutex
	// server is nil while the endpoint is away.
	server *httptest.Server
}

// newEndpoint starts an endpoint. register adds its services.
func newEndpoint(tokenType string, register func(services *grpc.Server, dir string)) (*endpoint, error) {
	guard, err := newGuard(tokenType)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "c1-*")
	if err != nil {
		return nil, fmt.Errorf("c1: %w", err)
	}
	services := grpc.NewServer(grpc.UnaryInterceptor(guard.call))
	register(services, dir)
	mux := http.NewServeMux()
	mux.Handle("POST /auth/v1/token", guard)
	e := &endpoint{guard: guard, addr: "127.0.0.1:0", dir: dir, certificate: filepath.Join(dir, "certificate.pem")}
	e.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			services.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	if err = e.start(); err == nil {
		block := &pem.Block{Type: "CERTIFICATE", Bytes: e.server.Certificate().Raw}
		err = os.WriteFile(e.certificate, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// start takes a free port, or the one that the endpoint had before.
func (e *endpoint) start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", e.addr)
	if err != nil {
		return fmt.Errorf("c1: listen: %w", err)
	}
	e.addr = listener.Addr().String()
	e.server = httptest.NewUnstartedServer(e.handler)
	_ = e.server.Listener.Close() // of the port that was not asked for
	e.server.Listener = listener
	e.server.EnableHTTP2 = true
	// What goes wrong on a connection is the client's to report.
	e.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	e.server.StartTLS()
	return nil
}

// pause closes the listener and all connections, and returns when every request under way has ended.
func (e *endpoint) pause() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return
	}
	// The listener goes first, so that nobody connects anew; both may be gone already.
	_ = e.server.Config.Close()
	e.server.CloseClientConnections()
	e.server.Close()
	e.server = nil
}

// Close ends the server and removes the uploaded files. It is not to be resumed.
func (e *endpoint) Close() error {
	e.pause()
	if err := os.RemoveAll(e.dir); err != nil {
		return fmt.Errorf("c1: %w", err)
	}
	return nil
}
