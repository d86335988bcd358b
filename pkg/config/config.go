// Package config declares the settings of baton-whimsical: the fields that
// ConductorOne's settings page, the command line and the environment share.
package config

import (
	"github.com/conductorone/baton-sdk/pkg/field"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

var (
	whimsicalTokenField = field.StringField(
		"whimsical-token",
		field.WithDisplayName("SCIM OAuth Token"),
		field.WithDescription("The SCIM OAuth token of your Whimsical workspace. An owner or admin of the workspace reveals it in Whimsical under "+
			"Workspace settings, once SAML SSO is on and SCIM provisioning is enabled (Enterprise plan)."),
		field.WithRequired(true),
		field.WithIsSecret(true),
	)

	baseURLField = field.StringField(
		"base-url",
		field.WithDisplayName("Base URL"),
		field.WithDescription("The base URL of the SCIM 2.0 API. Set it only to reach a test server; http is accepted for loopback addresses alone."),
		field.WithDefaultValue(whimsical.DefaultBaseURL),
		field.WithHidden(true),
		field.WithExportTarget(field.ExportTargetCLIOnly),
	)
)

//go:generate go run ./gen

// Config is the configuration schema of the connector.
var Config = field.NewConfiguration(
	[]field.SchemaField{whimsicalTokenField, baseURLField},
	field.WithConnectorDisplayName("Whimsical"),
	field.WithHelpUrl("/docs/baton/whimsical"),
	field.WithIconUrl("/static/app-icons/whimsical.svg"),
)
