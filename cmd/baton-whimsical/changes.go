package main

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/types"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/settings"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// change is what a flag asks for in place of a sync.
type change func(ctx context.Context, v *viper.Viper, host types.ConnectorClient) error

// changeAsked returns the change that the settings ask for, or nil for a sync.
func changeAsked(v *viper.Viper) change {
	for name, asked := range map[string]change{
		"grant-entitlement": grant, "revoke-grant": revoke, "delete-resource": remove, "invoke-action": invoke,
		"create-account-email": create, "create-account-login": create, "create-account-profile": create,
	} {
		if v.GetString(name) != "" {
			return asked
		}
	}
	if v.GetBool("list-action-schemas") {
		return listActionSchemas
	}
	return nil
}

func grant(ctx context.Context, v *viper.Viper, host types.ConnectorClient) error {
	wanted, err := connector.NewGrant(v.GetString("grant-entitlement"), v.GetString("grant-principal"))
	if err != nil {
		return err
	}
	wanted.GetPrincipal().GetId().SetResourceType(v.GetString("grant-principal-type"))
	_, err = host.Grant(ctx, v2.GrantManagerServiceGrantRequest_builder{Entitlement: wanted.GetEntitlement(), Principal: wanted.GetPrincipal()}.Build())
	return err
}

func revoke(ctx context.Context, v *viper.Viper, host types.ConnectorClient) error {
	entitlement, user, err := connector.CutGrantID(v.GetString("revoke-grant"))
	if err != nil {
		return err
	}
	held, err := connector.NewGrant(entitlement, user)
	if err != nil {
		return err
	}
	_, err = host.Revoke(ctx, v2.GrantManagerServiceRevokeRequest_builder{Grant: held}.Build())
	return err
}

// create creates an account. The flags fill in what the profile leaves out.
func create(ctx context.Context, v *viper.Viper, host types.ConnectorClient) error {
	profile, err := settings.Object(v, "create-account-profile", `'{"email":"...","role":"viewer"}'`)
	if err != nil {
		return err
	}
	account := v2.AccountInfo_builder{
		Login:   cmp.Or(profile.GetFields()["login"].GetStringValue(), v.GetString("create-account-login")),
		Profile: profile,
	}
	if email := cmp.Or(profile.GetFields()["email"].GetStringValue(), v.GetString("create-account-email")); email != "" {
		account.Emails = []*v2.AccountInfo_Email{v2.AccountInfo_Email_builder{Address: email, IsPrimary: true}.Build()}
	}
	_, err = host.CreateAccount(ctx, v2.CreateAccountRequest_builder{
		ResourceTypeId: v.GetString("create-account-resource-type"), AccountInfo: account.Build(),
	}.Build())
	return err
}

func remove(ctx context.Context, v *viper.Viper, host types.ConnectorClient) error {
	_, err := host.DeleteResource(ctx, v2.DeleteResourceRequest_builder{ResourceId: v2.ResourceId_builder{
		ResourceType: v.GetString("delete-resource-type"), Resource: v.GetString("delete-resource"),
	}.Build()}.Build())
	return err
}

func invoke(ctx context.Context, v *viper.Viper, host types.ConnectorClient) error {
	arguments, err := settings.Object(v, "invoke-action-args", `'{"user_id":"ID"}'`)
	if err != nil {
		return err
	}
	answer, err := host.InvokeAction(ctx, v2.InvokeActionRequest_builder{
		Name: v.GetString("invoke-action"), Args: arguments, InlineWait: durationpb.New(time.Hour), // the SDK waits no longer
	}.Build())
	if err != nil || answer.GetStatus() == v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
		return err
	}
	return actionError(answer.GetResponse().GetFields()["error"].GetStringValue())
}

// codedError is the text of a gRPC status error.
var codedError = regexp.MustCompile(`(?s)^rpc error: code = (\w+) desc = (.*)$`)

// actionError returns the error of an action that failed, of which the SDK passes on the
// text alone.
func actionError(text string) error {
	match := codedError.FindStringSubmatch(text)
	for code := codes.OK; match != nil && code <= codes.Unauthenticated; code++ {
		if code.String() == match[1] {
			return status.Error(code, match[2])
		}
	}
	return errors.New("the action failed: " + text)
}

func listActionSchemas(ctx context.Context, _ *viper.Viper, host types.ConnectorClient) error {
	answer, err := host.ListActionSchemas(ctx, &v2.ListActionSchemasRequest{})
	ctxzap.Extract(ctx).Info("Action Schemas", zap.Int("count", len(answer.GetSchemas())), zap.Any("schemas", answer.GetSchemas()))
	return err
}
