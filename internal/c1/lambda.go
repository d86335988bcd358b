package c1

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/connectorclient"
	"github.com/conductorone/baton-sdk/pkg/crypto/providers/jwk"
	lambdagrpc "github.com/conductorone/baton-sdk/pkg/lambda/grpc"
	"github.com/conductorone/baton-sdk/pkg/session"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
)

const (
	// The limits of AWS Lambda for the answer of a synchronous invocation.
	invokeLimit  = 6 << 20
	invokeExpiry = 15 * time.Minute

	functionARN   = "arn:aws:lambda:us-east-1:000000000000:function:stand-in"
	callerIssuer  = "https://conductorone.stand-in"
	callerSubject = "stand-in-tenant"
)

// Lambda is what surrounds a connector that ConductorOne hosts as a lambda function: the runtime API of AWS
// Lambda, version 2018-06-01, that feeds the function its calls, and the side of ConductorOne that hands out the
// configuration (c1.connectorapi.baton.v1.ConnectorConfigService), keeps the session store and makes the calls.
// Every process that asks for invocations is an execution environment of the function, and takes them one after
// the other. All methods are safe for concurrent use.
type Lambda struct {
	v1.UnimplementedConnectorConfigServiceServer
	*endpoint

	settings    []byte // as JSON
	sessions    *batontest.Store
	api         *httptest.Server
	invocations chan *invocation

	watched
	// The rest is guarded by watched. idle is the number of execution environments that wait for an invocation.
	idle    int
	running map[string]*invocation
}

// NewLambda starts the surroundings of a function whose configuration is settings, by field name. They end with
// the test; a function that waits for a call ends itself then.
func NewLambda(t *testing.T, settings map[string]any) *Lambda {
	t.Helper()
	encoded, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	l := &Lambda{
		settings: encoded, sessions: &batontest.Store{}, invocations: make(chan *invocation), running: map[string]*invocation{},
	}
	store := session.NewGRPCSessionServer()
	store.SetSessionStore(t.Context(), l.sessions)
	l.endpoint = newEndpoint(t, "DPoP", func(services *grpc.Server) {
		v1.RegisterConnectorConfigServiceServer(services, l)
		v1.RegisterBatonSessionServiceServer(services, store)
	})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", l.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/{outcome}", l.finish)
	l.api = httptest.NewServer(mux)
	t.Cleanup(func() {
		_ = l.api.Config.Close() // a request that waits for a call would hold Close up
		l.api.Close()
	})
	return l
}

// Environment returns the environment variables, as name=value, with which the connector's subcommand lambda
// runs as this function. Several processes may run as the same function; they share the calls.
func (l *Lambda) Environment() []string {
	return []string{
		"BATON_LAMBDA_CLIENT_ID=" + l.id,
		"BATON_LAMBDA_CLIENT_SECRET=" + l.secret,
		"BATON_LAMBDA_TOKEN_HOST=" + l.addr,
		"BATON_LAMBDA_CONFIGURATION_HOST=" + l.addr,
		"BATON_LAMBDA_CA_CERT_PATH=" + l.certificate,
		"BATON_LAMBDA_AUTH_JWT_SIGNER=" + string(webKey(l.key.Public())),
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_ISSUER=" + callerIssuer,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_SUBJECT=" + callerSubject,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE=" + functionARN,
		"AWS_LAMBDA_RUNTIME_API=" + l.api.Listener.Addr().String(),
		"AWS_REGION=us-east-1",
		// Made up: no request that they sign is ever sent.
		"AWS_ACCESS_KEY_ID=STANDIN",
		"AWS_SECRET_ACCESS_KEY=STANDIN",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Connector returns a client whose calls invoke the function, signed by ConductorOne. A call waits for an
// execution environment, which is a process with [Lambda.Environment], to be free: give it a context that ends.
func (l *Lambda) Connector(ctx context.Context) types.ConnectorClient {
	return connectorclient.NewConnectorClient(ctx, signedConn{lambdagrpc.NewClientConn(l), l.key})
}

// WaitIdle returns once n execution environments of the function wait for a call. It fails when ctx ends first.
func (l *Lambda) WaitIdle(ctx context.Context, n int) error {
	if err := l.await(ctx, func() bool { return l.idle >= n }); err != nil {
		return fmt.Errorf("not %d execution environments are idle: %w", n, err)
	}
	return nil
}

// SessionValues returns how many values the session store holds, and how many the function has ever stored in it.
// No call may be under way.
func (l *Lambda) SessionValues() (int, int) { return len(l.sessions.Values), l.sessions.Written }

// signedConn signs the calls of the function as ConductorOne does.
type signedConn struct {
	grpc.ClientConnInterface

	key ed25519.PrivateKey
}

// Invoke calls a method of the function. Streams are not part of the transport.
func (c signedConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: c.key}, nil)
	if err != nil {
		return err
	}
	now := time.Now()
	token, err := jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: callerIssuer, Subject: callerSubject, Audience: jwt.Audience{functionARN},
		IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute)),
	}).Serialize()
	if err != nil {
		return err
	}
	return c.ClientConnInterface.Invoke(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), method, args, reply, opts...)
}

