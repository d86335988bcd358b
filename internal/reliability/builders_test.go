//go:build unix

package reliability

import (
	"context"
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

// newBuilders returns its error: trials run side by side, off the test's own goroutine. A builder that lacks a method
// is nil.
func newBuilders(t *testing.T, timeout time.Duration) (*builders, error) {
	ctx, log := logged(context.WithValue(t.Context(), uhttp.ContextHTTPTimeoutKey, timeout))
	s := &builders{
		Workspace: faults.Serve(t, sim.Config{Users: people, PageSize: 5}),
		ctx:       ctx,
		log:       log,
		actions:   batontest.ActionHandlers{},
		store:     &batontest.Store{},
	}
	var err error
	if s.connector, _, err = connector.New(ctx, &config.Whimsical{WhimsicalToken: leaks.Token, BaseUrl: s.URL}, nil); err != nil {
		return nil, err
	}
	for _, syncer := range s.connector.ResourceSyncers(ctx) {
		if users, ok := syncer.(userBuilder); ok {
			s.users = users
		}
		if roles, ok := syncer.(roleBuilder); ok {
			s.roles = roles
		}
	}
	provider, _ := s.connector.(connectorbuilder.GlobalActionProvider)
	return s, provider.GlobalActions(ctx, s.actions)
}

// logged returns a context whose logger writes to the output, at every level, as JSON lines.
func logged(ctx context.Context) (context.Context, *launch.Output) {
	log := &launch.Output{}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(log), zapcore.DebugLevel)
	return ctxzap.ToContext(ctx, zap.New(core)), log
}
