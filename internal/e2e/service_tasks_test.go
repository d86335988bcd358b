//go:build unix

package e2e

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/synctest"
)

func helloTask() *v1.Task {
	return v1.Task_builder{Hello: &v1.Task_HelloTask{}}.Build()
}

func fullSync() *v1.Task {
	return v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}}.Build()
}

func targetedSync(resources ...*v2.Resource) *v1.Task {
	return v1.Task_builder{SyncFull: v1.Task_SyncFullTask_builder{TargetedSyncResources: resources}.Build()}.Build()
}

func resourceID(resourceType, id string) *v2.ResourceId {
	return v2.ResourceId_builder{ResourceType: resourceType, Resource: id}.Build()
}

// resource returns a resource as ConductorOne sends it, with what it had synced left
// out.
func resource(resourceType, id string) *v2.Resource {
	return v2.Resource_builder{Id: resourceID(resourceType, id)}.Build()
}

func entitlement(role string) *v2.Entitlement {
	return v2.Entitlement_builder{Id: synctest.EntitlementID(role), Resource: resource(roleType, role), Slug: "assigned"}.Build()
}

func grantTask(role, user string) *v1.Task {
	return v1.Task_builder{
		Grant: v1.Task_GrantTask_builder{Entitlement: entitlement(role), Principal: resource(userType, user)}.Build(),
	}.Build()
}

func revokeTask(role, user string) *v1.Task {
	grant := v2.Grant_builder{Id: synctest.GrantID(role, user), Entitlement: entitlement(role), Principal: resource(userType, user)}.Build()
	return v1.Task_builder{Revoke: v1.Task_RevokeTask_builder{Grant: grant}.Build()}.Build()
}

func createTask(t *testing.T, email, role string) *v1.Task {
	t.Helper()
	return v1.Task_builder{
		CreateAccount: v1.Task_CreateAccountTask_builder{
			AccountInfo: v2.AccountInfo_builder{
				Emails:  []*v2.AccountInfo_Email{v2.AccountInfo_Email_builder{Address: email, IsPrimary: true}.Build()},
				Login:   email,
				Profile: object(t, map[string]any{"email": email, "first_name": "Ada", "last_name": "Lovelace", "role": role}),
			}.Build(),
			CredentialOptions: v2.CredentialOptions_builder{NoPassword: &v2.CredentialOptions_NoPassword{}}.Build(),
		}.Build(),
	}.Build()
}

func deleteTask(user string) *v1.Task {
	return v1.Task_builder{DeleteResource: v1.Task_DeleteResourceTask_builder{ResourceId: resourceID(userType, user)}.Build()}.Build()
}

func actionTask(t *testing.T, name, user string) *v1.Task {
	t.Helper()
	return v1.Task_builder{
		ActionInvoke: v1.Task_ActionInvokeTask_builder{Name: name, Args: object(t, map[string]any{"user_id": user})}.Build(),
	}.Build()
}

func object(t *testing.T, fields map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(fields)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
