//go:build unix

package reliability

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/uhttp"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// builders are those of a connector in this process, before a workspace of its own.
type builders struct {
	*faults.Workspace

	// ctx is the context of every call; what is logged goes to log.
	ctx context.Context
	log *launch.Output

	connector connectorbuilder.ConnectorBuilderV2
	users     userBuilder
	roles     roleBuilder
	actions   batontest.ActionHandlers
	store     *batontest.Store
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

// newBuilders returns its error: trials run side by side, off the test's own goroutine.
func newBuilders(ctx context.Context, t *testing.T, timeout time.Duration) (*builders, error) {
	s := &builders{
		Workspace: faults.Serve(t, sim.Config{Users: people, PageSize: 5}),
		log:       &launch.Output{},
		actions:   batontest.ActionHandlers{},
		store:     &batontest.Store{},
	}
	ctx = ctxzap.ToContext(context.WithValue(ctx, uhttp.ContextHTTPTimeoutKey, timeout), logger(s.log))
	s.ctx = ctx
	var err error
	if s.connector, _, err = connector.New(ctx, &config.Whimsical{WhimsicalToken: leaks.Token, BaseUrl: s.URL}, nil); err != nil {
		return nil, err
	}
	for _, syncer := range s.connector.ResourceSyncers(ctx) {
		var ok bool
		switch id := syncer.ResourceType(ctx).GetId(); id {
		case "user":
			s.users, ok = syncer.(userBuilder)
		case "role":
			s.roles, ok = syncer.(roleBuilder)
		}
		if !ok {
			return nil, fmt.Errorf("the builder of %q lacks a method", syncer.ResourceType(ctx).GetId())
		}
	}
	if s.users == nil || s.roles == nil {
		return nil, errors.New("a builder is missing")
	}
	provider, ok := s.connector.(connectorbuilder.GlobalActionProvider)
	if !ok {
		return nil, errors.New("the connector has no actions")
	}
	return s, provider.GlobalActions(ctx, s.actions)
}

// logger writes what is logged, at every level, as JSON lines.
func logger(w io.Writer) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(w), zapcore.DebugLevel))
}
