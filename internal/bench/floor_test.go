//go:build unix

package bench

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/cli"
	sdkconfig "github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/conductorone/baton-sdk/pkg/types/entitlement"
	"github.com/conductorone/baton-sdk/pkg/types/grant"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
)

// floorUsers is the environment variable that makes this test binary be the floor's
// connector, with so many users.
const floorUsers = "BENCH_FLOOR_USERS"

func TestMain(m *testing.M) {
	if users, err := strconv.Atoi(os.Getenv(floorUsers)); err == nil {
		build := func(context.Context, *config.Whimsical, *cli.ConnectorOpts) (connectorbuilder.ConnectorBuilderV2, []connectorbuilder.Opt, error) {
			return newFloor(users), nil, nil
		}
		sdkconfig.RunConnector(context.Background(), "baton-floor", "bench", field.NewConfiguration(nil), build)
		return
	}
	os.Exit(launch.Main(m))
}

var (
	userType = v2.ResourceType_builder{
		Id: "user", DisplayName: "User", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_USER},
		Annotations: annotations.New(&v2.SkipEntitlements{}),
	}.Build()
	roleType = v2.ResourceType_builder{
		Id: "role", DisplayName: "Role", Traits: []v2.ResourceType_Trait{v2.ResourceType_TRAIT_ROLE},
	}.Build()
	roles = []string{"editor", "viewer"}
)

// floor is a connector that makes no request at all: it returns the seeded users of the simulated workspace, and
// their grants, from memory. What the SDK needs for a sync of it is the floor below which no connector can come.
type floor struct {
	total int
	// members are the holders of each role, by the page that listed them.
	members map[string][][]string
}

func newFloor(users int) *floor { return &floor{total: users, members: map[string][][]string{}} }

func (*floor) Metadata(context.Context) (*v2.ConnectorMetadata, error) {
	return v2.ConnectorMetadata_builder{DisplayName: "Floor"}.Build(), nil
}

func (*floor) Validate(context.Context) (annotations.Annotations, error) { return nil, nil }

func (f *floor) ResourceSyncers(context.Context) []connectorbuilder.ResourceSyncerV2 {
	return []connectorbuilder.ResourceSyncerV2{floorUsersOf{f}, floorRolesOf{f}}
}

type floorUsersOf struct{ *floor }

func (floorUsersOf) ResourceType(context.Context) *v2.ResourceType { return userType }

// List returns pages as the real listing does: the first has 100 rows, the others have 99, and an empty page ends it.
func (u floorUsersOf) List(_ context.Context, _ *v2.ResourceId, opts rs.SyncOpAttrs) ([]*v2.Resource, *rs.SyncOpResults, error) {
	from, _ := strconv.Atoi(opts.PageToken.Token) // our own token; "" is 0
	to := min(from+99, u.total)
	if from == 0 {
		clear(u.members) // of an earlier sync
		to = min(100, u.total)
	}
	var list []*v2.Resource
	members := map[string][]string{}
	for i := from; i < to; i++ {
		person := sim.Person(i)
		list = append(list, user(person))
		role := batontest.RoleOf(person)
		members[role] = append(members[role], person.ID)
	}
	for _, role := range roles {
		u.members[role] = append(u.members[role], members[role])
	}
	if from == to {
		return list, &rs.SyncOpResults{}, nil
	}
	return list, &rs.SyncOpResults{NextPageToken: strconv.Itoa(to)}, nil
}

func (floorUsersOf) Entitlements(context.Context, *v2.Resource, rs.SyncOpAttrs) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	return nil, nil, nil
}

func (floorUsersOf) Grants(context.Context, *v2.Resource, rs.SyncOpAttrs) ([]*v2.Grant, *rs.SyncOpResults, error) {
	return nil, nil, nil
}

// user is the resource that the connector makes of a seeded user.
func user(person sim.User) *v2.Resource {
	status := v2.UserTrait_Status_STATUS_DISABLED
	if person.Active {
		status = v2.UserTrait_Status_STATUS_ENABLED
	}
	values := map[string]any{
		"user_id": person.ID, "user_name": person.UserName, "email": person.Email, "display_name": person.DisplayName,
		"first_name": person.GivenName, "last_name": person.FamilyName, "active": person.Active,
	}
	if role := batontest.RoleOf(person); role != "" {
		values["role"] = role
	}
	profile, err := structpb.NewStruct(values)
	if err != nil {
		panic(err) // of a name that is no UTF-8
	}
	return v2.Resource_builder{
		Id: batontest.Resource("user", person.ID).GetId(), DisplayName: person.DisplayName, Profile: profile,
		Status: v2.Status_builder{Status: v2.Status_ResourceStatus(status)}.Build(), CreatedAt: timestamppb.New(person.Created),
		Annotations: annotations.New(
			v2.UserTrait_builder{
				Login: person.UserName, AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN,
				Status: v2.UserTrait_Status_builder{Status: status}.Build(),
				Emails: []*v2.UserTrait_Email{{Address: person.Email, IsPrimary: true}},
			}.Build(),
			v2.RawId_builder{Id: person.ID}.Build(),
			&v2.SkipGrants{},
		),
	}.Build()
}

type floorRolesOf struct{ *floor }

func (floorRolesOf) ResourceType(context.Context) *v2.ResourceType { return roleType }

func (floorRolesOf) List(context.Context, *v2.ResourceId, rs.SyncOpAttrs) ([]*v2.Resource, *rs.SyncOpResults, error) {
	var list []*v2.Resource
	var errs error
	for _, id := range roles {
		r, err := rs.NewResource(id, roleType, id, rs.WithRoleTrait())
		list, errs = append(list, r), errors.Join(errs, err)
	}
	return list, nil, errs
}

func (floorRolesOf) Entitlements(_ context.Context, r *v2.Resource, _ rs.SyncOpAttrs) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	return []*v2.Entitlement{entitlement.NewAssignmentEntitlement(r, "assigned", entitlement.WithGrantableTo(userType))}, nil, nil
}

// Grants returns as many rows in an answer as the real connector: up to 20 pages or 2,000 members. The token is the
// number of a page.
func (r floorRolesOf) Grants(_ context.Context, resource *v2.Resource, opts rs.SyncOpAttrs) ([]*v2.Grant, *rs.SyncOpResults, error) {
	slim := v2.Resource_builder{Id: resource.GetId()}.Build()
	pages := r.members[resource.GetId().GetResource()]
	next, _ := strconv.Atoi(opts.PageToken.Token) // our own token; "" is 0
	var list []*v2.Grant
	for n := 0; n < 20 && next < len(pages) && len(list) < 2000; n++ {
		for _, id := range pages[next] {
			list = append(list, grant.NewGrant(slim, "assigned", batontest.Resource("user", id).GetId()))
		}
		next++
	}
	if next == len(pages) {
		return list, &rs.SyncOpResults{}, nil
	}
	return list, &rs.SyncOpResults{NextPageToken: strconv.Itoa(next)}, nil
}
