package connector

import (
	"context"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/types/entitlement"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

const (
	// assigned is the slug of the one entitlement of each role.
	assigned = "assigned"
	// exclusionGroup ties the two entitlements together: a member holds exactly one of them. It has no default:
	// with one, ConductorOne would grant Viewer whenever Editor is revoked, and a late revoke would activate
	// somebody who has left.
	exclusionGroup = "whimsical-workspace-role"
)

// role is one of the two roles of a workspace. They are the same in every workspace, and no API lists them.
// The order in the exclusion group rises with what the role may do.
//
// Source: https://help.whimsical.com/workspaces/roles
type role struct {
	id          whimsical.Role
	displayName string
	// nounPhrase is how sentences name somebody who holds the role.
	nounPhrase  string
	description string
	order       uint32
	// below is the role that remains where this one is revoked, RoleUnknown where none does: who loses the
	// lowest role leaves the workspace.
	below whimsical.Role
}

var roles = []role{
	{
		id: whimsical.RoleEditor, displayName: "Editor", nounPhrase: "an Editor", order: 2, below: whimsical.RoleViewer,
		description: "Creates and edits boards, docs and projects. Every Editor is a paid seat.",
	},
	{
		id: whimsical.RoleViewer, displayName: "Viewer", nounPhrase: "a Viewer", order: 1,
		description: "Views and comments. Viewers are free.",
	},
}

// roleByID returns the role with the given resource id.
func roleByID(id string) (role, bool) {
	for _, r := range roles {
		if string(r.id) == id {
			return r, true
		}
	}
	return role{}, false
}

// existingRole returns the role with the id of a resource, or an error with a code.
func existingRole(id *v2.ResourceId, code codes.Code) (role, error) {
	if r, ok := roleByID(id.GetResource()); ok {
		return r, nil
	}
	return role{}, whimsical.Errorf(code, "there is no role %q: the roles are %s", id.GetResource(), enumerated("and", roleIDs()...))
}

// roleIDs returns the ids of all roles.
func roleIDs() []string {
	var ids []string
	for _, r := range roles {
		ids = append(ids, string(r.id))
	}
	return ids
}

// enumerated names two things or more in a sentence, the last one after a conjunction.
func enumerated(conjunction string, names ...string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " " + conjunction + " " + names[last]
}

// RoleHolder returns how a sentence names somebody who holds a role, such as "an Editor".
func RoleHolder(id string) string {
	if r, ok := roleByID(id); ok {
		return r.nounPhrase
	}
	return "in the role " + id
}

// reference returns the role's resource with its id alone, which is all that a grant needs.
func (r role) reference() *v2.Resource {
	return v2.Resource_builder{Id: v2.ResourceId_builder{ResourceType: roleResourceType.GetId(), Resource: string(r.id)}.Build()}.Build()
}

// resource returns the role's whole resource.
func (r role) resource() (*v2.Resource, error) {
	options := []rs.ResourceOption{
		rs.WithDescription(r.description), rs.WithRoleTrait(), rs.WithAnnotation(v2.RawId_builder{Id: string(r.id)}.Build()),
	}
	if r.id == whimsical.RoleEditor { // the only paid seat
		options = append(options, rs.WithLicenseProfileTrait(
			rs.WithLicenseName(r.displayName), rs.WithLicenseEntitlementIDs(entitlement.NewEntitlementID(r.reference(), assigned))))
	}
	return rs.NewResource(r.displayName, roleResourceType, string(r.id), options...)
}

// grant returns the grant of the role to a user, by ids alone: whole resources would fill the SDK's answers.
func (r role) grant(user string) *v2.Grant {
	return grant.NewGrant(r.reference(), assigned, userID(user))
}

type roleBuilder struct {
	client  *whimsical.Client
	members *members
}

// ResourceType returns the type "role".
func (b *roleBuilder) ResourceType(context.Context) *v2.ResourceType {
	return roleResourceType
}

// List returns both roles.
func (b *roleBuilder) List(context.Context, *v2.ResourceId, rs.SyncOpAttrs) ([]*v2.Resource, *rs.SyncOpResults, error) {
	resources := make([]*v2.Resource, 0, len(roles))
	for _, r := range roles {
		resource, err := r.resource()
		if err != nil {
			return nil, nil, internal("the role %s cannot be built: %w", r.id, err)
		}
		resources = append(resources, resource)
	}
	return resources, nil, nil
}

// Get returns one role, for a targeted sync.
func (b *roleBuilder) Get(_ context.Context, id *v2.ResourceId, _ *v2.ResourceId) (*v2.Resource, annotations.Annotations, error) {
	r, err := existingRole(id, codes.NotFound)
	if err != nil {
		return nil, nil, err
	}
	resource, err := r.resource()
	return resource, nil, err
}

// Entitlements returns the role's one entitlement, "assigned".
func (b *roleBuilder) Entitlements(_ context.Context, resource *v2.Resource, _ rs.SyncOpAttrs) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	r, err := existingRole(resource.GetId(), codes.InvalidArgument)
	if err != nil {
		return nil, nil, err
	}
	return []*v2.Entitlement{entitlement.NewAssignmentEntitlement(resource, assigned,
		entitlement.WithGrantableTo(userResourceType),
		entitlement.WithDisplayName(r.displayName+" role"),
		entitlement.WithDescription(r.description),
		entitlement.WithExclusionGroupOrder(exclusionGroup, r.order),
	)}, nil, nil
}

// Grants returns who holds the role. One call returns several of the pages that List stored, without a
// request. A page that is not stored (the users are not part of this sync, or the store was lost) is read
// from the API, one a call.
func (b *roleBuilder) Grants(ctx context.Context, resource *v2.Resource, opts rs.SyncOpAttrs) ([]*v2.Grant, *rs.SyncOpResults, error) {
	r, err := existingRole(resource.GetId(), codes.InvalidArgument)
	if err != nil {
		return nil, nil, err
	}
	var grants []*v2.Grant
	var results *rs.SyncOpResults
	err = b.members.outage.watch(func() error {
		ids, next, limit, err := b.members.of(ctx, r.id, opts)
		for _, id := range ids {
			grants = append(grants, r.grant(id))
		}
		results = &rs.SyncOpResults{NextPageToken: next, Annotations: withRateLimit(limit)}
		return err
	})
	return grants, results, err
}
