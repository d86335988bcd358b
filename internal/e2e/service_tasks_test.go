//go:build unix

package e2e

import (
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
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

func grantTask(role, user string) *v1.Task {
	return v1.Task_builder{
		Grant: v1.Task_GrantTask_builder{Entitlement: batontest.Entitlement(role), Principal: batontest.Resource(userType, user)}.Build(),
	}.Build()
}

func revokeTask(role, user string) *v1.Task {
	return v1.Task_builder{Revoke: v1.Task_RevokeTask_builder{Grant: batontest.Grant(role, user)}.Build()}.Build()
}

func createTask(email, role string) *v1.Task {
	return v1.Task_builder{
		CreateAccount: v1.Task_CreateAccountTask_builder{
			AccountInfo: v2.AccountInfo_builder{
				Emails:  []*v2.AccountInfo_Email{v2.AccountInfo_Email_builder{Address: email, IsPrimary: true}.Build()},
				Login:   email,
				Profile: object(map[string]string{"email": email, "first_name": "Ada", "last_name": "Lovelace", "role": role}),
			}.Build(),
			CredentialOptions: v2.CredentialOptions_builder{NoPassword: &v2.CredentialOptions_NoPassword{}}.Build(),
		}.Build(),
	}.Build()
}

func deleteTask(user string) *v1.Task {
	return v1.Task_builder{DeleteResource: v1.Task_DeleteResourceTask_builder{ResourceId: batontest.Resource(userType, user).GetId()}.Build()}.Build()
}

func actionTask(name, user string) *v1.Task {
	return v1.Task_builder{
		ActionInvoke: v1.Task_ActionInvokeTask_builder{Name: name, Args: object(map[string]string{"user_id": user})}.Build(),
	}.Build()
}

func object(texts map[string]string) *structpb.Struct {
	fields := map[string]*structpb.Value{}
	for name, text := range texts {
		fields[name] = structpb.NewStringValue(text)
	}
	return &structpb.Struct{Fields: fields}
}
