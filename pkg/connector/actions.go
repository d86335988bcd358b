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

var _ connectorbuilder.GlobalActionProvider = (*Connector)(nil)

// GlobalActions registers enable_user and disable_user.
func (c *Connector) GlobalActions(ctx context.Context, registry actions.ActionRegistry) error {
	for _, a := range []statusAction{
		{
			client: c.client, status: whimsical.StatusActive, name: "enable_user", displayName: "Enable user",
			description: "Activates a deactivated user of the workspace, with the role the user had.",
			actionType:  v2.ActionType_ACTION_TYPE_ACCOUNT_ENABLE,
		},
		{
			client: c.client, status: whimsical.StatusInactive, name: "disable_user", displayName: "Disable user",
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
	status      whimsical.Status
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
		Arguments: []*configv1.Field{configv1.Field_builder{
			Name: ProfileUserID, DisplayName: "User ID", IsRequired: true, StringField: &configv1.StringField{},
			Description: "The SCIM id of the user: user_id in the user's profile, and the id of the user resource.",
		}.Build()},
		ReturnTypes: []*configv1.Field{
			configv1.Field_builder{Name: "success", DisplayName: "Success", Description: "Whether the user has the status asked for.", BoolField: &configv1.BoolField{}}.Build(),
			configv1.Field_builder{Name: ProfileUserID, DisplayName: "User ID", Description: "The SCIM id of the user.", StringField: &configv1.StringField{}}.Build(),
		},
	}.Build()
}

// invoke sets the status. It leaves a user who has that status already, and succeeds when it disables a user
// who is gone. It fails with InvalidArgument without user_id, and with NotFound when there is nobody to enable.
func (a statusAction) invoke(ctx context.Context, args *structpb.Struct) (*structpb.Struct, annotations.Annotations, error) {
	id, _ := actions.GetStringArg(args, ProfileUserID)
	if err := a.change(ctx, id); err != nil {
		// The SDK passes on only the text of an error: this error's text holds the code.
		return nil, nil, status.Convert(err).Err()
	}
	return actions.NewReturnValues(true, actions.NewStringReturnField(ProfileUserID, id)), nil, nil
}

func (a statusAction) change(ctx context.Context, id string) error {
	if strings.TrimSpace(id) == "" {
		return invalidArgument("%s needs the argument %s, the SCIM id of the user, as a string", a.name, ProfileUserID)
	}
	operation, enables := OperationDisable, a.status == whimsical.StatusActive
	if enables {
		operation = OperationEnable
	}
	user, err := a.client.GetUser(ctx, id)
	if err == nil && user.Status == a.status {
		logUnchanged(ctx, operation, id, "is "+string(a.status)+" already")
		return nil
	}
	if err == nil {
		_, err = a.client.ChangeUser(ctx, user, whimsical.Change{Status: a.status, KeepRole: enables})
	}
	switch {
	case isNotFound(err) && enables:
		return notFound("%s: there is no user with this id in the Whimsical workspace: a user who left has to be created again (%w)", a.name, err)
	case isNotFound(err):
		logMissing(ctx, operation, id)
		return nil
	case err != nil:
		return err
	}
	logChange(ctx, operation, id, whimsical.RoleUnknown)
	return nil
}
