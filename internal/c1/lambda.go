package c1

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/connectorclient"
	"github.com/conductorone/baton-sdk/pkg/types"
)

// Lambda is what surrounds a connector that ConductorOne hosts as a lambda function:
// the runtime API that feeds the function its calls, and the side of ConductorOne
// that hands out the configuration, keeps the session store and makes the calls. All
// methods are safe for concurrent use.
type Lambda struct {
	endpoint   *endpoint
	runtime    *lambdaRuntime
	api        *http.Server
	apiAddr    string
	credential *credential
	caller     *caller
	config     *configService
	sessions   *sessionService
	notes      *refusals
	dir        string
	env        []string
}

// NewLambda starts the surroundings of a function whose configuration is settings,
// by field name. It fails when it cannot listen on loopback or write a temporary
// folder. The caller closes it.
func NewLambda(settings map[string]any) (*Lambda, error) {
	l := &Lambda{
		runtime:  newLambdaRuntime(),
		config:   &configService{settings: settings},
		sessions: newSessionService(),
		notes:    &refusals{},
	}
	if err := l.start(); err != nil {
		return nil, fmt.Errorf("c1: %w", errors.Join(err, l.Close()))
	}
	return l, nil
}

func (l *Lambda) start() error {
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	if l.caller, err = newCaller(); err != nil {
		return err
	}
	if l.dir, err = os.MkdirTemp("", "c1-*"); err != nil {
		return err
	}
	authorityFile := filepath.Join(l.dir, "authority.pem")
	if err := os.WriteFile(authorityFile, authority.pem, 0o600); err != nil {
		return err
	}
	if err := l.startRuntime(); err != nil {
		return err
	}
	if err := l.startEndpoint(authority); err != nil {
		return err
	}
	l.env, err = l.caller.environment()
	l.env = append(l.env,
		"BATON_LAMBDA_CLIENT_ID="+l.credential.id,
		"BATON_LAMBDA_CLIENT_SECRET="+l.credential.secret,
		"BATON_LAMBDA_TOKEN_HOST="+l.endpoint.addr,
		"BATON_LAMBDA_CONFIGURATION_HOST="+l.endpoint.addr,
		"BATON_LAMBDA_CA_CERT_PATH="+authorityFile,
		"AWS_LAMBDA_RUNTIME_API="+l.apiAddr,
		"AWS_REGION="+cloudRegion,
		"AWS_ACCESS_KEY_ID="+cloudAccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+rand.Text(),
		"AWS_EC2_METADATA_DISABLED=true",
	)
	return err
}

// startRuntime serves the runtime API, in the clear as the function expects it.
func (l *Lambda) startRuntime() error {
	listener, err := listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	l.apiAddr = listener.Addr().String()
	l.api = &http.Server{Handler: l.runtime.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		// It returns when the server is closed, which is the only way out.
		_ = l.api.Serve(listener)
	}()
	return nil
}

// startEndpoint serves the token endpoint, the configuration and the session store.
func (l *Lambda) startEndpoint(authority *authority) error {
	endpoint, listener, err := newEndpoint(authority.server)
	if err != nil {
		return err
	}
	if l.credential, err = newCredential(endpoint.addr); err != nil {
		return errors.Join(err, listener.Close())
	}
	issued := newTokens()
	proofs := newProofs(endpoint.addr, issued)
	guarded := (&guard{notes: l.notes, authenticate: proofs.call}).server()
	v1.RegisterConnectorConfigServiceServer(guarded, l.config)
	v1.RegisterBatonSessionServiceServer(guarded, l.sessions)
	mux := http.NewServeMux()
	mux.Handle(oauthPath, &tokenEndpoint{
		credential: l.credential,
		tokens:     issued,
		notes:      l.notes,
		check: func(r *http.Request, claims *assertionClaims) (string, error) {
			if err := checkIdentity(claims.Identity); err != nil {
				return "", err
			}
			return proofs.tokenRequest(r)
		},
	})
	endpoint.start(listener, route(guarded, mux))
	l.endpoint = endpoint
	return nil
}

// Close ends both servers. A function that waits for a call ends itself then.
func (l *Lambda) Close() error {
	var errs []error
	if l.api != nil {
		errs = append(errs, l.api.Close())
	}
	if l.endpoint != nil {
		l.endpoint.pause()
	}
	if l.dir != "" {
		errs = append(errs, os.RemoveAll(l.dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("c1: %w", err)
	}
	return nil
}

// Environment returns the environment variables, as name=value, with which the
// connector's subcommand lambda runs as this function. Several processes may run as
// the same function; they share the calls.
func (l *Lambda) Environment() []string {
	return append([]string(nil), l.env...)
}

// Secret returns the client secret, which a connector must not tell anybody.
func (l *Lambda) Secret() string {
	return l.credential.secret
}

// Connector returns a client whose calls invoke the function, signed by ConductorOne.
// A call waits for an execution environment, which is a process with
// [Lambda.Environment], to be free: give it a context that ends.
func (l *Lambda) Connector(ctx context.Context) types.ConnectorClient {
	return connectorclient.NewConnectorClient(ctx, newFunctionConn(l.runtime, l.caller))
}

// Stranger is [Lambda.Connector] without a signature: the function has to refuse its
// calls.
func (l *Lambda) Stranger(ctx context.Context) types.ConnectorClient {
	return connectorclient.NewConnectorClient(ctx, newFunctionConn(l.runtime, nil))
}

// WaitIdle returns once n execution environments of the function wait for a call. It
// fails when ctx ends first.
func (l *Lambda) WaitIdle(ctx context.Context, n int) error {
	if err := l.runtime.waitIdle(ctx, n); err != nil {
		return fmt.Errorf("c1: not %d execution environments are idle: %w", n, err)
	}
	return nil
}

// Configurations returns how often the function has fetched its configuration.
func (l *Lambda) Configurations() int {
	l.config.mu.Lock()
	defer l.config.mu.Unlock()
	return l.config.calls
}

// SessionValues returns how many values the session store holds, and how many the
// function has ever stored in it.
func (l *Lambda) SessionValues() (int, int) {
	return l.sessions.counts()
}

// Refusals returns one line for each request to ConductorOne's side that was
// answered with an error, in order. A connector that keeps to the protocol causes
// none.
func (l *Lambda) Refusals() []string {
	return l.notes.list()
}
