package batontest

import (
	"context"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/types/entitlement"
	"github.com/conductorone/baton-sdk/pkg/types/grant"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// Roles are the ids of the roles, by what Whimsical calls "editor".
var Roles = map[bool]string{true: "editor", false: "viewer"}

// RoleOf returns the role that a user holds, or "".
func RoleOf(u sim.User) string {
	if !u.Active {
		return ""
	}
	return ReportedRole(u)
}

// ReportedRole returns the role that the API reports of a user, active or not, or "".
func ReportedRole(u sim.User) string {
	if u.Editor == nil {
		return ""
	}
	return Roles[*u.Editor]
}

// Resource returns a resource as ConductorOne sends it, without what was synced of it.
func Resource(resourceType, id string) *v2.Resource {
	return v2.Resource_builder{Id: v2.ResourceId_builder{ResourceType: resourceType, Resource: id}.Build()}.Build()
}

// Entitlement returns the entitlement of a role as ConductorOne sends it.
func Entitlement(role string) *v2.Entitlement {
	resource := Resource("role", role)
	return v2.Entitlement_builder{
		Id: entitlement.NewEntitlementID(resource, "assigned"), Resource: resource, Slug: "assigned",
	}.Build()
}

// Grant returns the grant of a role to a user as ConductorOne sends it.
func Grant(role, user string) *v2.Grant {
	principal, held := Resource("user", user), Entitlement(role)
	return v2.Grant_builder{Id: grant.NewGrantID(principal, held), Entitlement: held, Principal: principal}.Build()
}

// ActionHandlers are the handlers of a connector's actions by name: an action registry.
type ActionHandlers map[string]actions.ActionHandler

// Register implements actions.ActionRegistry.
func (a ActionHandlers) Register(_ context.Context, schema *v2.BatonActionSchema, handler actions.ActionHandler) error {
	a[schema.GetName()] = handler
	return nil
}

// RegisterAction implements actions.ActionRegistry. It is Register; the name is ignored.
func (a ActionHandlers) RegisterAction(ctx context.Context, _ string, schema *v2.BatonActionSchema, handler actions.ActionHandler) error {
	return a.Register(ctx, schema, handler)
}
