// Package connector presents a Whimsical workspace to Baton: its users, its two roles and who holds which.
package connector

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"

	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// Connector is the Baton connector of one Whimsical workspace.
type Connector struct {
	client  *whimsical.Client
	members *members
	log     *zap.Logger // the logger of the context that New got
}

// Unlogged is an option of New for the first of a service's two processes. That one only asks for the
// connector's capabilities; the second process logs what there is to say.
func Unlogged(c *Connector) { c.log = zap.NewNop() }

// InLambda is an option of New in AWS Lambda, where each call may reach another process.
func InLambda(c *Connector) { c.members.pagesAWrite = 1 }

var _ connectorbuilder.ConnectorBuilderV2 = (*Connector)(nil)

// New returns the connector that cfg describes. It makes no request; settings that cannot work are refused
// with InvalidArgument, those that the egress policy in opts forbids with FailedPrecondition.
func New(ctx context.Context, cfg *config.Whimsical, opts *cli.ConnectorOpts, options ...func(*Connector)) (connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error) {
	baseURL := cfg.BaseUrl
	if baseURL == "" {
		// The setting is not part of a hosted configuration.
		baseURL = whimsical.DefaultBaseURL
	}
	client, err := whimsical.New(ctx, baseURL, cfg.WhimsicalToken)
	if err != nil {
		return nil, nil, err
	}
	if opts == nil {
		opts = &cli.ConnectorOpts{}
	}
	c := &Connector{client: client, members: &members{client: client, pagesAWrite: pagesAWrite}, log: ctxzap.Extract(ctx)}
	for _, option := range options {
		option(c)
	}
	base := client.BaseURL()
	if err := checkEgress(opts.EgressPolicy, base); err != nil {
		return nil, nil, err
	}
	if base.String() != whimsical.DefaultBaseURL {
		c.log.Info(whimsical.Prefix+"base-url is not the default", zap.String("host", base.Host))
	}
	if opts.WillSyncResourceType(roleResourceType.GetId()) && !opts.WillSyncResourceType(userResourceType.GetId()) {
		c.log.Warn(whimsical.Prefix + "roles are synced without users: the SDK drops their grants, so both roles will look empty")
	}
	return c, nil, nil
}

// Metadata describes the connector.
func (c *Connector) Metadata(context.Context) (*v2.ConnectorMetadata, error) {
	return v2.ConnectorMetadata_builder{
		DisplayName: "Whimsical",
		Description: "Syncs the users of a Whimsical workspace and their roles (Editor, Viewer), creates and removes users, " +
			"and changes their role, through Whimsical's SCIM 2.0 API.",
		AccountCreationSchema: accountCreationSchema(),
	}.Build(), nil
}

// Validate makes one small authenticated request to Whimsical. It fails with a message that an administrator
// can act on when the token is refused (Unauthenticated) or no SCIM API answers (FailedPrecondition).
func (c *Connector) Validate(ctx context.Context) (annotations.Annotations, error) {
	return nil, c.client.Validate(ctx)
}

// ResourceSyncers returns the builders of both resource types, whichever of them a sync asks for.
func (c *Connector) ResourceSyncers(context.Context) []connectorbuilder.ResourceSyncerV2 {
	return []connectorbuilder.ResourceSyncerV2{
		&userBuilder{client: c.client, members: c.members},
		&roleBuilder{client: c.client, members: c.members},
	}
}

// withRateLimit returns the annotations that carry limit, none for nil.
func withRateLimit(limit *v2.RateLimitDescription) annotations.Annotations {
	if limit == nil {
		return nil
	}
	return annotations.New(limit)
}
