package main

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/settings"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// change returns the change that the settings ask for, or nil for a sync.
func (o *oneShot) change() func(context.Context) error {
	for _, asked := range []struct {
		name   string
		change func(context.Context) error
	}{
		{"grant-entitlement", o.grant}, {"revoke-grant", o.revoke}, {"delete-resource", o.remove}, {"invoke-action", o.invoke},
		{"create-account-email", o.create}, {"create-account-login", o.create}, {"create-account-profile", o.create},
	} {
		if o.v.GetString(asked.name) != "" {
			return asked.change
		}
	}
	if o.v.GetBool("list-action-schemas") {
		return o.listActionSchemas
	}
	return nil
}

func (o *oneShot) grant(ctx context.Context) error {
	wanted, err := o.connector.Grant(ctx, o.v.GetString("grant-entitlement"), o.v.GetString("grant-principal"))
	if err != nil {
		return err
	}
	wanted.GetPrincipal().GetId().SetResourceType(o.v.GetString("grant-principal-type"))
	_, err = o.host.Grant(ctx, v2.GrantManagerServiceGrantRequest_builder{Entitlement: wanted.GetEntitlement(), Principal: wanted.GetPrincipal()}.Build())
	return err
}

func (o *oneShot) revoke(ctx context.Context) error {
	held, err := o.connector.GrantByID(ctx, o.v.GetString("revoke-grant"))
	if err != nil {
		return err
	}
	_, err = o.host.Revoke(ctx, v2.GrantManagerServiceRevokeRequest_builder{Grant: held}.Build())
	return err
}

// create creates an account. The flags fill in what the profile leaves out.
func (o *oneShot) create(ctx context.Context) error {
	profile, err := settings.Object(o.v, "create-account-profile", `'{"email":"...","role":"viewer"}'`)
	if err != nil {
		return err
	}
	account := v2.AccountInfo_builder{
		Login:   cmp.Or(profile.GetFields()[connector.ProfileLogin].GetStringValue(), o.v.GetString("create-account-login")),
		Profile: profile,
	}
	if email := cmp.Or(profile.GetFields()[connector.ProfileEmail].GetStringValue(), o.v.GetString("create-account-email")); email != "" {
		account.Emails = []*v2.AccountInfo_Email{v2.AccountInfo_Email_builder{Address: email, IsPrimary: true}.Build()}
	}
	_, err = o.host.CreateAccount(ctx, v2.CreateAccountRequest_builder{
		ResourceTypeId: o.v.GetString("create-account-resource-type"), AccountInfo: account.Build(),
	}.Build())
	return err
}

func (o *oneShot) remove(ctx context.Context) error {
	id, err := o.connector.UserID(ctx, o.v.GetString("delete-resource"))
	if err != nil {
		return err
	}
	_, err = o.host.DeleteResource(ctx, v2.DeleteResourceRequest_builder{
		ResourceId: v2.ResourceId_builder{ResourceType: o.v.GetString("delete-resource-type"), Resource: id}.Build(),
	}.Build())
	return err
}

func (o *oneShot) invoke(ctx context.Context) error {
	arguments, err := settings.Object(o.v, "invoke-action-args", `'{"user_id":"ID"}'`)
	if err != nil {
		return err
	}
	if user := arguments.GetFields()[connector.ProfileUserID].GetStringValue(); user != "" {
		id, err := o.connector.UserID(ctx, user)
		if err != nil {
			return err
		}
		arguments.GetFields()[connector.ProfileUserID] = structpb.NewStringValue(id)
	}
	answer, err := o.host.InvokeAction(ctx, v2.InvokeActionRequest_builder{
		Name: o.v.GetString("invoke-action"), Args: arguments, InlineWait: durationpb.New(time.Hour), // the SDK waits no longer
	}.Build())
	if err != nil || answer.GetStatus() == v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
		return err
	}
	return actionError(answer.GetResponse().GetFields()["error"].GetStringValue())
}

// codedError is the text of a gRPC status error.
var codedError = regexp.MustCompile(`(?s)^rpc error: code = (\w+) desc = (.*)$`)

// actionError returns the error of an action that failed, of which the SDK passes on only the text.
func actionError(text string) error {
	match := codedError.FindStringSubmatch(text)
	for code := codes.OK; match != nil && code <= codes.Unauthenticated; code++ {
		if code.String() == match[1] {
			return status.Error(code, match[2])
		}
	}
	return errors.New("the action failed: " + text)
}

func (o *oneShot) listActionSchemas(ctx context.Context) error {
	answer, err := o.host.ListActionSchemas(ctx, &v2.ListActionSchemasRequest{})
	ctxzap.Extract(ctx).Info("Action Schemas", zap.Int("count", len(answer.GetSchemas())), zap.Any("schemas", answer.GetSchemas()))
	return err
}
