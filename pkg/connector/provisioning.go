package connector

import (
	"context"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

var (
	_ connectorbuilder.ResourceProvisionerV2         = (*roleBuilder)(nil)
	_ connectorbuilder.ResourceTargetedSyncerLimited = (*roleBuilder)(nil)
)

// Grant gives a user the role of the entitlement, and activates a user who is inactive or whose status the
// API does not report. A user who holds it already is a success with GrantAlreadyExists; taking the place of
// the other role is reported with GrantReplaced.
//
// It fails with InvalidArgument on a principal that is no user or a role that does not exist, with NotFound
// when the account is gone, and with FailedPrecondition when Whimsical accepted the change but did not apply
// it.
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
	active := user.Status == whimsical.StatusActive
	if active && user.Role == r.id {
		logUnchanged(ctx, OperationGrant, id, "is "+r.nounPhrase+" already")
		return grants, annotations.New(&v2.GrantAlreadyExists{}), nil
	}
	change := whimsical.Change{Role: r.id}
	if !active {
		change.Status = whimsical.StatusActive
	}
	if _, err := b.client.ChangeUser(ctx, user, change); err != nil {
		return nil, nil, orGone(err)
	}
	logChange(ctx, OperationGrant, id, r.id)

	var annos annotations.Annotations
	if replaced, ok := roleByID(string(user.Role)); ok && active {
		annos = grant.AppendGrantReplaced(annos, replaced.grant(id).GetId())
	}
	return grants, annos, nil
}

// Revoke takes a role from a user, who gets the one below it: losing Editor makes the user a Viewer. Losing
// the lowest role, Viewer, is leaving the workspace: the user is deactivated, and ResourceDeleted is reported
// when the record is gone afterwards. A user who does not hold the role (any more) is a success with
// GrantAlreadyRevoked: a stale revoke never promotes and never removes.
//
// It fails with InvalidArgument on a principal that is no user or a role that does not exist, and with
// FailedPrecondition when Viewer is to be revoked from a user whose role is unknown, or when Whimsical
// accepted the change but did not apply it.
func (b *roleBuilder) Revoke(ctx context.Context, g *v2.Grant) (annotations.Annotations, error) {
	r, id, err := provisioned(g.GetPrincipal(), g.GetEntitlement())
	if err != nil {
		return nil, err
	}
	user, err := b.client.GetUser(ctx, id)
	if err != nil {
		return alreadyRevokedIfGone(ctx, id, err)
	}
	change := whimsical.Change{Role: r.below}
	switch {
	case !user.IsActive():
		return alreadyRevoked(ctx, id, "is inactive already")
	case user.Role != r.id && user.Role != whimsical.RoleUnknown:
		return alreadyRevoked(ctx, id, "is not "+r.nounPhrase)
	case r.below != whimsical.RoleUnknown:
	case user.Role == whimsical.RoleUnknown:
		return nil, failedPrecondition("Whimsical does not report this user's role, so %s is not revoked: that would remove the user from the workspace. "+
			"Check the user's role in Whimsical's Workspace settings, or delete the account", r.displayName)
	default:
		change.Status = whimsical.StatusInactive
	}
	after, err := b.client.ChangeUser(ctx, user, change)
	if err != nil {
		return alreadyRevokedIfGone(ctx, id, err)
	}
	logChange(ctx, OperationRevoke, id, r.id)
	if after == nil {
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
		return role{}, "", invalidArgument("%s %q cannot be granted: the roles are %s", what.GetResourceType(), what.GetResource(), enumerated("and", roleIDs()...))
	}
	if slug := ent.GetSlug(); slug != "" && slug != assigned {
		return role{}, "", invalidArgument("the role %s has no entitlement %q: its only one is %s", r.id, slug, assigned)
	}
	return r, who.GetResource(), nil
}

// orGone explains, for a grant, the NotFound of a user who is missing.
func orGone(err error) error {
	if isNotFound(err) {
		return notFound("the account is gone from the Whimsical workspace, or its ID is mistyped: sync again, and create the account before a role is granted (%w)", err)
	}
	return err
}

func alreadyRevoked(ctx context.Context, id, reason string) (annotations.Annotations, error) {
	logUnchanged(ctx, OperationRevoke, id, reason)
	return annotations.New(&v2.GrantAlreadyRevoked{}), nil
}

// alreadyRevokedIfGone takes a missing user, who holds no role, for a success.
func alreadyRevokedIfGone(ctx context.Context, id string, err error) (annotations.Annotations, error) {
	if isNotFound(err) {
		logMissing(ctx, OperationRevoke, id)
		return annotations.New(&v2.GrantAlreadyRevoked{}), nil
	}
	return nil, err
}

// logChange writes the one line that every change leaves in the log.
func logChange(ctx context.Context, operation, user string, role whimsical.Role) {
	fields := []zap.Field{zap.String("operation", operation), zap.String("user_id", loggedID(user))}
	if role != whimsical.RoleUnknown {
		fields = append(fields, zap.String("role", string(role)))
	}
	ctxzap.Extract(ctx).Info(MessageChanged, fields...)
}

// logUnchanged writes why an operation left the workspace as it was.
func logUnchanged(ctx context.Context, operation, user, reason string) {
	ctxzap.Extract(ctx).Info(MessageUnchanged,
		zap.String("operation", operation), zap.String("user_id", loggedID(user)), zap.String("reason", reason))
}

// logMissing warns that there is nobody to take something from: the user has left, or the id is mistyped.
func logMissing(ctx context.Context, operation, user string) {
	reason := "there is no user with the ID " + user
	if loggedID(user) == HiddenID {
		reason = "there is no user with this ID"
	}
	ctxzap.Extract(ctx).Warn(MessageMissing, zap.String("operation", operation), zap.String("user_id", loggedID(user)), zap.String("reason", reason))
}

// loggedID is a user's id as logs name it: on some servers ids are e-mail addresses, which stay out.
func loggedID(id string) string {
	if id == "" || strings.Contains(id, "@") {
		return HiddenID
	}
	return id
}
