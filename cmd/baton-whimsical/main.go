// Command baton-whimsical syncs the users and roles of a Whimsical workspace,
// and creates, changes and removes its users.
package main

import (
	"os"

	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorrunner"
	"github.com/conductorone/baton-sdk/pkg/exit"

	cfg "github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// version is set by the release's ldflags.
var version = "dev"

func main() {
	args, err := safeCreation(os.Args[1:], os.Getenv)
	if err != nil {
		exit.LogExit(err)
	}
	os.Args = append(os.Args[:1:1], args...)
	if err := hideOwnSecrets(); err != nil {
		exit.LogExit(err)
	}
	ctx := untilStopped(modeOf(os.Args[1:], os.Getenv))
	config.RunConnector(ctx, "baton-whimsical", version, cfg.Config, connector.New,
		connectorrunner.WithSessionStoreEnabled(),
		connectorrunner.WithDefaultCapabilitiesConnectorBuilderV2(&connector.Connector{}),
	)
}