// GetConnectorConfig returns the settings as JSON, encrypted to the key with which
// the caller has signed the proof of this call (RFC 9449, section 4).
func (l *Lambda) GetConnectorConfig(ctx context.Context, _ *v1.GetConnectorConfigRequest) (*v1.GetConnectorConfigResponse, error) {
	proof, err := jose.ParseSignedCompact(header(ctx, "dpop"), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "proof: %v", err)
	}
	key, ok := proof.Signatures[0].Header.JSONWebKey.Key.(ed25519.PublicKey)
	if !ok {
		return nil, status.Error(codes.Unauthenticated, "proof: it has no Ed25519 key")
	}
	sealed, err := jwk.EncryptED25519(key, l.settings)
	return v1.GetConnectorConfigResponse_builder{Config: sealed}.Build(), err
}

// invocation is one call of the function.
type invocation struct {
	payload []byte
	// done receives the outcome, once.
	done chan outcome
}

type outcome struct {
	payload []byte
	err     error
}

// RoundTrip makes l the SDK's lambda transport: it calls the function with a request and returns its response.
// It fails when ctx ends first, when the function reports an error, and when its answer is too long.
func (l *Lambda) RoundTrip(ctx context.Context, req *lambdagrpc.Request) (*lambdagrpc.Response, error) {
	payload, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	call := &invocation{payload: payload, done: make(chan outcome, 1)}
	select {
	case l.invocations <- call:
	case <-ctx.Done():
		return nil, fmt.Errorf("the function does not take the call: %w", context.Cause(ctx))
	}
	select {
	case result := <-call.done:
		if result.err != nil {
			return nil, result.err
		}
		response := &lambdagrpc.Response{}
		return response, json.Unmarshal(result.payload, response)
	case <-ctx.Done():
		return nil, fmt.Errorf("the function does not answer: %w", context.Cause(ctx))
	}
}

// next hands the function its next invocation, and waits for one.
func (l *Lambda) next(w http.ResponseWriter, req *http.Request) {
	l.update(func() { l.idle++ })
	defer l.update(func() { l.idle-- })
	select {
	case call := <-l.invocations:
		id := rand.Text()
		l.update(func() { l.running[id] = call })
		header := w.Header()
		header.Set("Lambda-Runtime-Aws-Request-Id", id)
		header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(invokeExpiry).UnixMilli(), 10))
		header.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
		header.Set("Content-Type", "application/json")
		if _, err := w.Write(call.payload); err != nil {
			call.done <- outcome{err: fmt.Errorf("the function is gone: %w", err)}
		}
	case <-req.Context().Done():
	}
}

// finish ends an invocation with what the function says of it: a response or an error.
func (l *Lambda) finish(w http.ResponseWriter, req *http.Request) {
	var call *invocation
	l.update(func() {
		call = l.running[req.PathValue("id")]
		delete(l.running, req.PathValue("id"))
	})
	if call == nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"errorType": "InvalidRequestID"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, invokeLimit))
	switch {
	case err != nil: // it is over the limit, or breaks off
		call.done <- outcome{err: fmt.Errorf("the answer of the function: %w", err)}
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]any{"errorType": "RequestEntityTooLarge"})
		return
	case req.PathValue("outcome") == "error":
		call.done <- outcome{err: fmt.Errorf("the function failed: %s", body)}
	default:
		call.done <- outcome{payload: body}
	}
	writeJSON(w, http.StatusAccepted, map[string]any{"status": "OK"})
}
