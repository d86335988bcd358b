package connector

import (
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
)

var (
	// userResourceType are the users of the workspace; id = SCIM id.
	userResourceType = v2.ResourceType_builder{
		Id:          "user",
		DisplayName: "User",
		Description: "A user of the Whimsical workspace",
		Traits:      []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER},
		Annotations: annotations.New(&v2.SkipEntitlements{}, scimPermissions()),
	}.Build()

	// roleResourceType are the two roles of the workspace: "editor" and "viewer".
	roleResourceType = v2.ResourceType_builder{
		Id:          "role",
		DisplayName: "Role",
		Description: "A role in the Whimsical workspace: every member holds exactly one",
		Traits:      []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE, v2.ResourceType_TRAIT_LICENSE_PROFILE},
		Annotations: annotations.New(scimPermissions()),
	}.Build()
)

func scimPermissions() *v2.CapabilityPermissions {
	return v2.CapabilityPermissions_builder{
		Permissions: []*v2.CapabilityPermission{{Permission: "The workspace's SCIM OAuth token"}},
	}.Build()
}
