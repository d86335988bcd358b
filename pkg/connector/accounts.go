package connector

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

var (
	_ connectorbuilder.AccountManagerV2              = (*userBuilder)(nil)
	_ connectorbuilder.ResourceDeleterV2             = (*userBuilder)(nil)
	_ connectorbuilder.ResourceTargetedSyncerLimited = (*userBuilder)(nil)
)

// roleDefault is the account's role that leaves the choice to the workspace.
const roleDefault = "default"

// accountCreationSchema are the fields of CreateAccount's profile.
func accountCreationSchema() *v2.ConnectorAccountCreationSchema {
	field := func(order int32, required bool, name, description, placeholder string) *v2.ConnectorAccountCreationSchema_Field {
		return v2.ConnectorAccountCreationSchema_Field_builder{
			DisplayName: name, Required: required, Description: description, Placeholder: placeholder, Order: order,
			StringField: &v2.ConnectorAccountCreationSchema_StringField{},
		}.Build()
	}
	return v2.ConnectorAccountCreationSchema_builder{
		FieldMap: map[string]*v2.ConnectorAccountCreationSchema_Field{
			ProfileEmail:     field(1, true, "Email", "The e-mail address that the person logs in with through SAML.", "person@example.com"),
			profileFirstName: field(2, false, "First name", "The given name. Whimsical lets only the person change it later.", "Ada"),
			profileLastName:  field(3, false, "Last name", "The family name. Whimsical lets only the person change it later.", "Lovelace"),
			profileRole: field(4, false, "Role",
				"viewer (free, also when empty), editor (a paid seat), or default: the workspace's default role, which may be a paid seat.", "viewer"),
		},
	}.Build()
}

// newUser reads what to create from an account, and refuses with InvalidArgument what Whimsical cannot take.
func newUser(info *v2.AccountInfo) (whimsical.NewUser, error) {
	profile := info.GetProfile().GetFields()
	email, err := accountEmail(info, profile)
	if err != nil {
		return whimsical.NewUser{}, err
	}
	wanted, err := accountRole(profile[profileRole])
	if err != nil {
		return whimsical.NewUser{}, err
	}
	return whimsical.NewUser{
		UserName:   email,
		GivenName:  firstString(profile, profileFirstName, profileGivenName),
		FamilyName: firstString(profile, profileLastName, profileFamilyName),
		Role:       wanted,
	}, nil
}

// accountEmail takes the e-mail address from the primary e-mail, else the login, else the profile. Whimsical
// wants it in lower case.
func accountEmail(info *v2.AccountInfo, profile map[string]*structpb.Value) (string, error) {
	source, email := "profile."+ProfileEmail, firstString(profile, ProfileEmail)
	if login := strings.TrimSpace(info.GetLogin()); login != "" {
		source, email = "login", login
	}
	for _, candidate := range info.GetEmails() {
		if address := strings.TrimSpace(candidate.GetAddress()); candidate.GetIsPrimary() && address != "" {
			source, email = "email", address
			break
		}
	}
	if email == "" {
		return "", invalidArgument("the account has no e-mail address: set email")
	}
	if !isEmail(email) {
		return "", invalidArgument("the account's %s is not an e-mail address: give it in the form person@example.com", source)
	}
	return whimsical.LowerCase(email), nil
}

// accountRole reads the role of an account. Nobody gets a paid seat by leaving it out.
func accountRole(value *structpb.Value) (whimsical.Role, error) {
	if _, null := value.GetKind().(*structpb.Value_NullValue); value == nil || null {
		return whimsical.RoleViewer, nil
	}
	if text, ok := value.GetKind().(*structpb.Value_StringValue); ok {
		switch name := strings.ToLower(strings.TrimSpace(text.StringValue)); name {
		case "":
			return whimsical.RoleViewer, nil
		case roleDefault:
			return whimsical.RoleUnknown, nil
		default:
			if r, known := roleByID(name); known {
				return r.id, nil
			}
		}
	}
	return whimsical.RoleUnknown, invalidArgument("the account's role is unknown: it must be %s, or empty for %s",
		enumerated("or", append(roleIDs(), roleDefault)...), whimsical.RoleViewer)
}

// firstString returns the first of the named fields that holds text.
func firstString(profile map[string]*structpb.Value, names ...string) string {
	for _, name := range names {
		if text := strings.TrimSpace(profile[name].GetStringValue()); text != "" {
			return text
		}
	}
	return ""
}

