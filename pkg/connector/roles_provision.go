package connector

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

var (
	_ connectorbuilder.ResourceProvisionerV2         = (*roleBuilder)(nil)
	_ connectorbuilder.ResourceTargetedSyncerLimited = (*roleBuilder)(nil)
)

// Grant gives a user the role of the entitlement, and activates a user who is
// inactive. A user who holds it already is a success with GrantAlreadyExists;
// taking the place of the other role is reported with GrantReplaced.
//
// It fails with InvalidArgument on a principal that is no user or a role that
// does not exist, with NotFound when the account is gone, and with
// FailedPrecondition when Whimsical accepted the change but did not apply it.
func (b *roleBuilder) Grant(ctx context.Context, principal *v2.Resource, ent *v2.Entitlement) ([]*v2.Grant, annotations.Annotations, error) {
	r, id, err := provisioned(principal, ent)
	if err != nil {
		return nil, nil, err
	}
	user, err := b.client.GetUser(ctx, id)
	if err != nil {
		return nil, nil, orGone(err)
	}

	grants := []*v2.Grant{r.grant(id)}
	active := user.IsActive()
	if active && user.Role == r.id {
		return grants, annotations.New(&v2.GrantAlreadyExists{}), nil
	}
	change := whimsical.Change{Role: r.id}
	if !active {
		change.Active = pointer(true)
	}
	if _, err := b.client.PatchUser(ctx, id, change); err != nil {
		return nil, nil, orGone(err)
	}
	logChange(ctx, "role granted", id, r.id)

	var annos annotations.Annotations
	if replaced, ok := roleByID(string(user.Role)); ok && active {
		annos = grant.AppendGrantReplaced(annos, replaced.grant(id).GetId())
	}
	return grants, annos, nil
}

// Revoke takes a role from a user. Losing Editor makes the user a Viewer.
// Viewer is the lowest role, so losing it is leaving the workspace: the user
// is deactivated, and ResourceDeleted is reported when the record is gone
// afterwards. A user who does not hold the role (any more) is a success with
// GrantAlreadyRevoked: a stale revoke never promotes and never removes.
//
// It fails with InvalidArgument on a principal that is no user or a role that
// does not exist, and with FailedPrecondition when the role to take Viewer
// from is unknown, or Whimsical accepted the change but did not apply it.
func (b *roleBuilder) Revoke(ctx context.Context, g *v2.Grant) (annotations.Annotations, error) {
	r, id, err := provisioned(g.GetPrincipal(), g.GetEntitlement())
	if err != nil {
		return nil, err
	}
	user, err := b.client.GetUser(ctx, id)
	if err != nil {
		return alreadyRevokedIfGone(err)
	}
	switch {
	case !user.IsActive():
		return alreadyRevoked(), nil
	case r.id == whimsical.RoleEditor && user.Role != whimsical.RoleViewer:
		return b.demote(ctx, id)
	case r.id == whimsical.RoleViewer && user.Role == whimsical.RoleViewer:
		return b.deactivate(ctx, id)
	case r.id == whimsical.RoleViewer && user.Role == whimsical.RoleUnknown:
		return nil, failedPrecondition("Whimsical does not tell this user's role, so Viewer is not revoked: that would remove the user from the workspace. " +
			"Check the user's role in Whimsical's Workspace settings, or delete the account")
	default:
		return alreadyRevoked(), nil
	}
}

func (b *roleBuilder) demote(ctx context.Context, id string) (annotations.Annotations, error) {
	if _, err := b.client.PatchUser(ctx, id, whimsical.Change{Role: whimsical.RoleViewer}); err != nil {
		return alreadyRevokedIfGone(err)
	}
	logChange(ctx, "role revoked", id, whimsical.RoleEditor)
	return nil, nil
}

func (b *roleBuilder) deactivate(ctx context.Context, id string) (annotations.Annotations, error) {
	left, err := b.client.PatchUser(ctx, id, whimsical.Change{Active: pointer(false)})
	if err != nil {
		return alreadyRevokedIfGone(err)
	}
	logChange(ctx, "role revoked", id, whimsical.RoleViewer)
	if left == nil {
		return rs.AppendResourceDeleted(nil, userID(id)), nil
	}
	return nil, nil
}

// provisioned checks the arguments of Grant and Revoke before any request.
func provisioned(principal *v2.Resource, ent *v2.Entitlement) (role, string, error) {
	who, what := principal.GetId(), ent.GetResource().GetId()
	if who.GetResourceType() != userResourceType.GetId() || who.GetResource() == "" {
		return role{}, "", invalidArgument("a role can be granted to a user only, not to a resource of type %q", who.GetResourceType())
	}
	r, ok := roleByID(what.GetResource())
	if !ok || what.GetResourceType() != roleResourceType.GetId() {
		return role{}, "", invalidArgument("%s %q cannot be granted: the roles are editor and viewer", what.GetResourceType(), what.GetResource())
	}
	if slug := ent.GetSlug(); slug != "" && slug != assigned {
		return role{}, "", invalidArgument("the role %s has no entitlement %q: its only one is %s", r.id, slug, assigned)
	}
	return r, who.GetResource(), nil
}

// orGone says of a missing user what it means for a grant.
func orGone(err error) error {
	if isNotFound(err) {
		return notFound("the account is gone from the Whimsical workspace: sync again, and create the account before a role is granted (%v)", err)
	}
	return err
}

func alreadyRevoked() annotations.Annotations {
	return annotations.New(&v2.GrantAlreadyRevoked{})
}

// alreadyRevokedIfGone takes a missing user, who holds no role, for a success.
func alreadyRevokedIfGone(err error) (annotations.Annotations, error) {
	if isNotFound(err) {
		return alreadyRevoked(), nil
	}
	return nil, err
}

func isNotFound(err error) bool {
	return status.Code(err) == codes.NotFound
}

func pointer[T any](value T) *T {
	return &value
}
