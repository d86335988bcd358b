// Command baton-whimsical syncs the users and roles of a Whimsical workspace, and creates, changes and removes
// its users.
//
// The SDK's own command runs a service and the subcommands that the SDK brings. This package makes a one-shot
// run, in one process: the SDK's runner takes a second process, tells the outcome in the log alone, and
// destroys the file of an earlier sync when one fails. To go back to it, delete the line that sets RunE.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/connectorrunner"
	"github.com/conductorone/baton-sdk/pkg/exit"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/spf13/cobra"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/settings"
	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/terminal"
	cfg "github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// version is set by the release's ldflags.
var version = "dev"

func main() {
	ctx, stop := context.WithCancelCause(context.Background())
	var hosting []func(*connector.Connector)
	newServer := func(ctx context.Context, c *cfg.Whimsical, o cli.RunTimeOpts) (types.ConnectorServer, error) {
		_, server, err := newConnector(ctx, c, o, hosting...)
		return server, err
	}
	v, command, err := config.DefineConfigurationV2(ctx, "baton-whimsical", newServer, cfg.Config,
		connectorrunner.WithSessionStoreEnabled(),
		connectorrunner.WithDefaultCapabilitiesConnectorBuilderV2(&connector.Connector{}),
	)
	if err != nil {
		end(nil, settings.UnusableFile(os.Getenv("BATON_CONFIG_PATH"), err))
	}
	command.Version = version
	describe(command)

	var screen *terminal.Screen
	command.PersistentPreRunE = func(invoked *cobra.Command, _ []string) error {
		flags := invoked.Flags()
		if err := v.BindPFlags(flags); err != nil {
			return err
		}
		v.Set("client-id", strings.TrimSpace(v.GetString("client-id"))) // as the connector does with the token
		service := v.GetString("client-id") != ""
		switch {
		case invoked.Name() == "_connector-service":
			// It ends with the service, which would take an earlier end, by a terminal's signal to both, for a crash.
			signal.Ignore(os.Interrupt, syscall.SIGTERM)
		case invoked.Name() == "lambda":
			hosting = append(hosting, connector.InLambda)
		case service:
			hosting = append(hosting, connector.Unlogged)
			signals := make(chan os.Signal, 1)
			signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
			go func() { <-signals; stop(connectorrunner.ErrSigTerm) }()
		}
		if invoked != command {
			return nil
		}
		if !service {
			screen = settings.Screen(flags)
			command.RunE = func(*cobra.Command, []string) error { return runOnce(v, flags, screen) }
		}
		return cmp.Or(settings.Refuse(v, flags, service), settings.Complete(flags))
	}
	end(screen, command.Execute())
}

// end ends the process. It prints the message of err and exits with its code; an interrupted run exits with
// 128 plus the signal's number.
func end(screen *terminal.Screen, err error) {
	switch {
	case screen != nil && err != nil:
		screen.Show("Error: "+terminal.Sentence(err), "")
	case screen != nil:
		screen.Show("", "")
	case err != nil:
		text := status.Convert(err).Message() // an error of this connector without the layers of the SDK in front
		_, _ = fmt.Fprintln(os.Stderr, text[max(0, strings.Index(text, whimsical.Prefix)):])
	}
	if interrupted, ok := errors.AsType[*interruption](err); ok {
		number, _ := interrupted.signal.(syscall.Signal)
		os.Exit(128 + int(number))
	}
	exit.Exit(err)
}

// newConnector builds the connector and what serves it, in place of the SDK's config.RunConnector.
func newConnector(ctx context.Context, c *cfg.Whimsical, o cli.RunTimeOpts, hosting ...func(*connector.Connector)) (*connector.Connector, types.ConnectorServer, error) {
	builder, opts, err := connector.New(ctx, c, &cli.ConnectorOpts{
		TokenSource: o.TokenSource, SelectedAuthMethod: o.SelectedAuthMethod, SyncResourceTypeIDs: o.SyncResourceTypeIDs, EgressPolicy: o.EgressPolicy,
	}, hosting...)
	if err != nil {
		return nil, nil, err
	}
	server, err := connectorbuilder.NewConnector(ctx, builder, append(opts, connectorbuilder.WithSessionStore(o.SessionStore))...)
	built, _ := builder.(*connector.Connector)
	return built, server, err
}