// warnUnknownKeys names the keys of a profile that nothing reads: one of them may be "role", misspelt.
func warnUnknownKeys(ctx context.Context, profile map[string]*structpb.Value) {
	named := slices.Sorted(maps.Keys(accountCreationSchema().GetFieldMap()))
	known := slices.Concat(named, []string{profileGivenName, profileFamilyName, ProfileLogin})
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(profile)), func(key string) bool { return slices.Contains(known, key) })
	if len(unknown) > 0 {
		ctxzap.Extract(ctx).Warn(whimsical.Prefix+"the account's profile has keys that are not known ("+
			enumerated("and", named...)+" are)", zap.Strings("keys", unknown))
	}
}

// CreateAccountCapabilityDetails declares that accounts have no credentials: people log in through SAML.
func (b *userBuilder) CreateAccountCapabilityDetails(context.Context) (*v2.CredentialDetailsAccountProvisioning, annotations.Annotations, error) {
	noPassword := v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD
	return v2.CredentialDetailsAccountProvisioning_builder{
		SupportedCredentialOptions: []v2.CapabilityDetailCredentialOption{noPassword}, PreferredCredentialOption: noPassword,
	}.Build(), nil, nil
}

// CreateAccount creates a user. An active user with the same e-mail address is an answer (already exists),
// not a failure, and is left as it is; a user who is inactive, or whose status the API does not report, is
// activated. An account that waits for the person's first login is reported as requiring action; so is a
// refusal with 409 of a user whom the server does not show, with the server's reason. Credential options are
// ignored: no password exists.
//
// It fails with InvalidArgument, before any request, on a malformed e-mail address or an unknown role, and
// with FailedPrecondition when the new user has another role than asked for, or does not report one.
func (b *userBuilder) CreateAccount(ctx context.Context, info *v2.AccountInfo, _ *v2.LocalCredentialOptions) (
	connectorbuilder.CreateAccountResponse, []*v2.PlaintextData, annotations.Annotations, error,
) {
	account, err := newUser(info)
	if err != nil {
		return nil, nil, nil, err
	}
	warnUnknownKeys(ctx, info.GetProfile().GetFields())
	response, err := b.create(ctx, account)
	return response, nil, nil, err
}

type accountResponse = connectorbuilder.CreateAccountResponse

func (b *userBuilder) create(ctx context.Context, account whimsical.NewUser) (accountResponse, error) {
	user, err := b.client.FindUser(ctx, account.UserName)
	if err != nil {
		return nil, err
	}
	if user != nil {
		return b.adopt(ctx, user, account)
	}
	user, err = b.client.CreateUser(ctx, account)
	switch {
	case errors.Is(err, whimsical.ErrPending):
		return pending(ctx, cmp.Or(user, &whimsical.User{}), account)
	case status.Code(err) == codes.AlreadyExists:
		return b.taken(ctx, account, err)
	case whimsical.AnswerLost(err):
		return b.lost(ctx, account, err)
	case err != nil:
		return nil, err
	default:
		return b.shown(ctx, user, account, succeeded)
	}
}

// taken looks again for the user after a 409. It adopts the user whom it finds, else it reports the refusal.
func (b *userBuilder) taken(ctx context.Context, account whimsical.NewUser, conflict error) (accountResponse, error) {
	user, err := b.client.FindUser(ctx, account.UserName)
	switch {
	case err != nil:
		return nil, err
	case user == nil:
		return refused(ctx, conflict)
	default:
		return b.adopt(ctx, user, account)
	}
}

// lost looks for the user of a creation whose answer was lost. Nobody had the address before, so whoever has
// it now is the account.
func (b *userBuilder) lost(ctx context.Context, account whimsical.NewUser, lost error) (accountResponse, error) {
	user, err := b.client.FindUser(ctx, account.UserName)
	if err != nil || user == nil {
		return nil, lost
	}
	return b.shown(ctx, user, account, alreadyExists)
}

// shown answers for a created user whom a read shows. A user who is not active is an older record of the
// person on the server, and is activated.
func (b *userBuilder) shown(ctx context.Context, user *whimsical.User, account whimsical.NewUser, answer func(*whimsical.User) (accountResponse, error)) (accountResponse, error) {
	if user.Status != whimsical.StatusActive {
		return b.adopt(ctx, user, account)
	}
	logChange(ctx, OperationCreate, user.ID, user.Role)
	if err := checkRole(user, account.Role); err != nil {
		return nil, err
	}
	return answer(user)
}

