// Command baton-whimsical syncs the users and roles of a Whimsical workspace,
// and creates, changes and removes its users.
package main

import (
	"cmp"
	"context"
	"os"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/connectorrunner"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	cfg "github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// version is set by the release's ldflags.
var version = "dev"

func main() {
	ctx, stop := context.WithCancelCause(context.Background())
	settings, command, err := config.DefineConfigurationV2(ctx, "baton-whimsical", newServer, cfg.Config,
		connectorrunner.WithSessionStoreEnabled(),
		connectorrunner.WithDefaultCapabilitiesConnectorBuilderV2(&connector.Connector{}),
	)
	run := &oneShot{stderr: os.Stderr}
	if err != nil {
		run.fail(unusableFile(os.Getenv("BATON_CONFIG_PATH"), err))
	}
	command.Version = version
	describe(command)
	command.PersistentPreRunE = func(invoked *cobra.Command, _ []string) error {
		if err := settings.BindPFlags(invoked.Flags()); err != nil {
			return err
		}
		service := settings.GetString("client-id") != ""
		handleSignals(invoked, service, stop, run)
		if invoked != command {
			return nil
		}
		if service {
			return refuse(settings, command.Flags(), service)
		}
		return cmp.Or(run.start(settings, command.Flags()), refuse(settings, command.Flags(), service))
	}
	if err := command.Execute(); err != nil {
		run.fail(err)
	}
	run.clean()
}

// newServer builds the connector for the SDK, in place of its config.RunConnector.
func newServer(ctx context.Context, settings *cfg.Whimsical, o cli.RunTimeOpts) (types.ConnectorServer, error) {
	logged := ctx
	if o.SessionStore == nil {
		// A service is two processes. The first one builds the connector to ask for
		// its capabilities alone, and the second one says what there is to say.
		logged = ctxzap.ToContext(ctx, zap.NewNop())
	}
	builder, opts, err := connector.New(logged, settings, &cli.ConnectorOpts{
		TokenSource:         o.TokenSource,
		SelectedAuthMethod:  o.SelectedAuthMethod,
		SyncResourceTypeIDs: o.SyncResourceTypeIDs,
		EgressPolicy:        o.EgressPolicy,
	})
	if err != nil {
		return nil, err
	}
	return connectorbuilder.NewConnector(ctx, builder, append(opts, connectorbuilder.WithSessionStore(o.SessionStore))...)
}
