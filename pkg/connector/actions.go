package connector

import (
	"context"
	"strings"

	configv1 "github.com/conductorone/baton-sdk/pb/c1/config/v1"
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

var (
	_ connectorbuilder.GlobalActionProvider   = (*Connector)(nil)
	_ connectorbuilder.ResourceActionProvider = (*userBuilder)(nil)
)

const userIDArgument = "user_id"

// GlobalActions registers enable_user and disable_user, so that they can be
// invoked by name alone.
func (c *Connector) GlobalActions(ctx context.Context, registry actions.ActionRegistry) error {
	return registerStatusActions(ctx, c.client, registry)
}

// ResourceActions registers the same actions on the user resource type.
func (b *userBuilder) ResourceActions(ctx context.Context, registry actions.ActionRegistry) error {
	return registerStatusActions(ctx, b.client, registry)
}

func registerStatusActions(ctx context.Context, client *whimsical.Client, registry actions.ActionRegistry) error {
	for _, a := range []statusAction{
		{
			client: client, active: true, name: "enable_user", displayName: "Enable user",
			description: "Activates a deactivated user of the workspace, with the role the user had.",
			actionType:  v2.ActionType_ACTION_TYPE_ACCOUNT_ENABLE,
		},
		{
			client: client, active: false, name: "disable_user", displayName: "Disable user",
			description: "Deactivates a user, who thereby leaves the workspace. Shared content stays with the workspace.",
			actionType:  v2.ActionType_ACTION_TYPE_ACCOUNT_DISABLE,
		},
	} {
		if err := registry.Register(ctx, a.schema(), a.invoke); err != nil {
			return err
		}
	}
	return nil
}

// statusAction activates or deactivates a user.
type statusAction struct {
	client      *whimsical.Client
	active      bool
	name        string
	displayName string
	description string
	actionType  v2.ActionType
}

func (a statusAction) schema() *v2.BatonActionSchema {
	return v2.BatonActionSchema_builder{
		Name:        a.name,
		DisplayName: a.displayName,
		Description: a.description,
		ActionType:  []v2.ActionType{a.actionType},
		Arguments: []*configv1.Field{
			configv1.Field_builder{
				Name:        userIDArgument,
				DisplayName: "User ID",
				Description: "The SCIM id of the user, which is the id of the user resource.",
				IsRequired:  true,
				StringField: &configv1.StringField{},
			}.Build(),
		},
		ReturnTypes: []*configv1.Field{
			configv1.Field_builder{
				Name: "success", DisplayName: "Success",
				Description: "Whether the user has the status asked for.",
				BoolField:   &configv1.BoolField{},
			}.Build(),
			configv1.Field_builder{
				Name: userIDArgument, DisplayName: "User ID",
				Description: "The SCIM id of the user.",
				StringField: &configv1.StringField{},
			}.Build(),
		},
	}.Build()
}

// invoke changes the status, unless it is as asked already. It fails with
// InvalidArgument without user_id and with NotFound when there is no such
// user.
func (a statusAction) invoke(ctx context.Context, args *structpb.Struct) (*structpb.Struct, annotations.Annotations, error) {
	id, ok := actions.GetStringArg(args, userIDArgument)
	if !ok || strings.TrimSpace(id) == "" {
		return nil, nil, invalidArgument("%s needs the argument %s, the SCIM id of the user, as a string", a.name, userIDArgument)
	}
	change := statusChange{statusAction: a, id: id}
	if err := whimsical.Retry(ctx, func() error { return change.attempt(ctx) }); err != nil {
		// The SDK passes on the text alone: this one holds the code.
		return nil, nil, status.Convert(err).Err()
	}
	return actions.NewReturnValues(true, actions.NewStringReturnField(userIDArgument, id)), nil, nil
}

// statusChange is one invocation over all its attempts.
type statusChange struct {
	statusAction
	id string
	// lost is set once the answer to the change was lost: what is found afterwards
	// may be what it did.
	lost bool
}

func (c *statusChange) attempt(ctx context.Context) error {
	user, err := c.client.GetUser(ctx, c.id)
	if isNotFound(err) {
		return c.missing(ctx, err)
	}
	if err != nil {
		return err
	}
	if user.IsActive() == c.active && !user.ActiveUnreadable {
		if c.lost {
			c.log(ctx)
		}
		return nil
	}
	_, err = c.client.PatchUser(ctx, c.id, whimsical.Change{Active: pointer(c.active)})
	if isNotFound(err) {
		return c.missing(ctx, err)
	}
	if err != nil {
		c.lost = c.lost || whimsical.AnswerLost(err)
		return err
	}
	c.log(ctx)
	return nil
}

// missing judges that there is no such user. A deactivation may remove the
// user: where its answer was lost, that is what was asked for.
func (c *statusChange) missing(ctx context.Context, err error) error {
	if c.lost && !c.active {
		c.log(ctx)
		return nil
	}
	return notFound("%s: there is no user with this id in the Whimsical workspace: a user who left has to be created again (%v)", c.name, err)
}

func (c *statusChange) log(ctx context.Context) {
	operation := "user disabled"
	if c.active {
		operation = "user enabled"
	}
	logChange(ctx, operation, c.id, whimsical.RoleUnknown)
}
