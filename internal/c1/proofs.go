package c1

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/conductorone/dpop/pkg/dpop"
	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// proofScheme is the authorization scheme of a token that is bound to a key
// (RFC 9449, section 7.1).
const proofScheme = "DPoP"

// proofs checks proofs of possession (RFC 9449) for requests to one host.
type proofs struct {
	host      string
	tokens    *tokens
	validator *dpop.Validator

	mu sync.Mutex
	// seen are the ids of the proofs so far: each counts once.
	seen map[string]struct{}
}

func newProofs(host string, issued *tokens) *proofs {
	p := &proofs{host: host, tokens: issued, seen: make(map[string]struct{})}
	p.validator = dpop.NewValidator(
		dpop.WithJTIStore(p.once),
		dpop.WithAccessTokenBindingValidator(p.bound),
	)
	return p
}

// once fails for an id that it was called with before.
func (p *proofs) once(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.seen[id]; ok {
		return errors.New("the proof was used before")
	}
	p.seen[id] = struct{}{}
	return nil
}

// bound fails unless the token is valid and was bound to the key.
func (p *proofs) bound(_ context.Context, token string, key *jose.JSONWebKey) error {
	issued, ok := p.tokens.lookup(token, time.Now())
	if !ok {
		return errors.New("the access token is not valid")
	}
	got, err := thumbprint(key)
	if err != nil {
		return err
	}
	if issued.proofKey != got {
		return errors.New("the access token is bound to another key")
	}
	return nil
}

// tokenRequest checks the proof of a request to the token endpoint and returns the
// thumbprint of its key.
func (p *proofs) tokenRequest(r *http.Request) (string, error) {
	claims, err := p.validator.ValidateProof(r.Context(), r.Header.Get(dpop.HeaderName), r.Method, p.url(r.URL.Path))
	if err != nil {
		return "", err
	}
	return thumbprint(claims.PublicKey())
}

// call checks the token and the proof of a gRPC call, and keeps the proof's key in
// the context that it returns, see [proofKey].
func (p *proofs) call(ctx context.Context, method string) (context.Context, error) {
	token, err := authorization(ctx, proofScheme)
	if err != nil {
		return nil, err
	}
	proof, err := header(ctx, dpop.HeaderName)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	claims, err := p.validator.ValidateProof(ctx, proof, http.MethodPost, p.url(method), dpop.WithProofExpectedAccessToken(token))
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	return context.WithValue(ctx, proofKeyKey{}, claims.PublicKey()), nil
}

func (p *proofs) url(path string) string {
	return "https://" + p.host + path
}

type proofKeyKey struct{}

// proofKey returns the key that a call has proved to possess. It fails for a key
// that is no Ed25519 key, which are the only ones that the SDK makes.
func proofKey(ctx context.Context) (ed25519.PublicKey, error) {
	key, ok := ctx.Value(proofKeyKey{}).(*jose.JSONWebKey)
	if !ok {
		return nil, errors.New("the call carries no proof")
	}
	public, ok := key.Public().Key.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the proof's key is a %T", key.Key)
	}
	return public, nil
}

func thumbprint(key *jose.JSONWebKey) (string, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