// pending answers for a user who was created and whom no read shows yet, with what the server said of them.
func pending(ctx context.Context, user *whimsical.User, account whimsical.NewUser) (accountResponse, error) {
	const message = "Whimsical has invited this e-mail address: the account appears in the workspace once the person has logged in through SAML"
	l := ctxzap.Extract(ctx)
	l.Info(MessageAccepted, zap.String("user_id", loggedID(user.ID)))
	if user.Role != whimsical.RoleUnknown {
		if err := checkRole(user, account.Role); err != nil {
			return nil, err
		}
	}
	l.Info(MessagePending, zap.String("reason", message))
	if user.ID == "" {
		return actionRequired(nil, message), nil
	}
	resource, err := userResource(user)
	if err != nil {
		return nil, err
	}
	resource.SetStatus(v2.Status_builder{Status: v2.Status_RESOURCE_STATUS_PENDING}.Build())
	return actionRequired(resource, message), nil
}

// checkRole fails with FailedPrecondition when a new user has another role than asked for, or does not report
// one.
func checkRole(created *whimsical.User, wanted whimsical.Role) error {
	switch {
	case wanted == whimsical.RoleUnknown || created.Role == wanted:
		return nil
	case created.Role == whimsical.RoleUnknown:
		return failedPrecondition("the user was created, but does not report whether it has the role that was asked for: " +
			"check the user in Whimsical's Workspace settings, and grant the role")
	default:
		return failedPrecondition("the user was created as %s, not with the role that was asked for: grant the role %s", created.Role, wanted)
	}
}

// adopt takes an existing user for the account. One who is active stays as they are; any other is activated,
// with the role asked for.
func (b *userBuilder) adopt(ctx context.Context, user *whimsical.User, account whimsical.NewUser) (accountResponse, error) {
	if user.Status == whimsical.StatusActive {
		reason := "exists already"
		if account.Role != whimsical.RoleUnknown && user.Role != account.Role {
			reason = "exists already as " + string(user.Role) + ", not " + string(account.Role) + " (grant the role to change it)"
			if user.Role == whimsical.RoleUnknown {
				reason = "exists already, with a role that is not reported, not surely " + string(account.Role)
			}
		}
		logUnchanged(ctx, OperationCreate, user.ID, reason)
		return alreadyExists(user)
	}
	changed, err := b.client.ChangeUser(ctx, user, whimsical.Change{Role: account.Role, Status: whimsical.StatusActive})
	if err != nil {
		return nil, err
	}
	logChange(ctx, OperationActivate, user.ID, changed.Role)
	return succeeded(changed)
}

func succeeded(user *whimsical.User) (accountResponse, error) {
	resource, err := userResource(user)
	return v2.CreateAccountResponse_SuccessResult_builder{Resource: resource, IsCreateAccountResult: true}.Build(), err
}

func alreadyExists(user *whimsical.User) (accountResponse, error) {
	resource, err := userResource(user)
	return v2.CreateAccountResponse_AlreadyExistsResult_builder{Resource: resource, IsCreateAccountResult: true}.Build(), err
}

// refused reports a creation that the server refuses with 409 although it shows no such user.
func refused(ctx context.Context, err error) (accountResponse, error) {
	reason := "it gave no reason. The person may be invited already, and appears once they have logged in through SAML"
	if apiErr, ok := errors.AsType[*whimsical.Error](err); ok && apiErr.Detail != "" {
		reason = apiErr.Detail
	}
	const message = "Whimsical refused to create the account, and nothing was changed"
	ctxzap.Extract(ctx).Warn(whimsical.Prefix+message, zap.String("reason", reason))
	return actionRequired(nil, message+": "+reason), nil
}

func actionRequired(resource *v2.Resource, message string) accountResponse {
	return v2.CreateAccountResponse_ActionRequiredResult_builder{Resource: resource, Message: message, IsCreateAccountResult: true}.Build()
}

// Delete removes a user from the workspace. One who is gone already is a success with ResourceDoesNotExist.
func (b *userBuilder) Delete(ctx context.Context, id *v2.ResourceId, _ *v2.ResourceId) (annotations.Annotations, error) {
	if id.GetResourceType() != userResourceType.GetId() || id.GetResource() == "" {
		return nil, invalidArgument("only users can be deleted, not a resource of type %q", id.GetResourceType())
	}
	err := b.client.DeleteUser(ctx, id.GetResource())
	if isNotFound(err) {
		logMissing(ctx, OperationDelete, id.GetResource())
		return annotations.New(&v2.ResourceDoesNotExist{}), nil
	}
	if err != nil {
		return nil, err
	}
	logChange(ctx, OperationDelete, id.GetResource(), whimsical.RoleUnknown)
	return nil, nil
}
