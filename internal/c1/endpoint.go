package c1

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// endpoint is a TLS listener on loopback that serves the token endpoint and gRPC services, and can go away for a
// while. It issues the token that every call has to carry, holds messages to the rules of their protocol buffers,
// and notes what it has refused and what has failed.
type endpoint struct {
	t           *testing.T
	addr        string
	certificate string // the file of the certificate that clients have to trust
	handler     *http.ServeMux
	server      *httptest.Server // nil while the endpoint is away

	id, secret       string
	key              ed25519.PrivateKey // in the secret; ConductorOne signs with it as well
	tokenType, token string             // the type is "Bearer", or "DPoP" for a token that is bound to a key
	rejects          atomic.Bool        // set to refuse the credential and the token

	mu      sync.Mutex
	refused []string
}

// newEndpoint starts an endpoint that ends with the test. register adds its services.
func newEndpoint(t *testing.T, tokenType string, register func(services *grpc.Server)) *endpoint {
	t.Helper()
	_, private, _ := ed25519.GenerateKey(nil) // from crypto/rand, which never fails
	e := &endpoint{
		t: t, addr: "127.0.0.1:0", certificate: filepath.Join(t.TempDir(), "certificate.pem"), handler: http.NewServeMux(),
		id: "stand-in@127.0.0.1/connector", key: private, tokenType: tokenType, token: rand.Text(),
		secret: "secret-token:conductorone.com:v1:" + base64.RawURLEncoding.EncodeToString(webKey(private)),
	}
	services := grpc.NewServer(grpc.UnaryInterceptor(e.call))
	register(services)
	e.handler.HandleFunc("POST /auth/v1/token", e.issue)
	e.handler.Handle("/", services)
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

// webKey returns a key as a JSON Web Key (RFC 7517).
func webKey(key any) []byte {
	encoded, _ := jose.JSONWebKey{Key: key, Algorithm: string(jose.EdDSA), Use: "sig"}.MarshalJSON() // an Ed25519 key always encodes
	return encoded
}

// RejectCredentials makes the stand-in refuse the connector's credential and its access token.
func (e *endpoint) RejectCredentials() { e.rejects.Store(true) }

// Refusals returns one line for each token request and each call, uploads excepted, that was answered with an
// error, in order. A connector that keeps to the protocol causes none.
func (e *endpoint) Refusals() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.refused)
}

func (e *endpoint) note(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused = append(e.refused, line)
}

// issue is the token endpoint (RFC 6749, section 4.4).
func (e *endpoint) issue(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	answer, code := map[string]any{"access_token": e.token, "token_type": e.tokenType, "expires_in": 3600}, http.StatusOK
	if e.rejects.Load() || r.PostFormValue("client_id") != e.id {
		e.note("token endpoint: the credential is refused")
		answer, code = map[string]any{"error": "invalid_client"}, http.StatusUnauthorized
	}
	writeJSON(w, code, answer)
}

// call checks a call, and notes what has failed. An upload, the only stream, is checked
// by the task that it names.
func (e *endpoint) call(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	var answer any
	var err error
	checked, hasRules := req.(interface{ Validate() error })
	switch scheme, got, _ := strings.Cut(header(ctx, "authorization"), " "); {
	case e.rejects.Load() || !strings.EqualFold(scheme, e.tokenType) || got != e.token:
		err = status.Error(codes.Unauthenticated, "the access token is not valid")
	case hasRules && checked.Validate() != nil:
		err = status.Error(codes.InvalidArgument, checked.Validate().Error())
	default:
		answer, err = handler(ctx, req)
	}
	// A call whose client or listener is gone has not failed.
	if err != nil && ctx.Err() == nil {
		e.note(info.FullMethod + ": " + err.Error())
	}
	return answer, err
}

// header returns a header of a call.
func header(ctx context.Context, name string) string {
	return strings.Join(metadata.ValueFromIncomingContext(ctx, name), ", ")
}

// writeJSON answers with a JSON body. A client that is gone does not need one.
func writeJSON(w http.ResponseWriter, code int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
