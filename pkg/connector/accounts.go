package connector

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

var (
	_ connectorbuilder.AccountManagerV2              = (*userBuilder)(nil)
	_ connectorbuilder.ResourceDeleterV2             = (*userBuilder)(nil)
	_ connectorbuilder.ResourceTargetedSyncerLimited = (*userBuilder)(nil)
)

const (
	pendingMessage = "the account appears in the workspace once the person has logged in through SAML."
	invitedMessage = "Whimsical has invited this e-mail address: " + pendingMessage
	takenMessage   = "Whimsical has invited this e-mail address already: " + pendingMessage + " Nothing was changed."
)

// CreateAccountCapabilityDetails declares that accounts have no credentials of
// their own: people log in through SAML.
func (b *userBuilder) CreateAccountCapabilityDetails(context.Context) (*v2.CredentialDetailsAccountProvisioning, annotations.Annotations, error) {
	noPassword := v2.CapabilityDetailCredentialOption_CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD
	return v2.CredentialDetailsAccountProvisioning_builder{
		SupportedCredentialOptions: []v2.CapabilityDetailCredentialOption{noPassword},
		PreferredCredentialOption:  noPassword,
	}.Build(), nil, nil
}

// CreateAccount creates a user. An active user with the same e-mail address is
// an answer (already exists), not a failure, and is left as it is; an inactive
// one is activated; one who is invited and has not logged in yet is reported
// as requiring action. Credential options are ignored: no password exists.
//
// It fails with InvalidArgument, before any request, on a malformed e-mail
// address or an unknown role.
func (b *userBuilder) CreateAccount(ctx context.Context, info *v2.AccountInfo, _ *v2.LocalCredentialOptions) (
	connectorbuilder.CreateAccountResponse, []*v2.PlaintextData, annotations.Annotations, error,
) {
	account, err := newUser(info)
	if err != nil {
		return nil, nil, nil, err
	}
	creation := creation{client: b.client, account: account}
	if err := whimsical.Retry(ctx, func() error { return creation.attempt(ctx) }); err != nil {
		return nil, nil, nil, err
	}
	return creation.response, nil, nil, nil
}

// creation is one CreateAccount over all its attempts.
type creation struct {
	client  *whimsical.Client
	account whimsical.NewUser

	// unsure is set while an earlier POST may have reached the server, or has met
	// somebody with the same address: the next attempt begins with a look.
	unsure bool
	// lost is set once the answer to a POST was lost: what is found afterwards may
	// be what that POST created.
	lost bool
	// posted is set once the server has created the user, who is made known by
	// user, or is nil when the answer held none: only the confirmation is left.
	posted bool
	user   *whimsical.User
	// unseen is the error that stands unless a look finds the user, nil when the
	// server has said that it has created the user.
	unseen error

	response connectorbuilder.CreateAccountResponse
}

func (c *creation) attempt(ctx context.Context) error {
	if c.posted {
		return c.confirm(ctx)
	}
	if c.unsure {
		found, err := c.adopt(ctx)
		if err != nil || found {
			return err
		}
		c.unsure = false
	}
	user, err := c.client.CreateUser(ctx, c.account)
	switch {
	case whimsical.Unseen(err):
		c.posted, c.unseen = true, err
		return c.confirm(ctx)
	case err == nil:
		c.posted, c.user = true, user
		c.logCreated(ctx)
		return c.confirm(ctx)
	case status.Code(err) == codes.AlreadyExists:
		c.unsure = true
		found, err := c.adopt(ctx)
		switch {
		case err != nil || found:
		case c.lost:
			c.response = pending(invitedMessage)
		default:
			c.response = pending(takenMessage)
		}
		return err
	case whimsical.AnswerLost(err):
		return c.afterLostAnswer(ctx, err)
	default:
		return err
	}
}

// afterLostAnswer looks whether the server stored the user although its answer
// did not arrive.
func (c *creation) afterLostAnswer(ctx context.Context, lost error) error {
	c.lost, c.unsure = true, true
	found, err := c.adopt(ctx)
	if err != nil {
		return lost // the next attempt begins with another look
	}
	c.unsure = false
	if found {
		return nil
	}
	return lost
}

// adopt takes an existing user for the account, and activates an inactive one.
func (c *creation) adopt(ctx context.Context) (found bool, err error) {
	user, err := c.client.FindUser(ctx, c.account.UserName)
	if err != nil || user == nil {
		return false, err
	}
	if user.IsActive() {
		if c.lost {
			logChange(ctx, "user found after the answer to a creation was lost", user.ID, user.Role)
		}
		resource, err := userResource(user)
		c.response = v2.CreateAccountResponse_AlreadyExistsResult_builder{
			Resource: resource, IsCreateAccountResult: true,
		}.Build()
		return true, err
	}
	changed, err := c.client.PatchUser(ctx, user.ID, whimsical.Change{Active: pointer(true), Role: c.account.Role})
	if err != nil {
		return true, err
	}
	logChange(ctx, "user activated", user.ID, c.account.Role)
	return true, c.succeed(changed)
}

// confirm ends a creation that the server has answered.
func (c *creation) confirm(ctx context.Context) error {
	if c.user == nil {
		found, err := c.client.FindUser(ctx, c.account.UserName)
		if err != nil {
			return err
		}
		switch {
		case found == nil && c.unseen != nil:
			return c.unseen
		case found == nil:
			c.response = pending(invitedMessage)
			return nil
		}
		if c.unseen != nil {
			c.logCreated(ctx)
		}
		c.user = found
	}
	confirmed, err := c.client.ConfirmRole(ctx, c.user, c.account.Role)
	if err != nil {
		return err
	}
	return c.succeed(confirmed)
}

func (c *creation) logCreated(ctx context.Context) {
	id := ""
	if c.user != nil {
		id = c.user.ID
	}
	logChange(ctx, "user created", id, c.account.Role)
}

func (c *creation) succeed(user *whimsical.User) error {
	resource, err := userResource(user)
	c.response = v2.CreateAccountResponse_SuccessResult_builder{
		Resource: resource, IsCreateAccountResult: true,
	}.Build()
	return err
}

func pending(message string) *v2.CreateAccountResponse_ActionRequiredResult {
	return v2.CreateAccountResponse_ActionRequiredResult_builder{
		Message: message, IsCreateAccountResult: true,
	}.Build()
}

// Delete removes a user from the workspace. A user who is gone already is a
// success with ResourceDoesNotExist.
func (b *userBuilder) Delete(ctx context.Context, id *v2.ResourceId, _ *v2.ResourceId) (annotations.Annotations, error) {
	if id.GetResourceType() != userResourceType.GetId() || id.GetResource() == "" {
		return nil, invalidArgument("only users can be deleted, not a resource of type %q", id.GetResourceType())
	}
	lost := false
	err := whimsical.Retry(ctx, func() error {
		err := b.client.DeleteUser(ctx, id.GetResource())
		if isNotFound(err) && lost {
			return nil // an earlier try did it
		}
		lost = lost || whimsical.AnswerLost(err)
		return err
	})
	if isNotFound(err) {
		return annotations.New(&v2.ResourceDoesNotExist{}), nil
	}
	if err != nil {
		return nil, err
	}
	logChange(ctx, "user deleted", id.GetResource(), whimsical.RoleUnknown)
	return nil, nil
}
