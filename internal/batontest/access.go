package batontest

import (
	"fmt"
	"slices"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// Access is who may do what, as one line for each thing: "user ID" with what is said of the user, "role ID",
// "entitlement ID" and "grant ID" with the user's id. [Access.Differences] compares two of them line by line.
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
