package c1

import (
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// tokenLifetime is long enough for a run: renewing tokens is the SDK's business.
const tokenLifetime = time.Hour

// tokens are the access tokens that were issued.
type tokens struct {
	mu sync.Mutex
	// issued maps a token to what it stands for.
	issued    map[string]issuedToken
	rejecting bool
}

type issuedToken struct {
	expires time.Time
	// proofKey is the thumbprint of the key that the token is bound to (RFC 9449,
	// section 6), empty for a bearer token.
	proofKey string
}

func newTokens() *tokens {
	return &tokens{issued: make(map[string]issuedToken)}
}

// issue returns a new token, or an error while credentials are rejected. proofKey
// is the thumbprint of the key to bind it to, or empty.
func (t *tokens) issue(proofKey string, now time.Time) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rejecting {
		return "", errors.New("the credential is rejected")
	}
	token := rand.Text()
	t.issued[token] = issuedToken{expires: now.Add(tokenLifetime), proofKey: proofKey}
	return token, nil
}

// lookup returns what a token stands for, and false when it was never issued, was
// revoked or is expired.
func (t *tokens) lookup(token string, now time.Time) (issuedToken, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	found, ok := t.issued[token]
	return found, ok && now.Before(found.expires)
}

// reject makes issue fail, or work again. It revokes all tokens when it makes it
// fail.
func (t *tokens) reject(rejecting bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rejecting = rejecting
	if rejecting {
		clear(t.issued)
	}
}
