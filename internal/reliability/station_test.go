package reliability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/uhttp"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// token is the secret of every workspace here. No eight characters of it occur
// in anything that the connector or the SDK writes by itself.
const token = "Zq7WkX2vTb9LmR4yHc6NsD3f" //nolint:gosec // of simulated workspaces alone

const (
	// patience is the HTTP timeout wherever no fault makes the client wait. No
	// test reaches it.
	patience = time.Minute
	// impatience is the HTTP timeout where one does.
	impatience = time.Second
)

// station is a connector in this process before a simulated workspace, with an
// injector between the two.
type station struct {
	workspace *sim.Workspace
	injector  *faults.Injector
	server    *httptest.Server
	// ctx is the context of every call; what is logged goes to log.
	ctx context.Context
	log *logged

	connector connectorbuilder.ConnectorBuilderV2
	users     userBuilder
	roles     roleBuilder
	actions   registry
	store     *store
}

// userBuilder and roleBuilder are what the SDK calls of the two builders.
type userBuilder interface {
	connectorbuilder.ResourceSyncerV2
	connectorbuilder.ResourceTargetedSyncerLimited
	connectorbuilder.AccountManagerLimited
	connectorbuilder.ResourceDeleterV2Limited
}

type roleBuilder interface {
	connectorbuilder.ResourceSyncerV2
	connectorbuilder.ResourceProvisionerV2Limited
}

// newStation starts a station. Cells of the matrix run beside each other, off
// the test's own goroutine, so it returns its error and the caller closes it.
func newStation(ctx context.Context, cfg sim.Config, timeout time.Duration, elsewhere string) (*station, error) {
	cfg.Token = token
	workspace, err := sim.New(cfg)
	if err != nil {
		return nil, err
	}
	s := &station{
		workspace: workspace,
		injector:  faults.New(workspace.Handler(), elsewhere),
		log:       &logged{},
		actions:   registry{},
		store:     newStore(),
	}
	s.server = httptest.NewServer(s.injector)
	s.ctx = ctxzap.ToContext(context.WithValue(ctx, uhttp.ContextHTTPTimeoutKey, timeout), s.log.logger())
	if err := s.build(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *station) build() error {
	var err error
	cfg := &config.Whimsical{WhimsicalToken: token, BaseUrl: s.server.URL + sim.BasePath}
	if s.connector, _, err = connector.New(s.ctx, cfg, nil); err != nil {
		return err
	}
	for _, syncer := range s.connector.ResourceSyncers(s.ctx) {
		var ok bool
		switch id := syncer.ResourceType(s.ctx).GetId(); id {
		case "user":
			s.users, ok = syncer.(userBuilder)
		case "role":
			s.roles, ok = syncer.(roleBuilder)
		}
		if !ok {
			return fmt.Errorf("the builder of %q lacks a method", syncer.ResourceType(s.ctx).GetId())
		}
	}
	if s.users == nil || s.roles == nil {
		return errors.New("a builder is missing")
	}
	provider, ok := s.connector.(connectorbuilder.GlobalActionProvider)
	if !ok {
		return errors.New("the connector has no actions")
	}
	return provider.GlobalActions(s.ctx, s.actions)
}

func (s *station) close() {
	s.injector.Close()
	s.server.CloseClientConnections()
	s.server.Close()
}

// registry keeps the handlers of the connector's actions by name.
type registry map[string]actions.ActionHandler

// Register implements actions.ActionRegistry.
func (r registry) Register(_ context.Context, schema *v2.BatonActionSchema, handler actions.ActionHandler) error {
	r[schema.GetName()] = handler
	return nil
}

// RegisterAction implements actions.ActionRegistry.
func (r registry) RegisterAction(ctx context.Context, _ string, schema *v2.BatonActionSchema, handler actions.ActionHandler) error {
	return r.Register(ctx, schema, handler)
}

// logged keeps what is logged, at every level, as JSON lines.
type logged struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *logged) logger() *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(l), zapcore.DebugLevel))
}

// Write implements io.Writer.
func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(p)
}

// String returns everything that was logged.
func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}
