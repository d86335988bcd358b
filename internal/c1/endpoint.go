package c1

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"

	"google.golang.org/grpc"
)

// endpoint is a TLS listener on loopback that serves HTTP and gRPC alike, and can
// go away for a while.
type endpoint struct {
	addr    string
	handler http.Handler

	mu sync.Mutex
	// server is nil while the endpoint is away.
	server *httptest.Server
}

// start takes a free port, or the one that the endpoint had before.
func (e *endpoint) start() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		return nil
	}
	addr := e.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	e.server = httptest.NewUnstartedServer(e.handler)
	_ = e.server.Listener.Close() // of the port that was not asked for
	e.server.Listener = listener
	e.server.EnableHTTP2 = true
	// What goes wrong on a connection is the client's to report.
	e.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	e.addr = listener.Addr().String()
	e.server.StartTLS()
	return nil
}

// pause closes the listener and all connections, and returns when every request
// under way has ended.
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

// writeCertificate writes the certificate that clients have to trust.
func (e *endpoint) writeCertificate(path string) error {
	block := &pem.Block{Type: "CERTIFICATE", Bytes: e.server.Certificate().Raw}
	return os.WriteFile(path, pem.EncodeToMemory(block), 0o600)
}

// route sends gRPC requests to the gRPC server and those for tokens to the other.
func route(grpcServer *grpc.Server, tokens http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /auth/v1/token", tokens)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			grpcServer.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
