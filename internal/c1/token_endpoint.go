package c1

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	oauthPath     = "/auth/v1/token"
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// maxTokenRequest is far above a request with an assertion, whose identity
	// claim holds a signed request.
	maxTokenRequest = 64 << 10
)

// tokenEndpoint issues access tokens against client assertions (RFC 6749, section
// 4.4, and RFC 7523).
type tokenEndpoint struct {
	credential *credential
	tokens     *tokens
	notes      *refusals
	// check is asked about every request that is otherwise in order, and returns
	// the key to bind its token to, or "". It is nil where tokens are not bound.
	check func(r *http.Request, claims *assertionClaims) (string, error)
}

// ServeHTTP answers one token request: 200 with a token, 401 where the credential
// is not accepted, 400 where the request is none.
func (e *tokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, err := e.grant(w, r)
	if err != nil {
		e.notes.add("token endpoint: " + err.Error())
		code, name := http.StatusUnauthorized, "invalid_client"
		if errors.Is(err, errTokenRequest) {
			code, name = http.StatusBadRequest, "invalid_request"
		}
		writeJSON(w, code, map[string]any{"error": name, "error_description": err.Error()})
		return
	}
	writeJSON(w, http.StatusOK, token)
}

// errTokenRequest marks what is wrong with a request before its credential counts.
var errTokenRequest = errors.New("not a token request")

func (e *tokenEndpoint) grant(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	if r.Method != http.MethodPost {
		return nil, fmt.Errorf("%w: method %s", errTokenRequest, r.Method)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxTokenRequest)
	if err := r.ParseForm(); err != nil {
		return nil, fmt.Errorf("%w: %w", errTokenRequest, err)
	}
	form := r.PostForm
	for name, want := range map[string]string{
		"grant_type":            "client_credentials",
		"client_assertion_type": assertionType,
	} {
		if got := form.Get(name); got != want {
			return nil, fmt.Errorf("%w: %s is %q", errTokenRequest, name, got)
		}
	}
	if got := form.Get("client_id"); got != e.credential.id {
		return nil, fmt.Errorf("unknown client %q", got)
	}
	now := time.Now()
	claims, err := e.credential.verify(form.Get("client_assertion"), now)
	if err != nil {
		return nil, err
	}
	proofKey, tokenType := "", "Bearer"
	if e.check != nil {
		if proofKey, err = e.check(r, claims); err != nil {
			return nil, err
		}
		tokenType = proofScheme
	}
	token, err := e.tokens.issue(proofKey, now)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"access_token": token,
		"token_type":   tokenType,
		"expires_in":   int(tokenLifetime / time.Second),
	}, nil
}

// writeJSON answers with a JSON body. A client that is gone does not need one.
func writeJSON(w http.ResponseWriter, code int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}
