package batontest

import (
	"context"
	"fmt"
	"slices"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/types/entitlement"
	"github.com/conductorone/baton-sdk/pkg/types/grant"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// Access is who may do what, as one line for each thing: "user ID" with what is said of the user, "role ID",
// "entitlement ID" and "grant ID". Two of them compare with == line by line, see [Access.Differences].
type Access map[string]string

// Access returns what a picture says. A user without a trait, or of whom the trait and
// the resource say different things, has a line that no expectation has.
func (p *Picture) Access() Access {
	a := Access{}
	for _, r := range p.Resources {
		kind, id, said := r.GetId().GetResourceType(), r.GetId().GetResource(), ""
		if kind == "user" {
			said = account(r)
		}
		a[kind+" "+id] = said
	}
	for id := range p.Entitlements {
		a["entitlement "+id] = ""
	}
	for id, g := range p.Grants {
		a["grant "+id] = g.GetPrincipal().GetId().GetResource()
	}
	return a
}

func account(r *v2.Resource) string {
	trait := &v2.UserTrait{}
	annos := annotations.Annotations(r.GetAnnotations())
	if ok, err := annos.Pick(trait); err != nil || !ok {
		return fmt.Sprintf("without a user trait: %v", err)
	}
	enabled := r.GetStatus().GetStatus() == v2.Status_RESOURCE_STATUS_ENABLED
	// Readers of the trait take it for the status of the user.
	if inTrait := trait.GetStatus().GetStatus() == v2.UserTrait_Status_STATUS_ENABLED; inTrait != enabled { //nolint:staticcheck // see above
		return "enabled in the trait or on the resource, not both"
	}
	email := ""
	if primary := slices.IndexFunc(trait.GetEmails(), (*v2.UserTrait_Email).GetIsPrimary); primary >= 0 {
		email = trait.GetEmails()[primary].GetAddress()
	}
	return describe(r.GetDisplayName(), trait.GetLogin(), email, enabled)
}

func describe(name, login, email string, enabled bool) string {
	return fmt.Sprintf("%s, login %s, e-mail %s, enabled %t", name, login, email, enabled)
}

// Expected returns what a full sync of a workspace with these users has to say.
func Expected(users []sim.User) Access {
	a := Access{}
	for _, role := range Roles {
		a["role "+role] = ""
		a["entitlement "+Entitlement(role).GetId()] = ""
	}
	for _, u := range users {
		if u.Pending {
			continue
		}
		a["user "+u.ID] = describe(u.DisplayName, u.UserName, u.Email, u.Active)
		if role := RoleOf(u); role != "" {
			a["grant "+Grant(role, u.ID).GetId()] = u.ID
		}
	}
	return a
}

// Differences returns one line for each thing that is not as in want, sorted.
func (a Access) Differences(want Access) []string {
	var lines []string
	for thing, said := range a {
		if wanted, ok := want[thing]; !ok {
			lines = append(lines, thing+" should not be there")
		} else if said != wanted {
			lines = append(lines, fmt.Sprintf("%s is %q, want %q", thing, said, wanted))
		}
	}
	for thing := range want {
		if _, ok := a[thing]; !ok {
			lines = append(lines, thing+" is missing")
		}
	}
	slices.Sort(lines)
	return lines
}

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

// RegisterAction implements actions.ActionRegistry, under another name.
func (a ActionHandlers) RegisterAction(ctx context.Context, _ string, schema *v2.BatonActionSchema, handler actions.ActionHandler) error {
	return a.Register(ctx, schema, handler)
}

// Differences returns one line for each id that is not in both lists equally often, sorted: the id, and how
// often it is in got more than in want.
func Differences(got, want []string) []string {
	more := map[string]int{}
	for _, id := range got {
		more[id]++
	}
	for _, id := range want {
		more[id]--
	}
	var lines []string
	for id, n := range more {
		if n != 0 {
			lines = append(lines, fmt.Sprintf("%s %+d", id, n))
		}
	}
	slices.Sort(lines)
	return lines
}
