package c1

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	lambdagrpc "github.com/conductorone/baton-sdk/pkg/lambda/grpc"
)

const (
	callerIssuer   = "https://conductorone.stand-in"
	callerSubject  = "stand-in-tenant"
	callerLifetime = 5 * time.Minute
)

// caller is ConductorOne as the function sees it: it signs the token of each call.
type caller struct {
	public jose.JSONWebKey
	signer jose.Signer
}

func newCaller() (*caller, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("caller key: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, nil)
	if err != nil {
		return nil, fmt.Errorf("caller key: %w", err)
	}
	return &caller{
		public: jose.JSONWebKey{Key: public, Algorithm: string(jose.EdDSA), Use: "sig"},
		signer: signer,
	}, nil
}

// environment returns the variables that make the function accept the caller.
func (c *caller) environment() ([]string, error) {
	key, err := c.public.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("caller key: %w", err)
	}
	return []string{
		"BATON_LAMBDA_AUTH_JWT_SIGNER=" + string(key),
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_ISSUER=" + callerIssuer,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_SUBJECT=" + callerSubject,
		"BATON_LAMBDA_AUTH_JWT_EXPECTED_AUDIENCE=" + functionARN,
	}, nil
}

// token returns a token for one call.
func (c *caller) token(now time.Time) (string, error) {
	token, err := jwt.Signed(c.signer).Claims(jwt.Claims{
		Issuer:    callerIssuer,
		Subject:   callerSubject,
		Audience:  jwt.Audience{functionARN},
		IssuedAt:  jwt.NewNumericDate(now),
		NotBefore: jwt.NewNumericDate(now),
		Expiry:    jwt.NewNumericDate(now.Add(callerLifetime)),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("caller token: %w", err)
	}
	return token, nil
}

// functionConn carries gRPC calls to the function. A caller signs them, unless it is
// nil.
type functionConn struct {
	grpc.ClientConnInterface

	caller *caller
}

// newFunctionConn returns a connection through the runtime.
func newFunctionConn(runtime *lambdaRuntime, caller *caller) *functionConn {
	return &functionConn{ClientConnInterface: lambdagrpc.NewClientConn(transport{runtime}), caller: caller}
}

// Invoke calls a method of the function. Streams are not part of the transport.
func (c *functionConn) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	if c.caller != nil {
		token, err := c.caller.token(time.Now())
		if err != nil {
			return err
		}
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return c.ClientConnInterface.Invoke(ctx, method, args, reply, opts...)
}

// transport is the SDK's lambda transport on top of the runtime.
type transport struct {
	runtime *lambdaRuntime
}

// RoundTrip calls the function with a request and returns its response.
func (t transport) RoundTrip(ctx context.Context, req *lambdagrpc.Request) (*lambdagrpc.Response, error) {
	payload, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("c1: request: %w", err)
	}
	answer, err := t.runtime.invoke(ctx, payload)
	if err != nil {
		return nil, fmt.Errorf("c1: %w", err)
	}
	if len(answer) == 0 {
		return nil, errors.New("c1: the function's answer is empty")
	}
	response := &lambdagrpc.Response{}
	if err := json.Unmarshal(answer, response); err != nil {
		return nil, fmt.Errorf("c1: response: %w", err)
	}
	return response, nil
}
