// Command baton-whimsical syncs the users and roles of a Whimsical workspace,
// and creates, changes and removes its users.
package main

import (
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorrunner"
	"github.com/conductorone/baton-sdk/pkg/exit"

	cfg "github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// version is set by the release's ldflags.
var version = "dev"

func main() {
	mode, err := prepare()
	if err != nil {
		exit.LogExit(err)
	}
	config.RunConnector(untilStopped(mode), "baton-whimsical", version, cfg.Config, connector.New,
		connectorrunner.WithSessionStoreEnabled(),
		connectorrunner.WithDefaultCapabilitiesConnectorBuilderV2(&connector.Connector{}),
	)
}
