package c1

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
)

// endpoint is a TLS listener on loopback that serves HTTP and gRPC alike, and can
// go away for a while.
type endpoint struct {
	addr   string
	config *tls.Config

	mu      sync.Mutex
	handler http.Handler
	server  *http.Server
	// leave ends the requests under way, served is closed when the server is gone.
	leave  context.CancelFunc
	served chan struct{}
}

// newEndpoint takes a free port. Nothing is answered until [endpoint.start].
func newEndpoint(certificate tls.Certificate) (*endpoint, net.Listener, error) {
	listener, err := listen("127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	return &endpoint{
		addr: listener.Addr().String(),
		config: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{certificate},
			NextProtos:   []string{"h2", "http/1.1"},
		},
	}, listener, nil
}

func listen(addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, nil
}

// start serves the listener with handler.
func (e *endpoint) start(listener net.Listener, handler http.Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.handler = handler
	e.serve(listener)
}

// serve runs a server on the listener. The caller holds mu.
func (e *endpoint) serve(listener net.Listener) {
	ctx, leave := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           e.handler,
		TLSConfig:         e.config.Clone(),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		// What goes wrong on a connection is the client's to report.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		// It returns when the server is closed, which is the only way out.
		_ = server.ServeTLS(listener, "", "")
	}()
	e.server, e.leave, e.served = server, leave, served
}

// pause closes the listener and all connections. The context of every request under
// way has ended when it returns. It does nothing when the endpoint is away.
func (e *endpoint) pause() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server == nil {
		return
	}
	// The connections go first: an answer that says that its context has ended would
	// be more than a client learns from a server that vanishes. The listener is gone
	// whatever Close reports.
	_ = e.server.Close()
	e.leave()
	<-e.served
	e.server = nil
}

// resume listens on the same port again. It fails when another process has taken
// the port. It does nothing when the endpoint is not away.
func (e *endpoint) resume() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.server != nil {
		return nil
	}
	listener, err := listen(e.addr)
	if err != nil {
		return err
	}
	e.serve(listener)
	return nil
}

// route sends gRPC requests to the gRPC server and the others to the HTTP handler.
func route(grpcServer *grpc.Server, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			grpcServer.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	})
}
