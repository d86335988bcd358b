package c1

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// guard stands before the services: it issues the token that every call has to
// carry, holds messages to the rules of their protocol buffers, and notes what it
// has refused and what has failed.
type guard struct {
	id, secret string
	// tokenType is "Bearer", or "DPoP" for a token that is bound to a key.
	tokenType string

	mu        sync.Mutex
	token     string
	rejecting bool
	refused   []string
}

// newGuard makes a guard with a client credential, whose secret holds a private key.
func newGuard(tokenType string) (*guard, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	key, err := (&jose.JSONWebKey{Key: private, Algorithm: string(jose.EdDSA), Use: "sig"}).MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	return &guard{
		id:        "stand-in@127.0.0.1/connector",
		secret:    "secret-token:conductorone.com:v1:" + base64.RawURLEncoding.EncodeToString(key),
		tokenType: tokenType,
		token:     rand.Text(),
	}, nil
}

// reject makes the guard refuse the credential and its token, or accept it again
// with a new token.
func (g *guard) reject(rejecting bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rejecting, g.token = rejecting, rand.Text()
}

// refusals returns what was noted, in order.
func (g *guard) refusals() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.refused)
}

func (g *guard) note(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = append(g.refused, line)
}

func (g *guard) current() (token string, rejecting bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.token, g.rejecting
}

// ServeHTTP is the token endpoint (RFC 6749, section 4.4).
func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, rejecting := g.current()
	answer, code := map[string]any{"access_token": token, "token_type": g.tokenType, "expires_in": 3600}, http.StatusOK
	if rejecting || r.PostFormValue("client_id") != g.id {
		g.note("token endpoint: the credential is refused")
		answer, code = map[string]any{"error": "invalid_client"}, http.StatusUnauthorized
	}
	writeJSON(w, code, answer)
}

// server returns a gRPC server whose calls pass the guard.
func (g *guard) server() *grpc.Server {
	return grpc.NewServer(grpc.UnaryInterceptor(g.unary), grpc.StreamInterceptor(g.stream))
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (answer any, err error) {
	defer func() { g.noteFailure(ctx, info.FullMethod, err) }()
	if err := g.authenticate(ctx); err != nil {
		return nil, err
	}
	if err := validate(req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

func (g *guard) stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	defer func() { g.noteFailure(stream.Context(), info.FullMethod, err) }()
	if err := g.authenticate(stream.Context()); err != nil {
		return err
	}
	return handler(srv, validatedStream{stream})
}

// noteFailure keeps a call that failed, unless the client or the listener was gone.
func (g *guard) noteFailure(ctx context.Context, method string, err error) {
	if err != nil && ctx.Err() == nil {
		g.note(method + ": " + err.Error())
	}
}

func (g *guard) authenticate(ctx context.Context) error {
	token, rejecting := g.current()
	if scheme, got, _ := strings.Cut(header(ctx, "authorization"), " "); rejecting || !strings.EqualFold(scheme, g.tokenType) || got != token {
		return status.Error(codes.Unauthenticated, "the access token is not valid")
	}
	return nil
}

// header returns a header of a call.
func header(ctx context.Context, name string) string {
	return strings.Join(metadata.ValueFromIncomingContext(ctx, name), ", ")
}

// validatedStream checks the messages that it receives.
type validatedStream struct {
	grpc.ServerStream
}

// RecvMsg receives a message and fails with InvalidArgument when it breaks its rules.
func (s validatedStream) RecvMsg(message any) error {
	if err := s.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	return validate(message)
}

// validate checks a message against the rules in its protocol buffers.
func validate(message any) error {
	if checked, ok := message.(interface{ Validate() error }); ok {
		if err := checked.Validate(); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
	}
	return nil
}

// writeJSON answers with a JSON body. A client that is gone does not need one.
func writeJSON(w http.ResponseWriter, code int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
