package e2e

import (
	"context"
	"reflect"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const (
	userType = "user"
	roleType = "role"
)

// account is what a c1z says of a user.
type account struct {
	Name, Login, Email string
	Enabled            bool
}

// census is what a c1z holds, each thing by its id.
type census struct {
	ResourceTypes map[string]bool
	Users         map[string]account
	Roles         map[string]bool
	Entitlements  map[string]bool
	// Grants maps a grant to its principal.
	Grants map[string]string
}

func newCensus() census {
	return census{
		ResourceTypes: map[string]bool{},
		Users:         map[string]account{},
		Roles:         map[string]bool{},
		Entitlements:  map[string]bool{},
		Grants:        map[string]string{},
	}
}

// expected returns the census that a full sync of a workspace with these users has
// to yield.
func expected(users []sim.User) census {
	c := newCensus()
	c.ResourceTypes[userType], c.ResourceTypes[roleType] = true, true
	for _, role := range []string{"editor", "viewer"} {
		c.Roles[role] = true
		c.Entitlements[entitlementID(role)] = true
	}
	for _, u := range users {
		if u.Pending {
			continue
		}
		c.Users[u.ID] = account{Name: u.DisplayName, Login: u.UserName, Email: u.Email, Enabled: u.Active}
		if role := roleOf(u); role != "" {
			c.Grants[grantID(role, u.ID)] = u.ID
		}
	}
	return c
}

// roleOf returns the role that a user holds, or "".
func roleOf(u sim.User) string {
	switch {
	case isEditor(u):
		return "editor"
	case isViewer(u):
		return "viewer"
	default:
		return ""
	}
}

func entitlementID(role string) string { return "role:" + role + ":assigned" }

func grantID(role, user string) string { return entitlementID(role) + ":user:" + user }

// check compares a census with the expected one, part by part.
func (c census) check(t *testing.T, want census) {
	t.Helper()
	got, expected := reflect.ValueOf(c), reflect.ValueOf(want)
	for i := range got.NumField() {
		if !reflect.DeepEqual(got.Field(i).Interface(), expected.Field(i).Interface()) {
			t.Errorf("%s:\n got %v\nwant %v", got.Type().Field(i).Name, got.Field(i), expected.Field(i))
		}
	}
}

// count reads a c1z. It fails the test when an id occurs twice, and when the file
// holds no finished sync.
func count(ctx context.Context, t *testing.T, path string) census {
	t.Helper()
	store, err := dotc1z.NewStore(ctx, path, dotc1z.WithReadOnly(true), dotc1z.WithTmpDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	c := newCensus()
	c.countTypes(ctx, t, store)
	for resourceType := range c.ResourceTypes {
		c.countResources(ctx, t, store, resourceType)
	}
	c.countEntitlements(ctx, t, store)
	c.countGrants(ctx, t, store)
	return c
}

func (c census) countTypes(ctx context.Context, t *testing.T, store connectorstore.Reader) {
	t.Helper()
	pages(t, func(token string) ([]*v2.ResourceType, string, error) {
		resp, err := store.ListResourceTypes(ctx, v2.ResourceTypesServiceListResourceTypesRequest_builder{PageToken: token}.Build())
		return resp.GetList(), resp.GetNextPageToken(), err
	}, func(resourceType *v2.ResourceType) {
		once(t, c.ResourceTypes, resourceType.GetId(), true)
	})
}

func (c census) countResources(ctx context.Context, t *testing.T, store connectorstore.Reader, resourceType string) {
	t.Helper()
	pages(t, func(token string) ([]*v2.Resource, string, error) {
		resp, err := store.ListResources(ctx, v2.ResourcesServiceListResourcesRequest_builder{
			ResourceTypeId: resourceType, PageToken: token,
		}.Build())
		return resp.GetList(), resp.GetNextPageToken(), err
	}, func(resource *v2.Resource) {
		switch id := resource.GetId().GetResource(); resourceType {
		case userType:
			once(t, c.Users, id, accountOf(t, resource))
		case roleType:
			once(t, c.Roles, id, true)
		default:
			t.Errorf("resource %s of the unknown type %s", id, resourceType)
		}
	})
}

func (c census) countEntitlements(ctx context.Context, t *testing.T, store connectorstore.Reader) {
	t.Helper()
	pages(t, func(token string) ([]*v2.Entitlement, string, error) {
		resp, err := store.ListEntitlements(ctx, v2.EntitlementsServiceListEntitlementsRequest_builder{PageToken: token}.Build())
		return resp.GetList(), resp.GetNextPageToken(), err
	}, func(entitlement *v2.Entitlement) {
		once(t, c.Entitlements, entitlement.GetId(), true)
	})
}

func (c census) countGrants(ctx context.Context, t *testing.T, store connectorstore.Reader) {
	t.Helper()
	pages(t, func(token string) ([]*v2.Grant, string, error) {
		resp, err := store.ListGrants(ctx, v2.GrantsServiceListGrantsRequest_builder{PageToken: token}.Build())
		return resp.GetList(), resp.GetNextPageToken(), err
	}, func(grant *v2.Grant) {
		once(t, c.Grants, grant.GetId(), grant.GetPrincipal().GetId().GetResource())
	})
}

// pages calls visit for every row of a listing.
func pages[T any](t *testing.T, list func(token string) ([]T, string, error), visit func(T)) {
	t.Helper()
	for token := ""; ; {
		rows, next, err := list(token)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			visit(row)
		}
		if next == "" {
			return
		}
		token = next
	}
}

func once[V any](t *testing.T, seen map[string]V, id string, value V) {
	t.Helper()
	if _, ok := seen[id]; ok {
		t.Errorf("%s occurs twice", id)
	}
	seen[id] = value
}

// accountOf reads a user resource.
func accountOf(t *testing.T, resource *v2.Resource) account {
	t.Helper()
	trait := &v2.UserTrait{}
	annos := annotations.Annotations(resource.GetAnnotations())
	if ok, err := annos.Pick(trait); err != nil || !ok {
		t.Errorf("user %s has no user trait: %v", resource.GetId().GetResource(), err)
	}
	found := account{
		Name:    resource.GetDisplayName(),
		Login:   trait.GetLogin(),
		Enabled: resource.GetStatus().GetStatus() == v2.Status_RESOURCE_STATUS_ENABLED,
	}
	// Readers of the trait take it for the status of the user.
	if enabled := trait.GetStatus().GetStatus() == v2.UserTrait_Status_STATUS_ENABLED; enabled != found.Enabled { //nolint:staticcheck // see above
		t.Errorf("user %s is enabled in the trait: %t, on the resource: %t", found.Login, enabled, found.Enabled)
	}
	for _, email := range trait.GetEmails() {
		if email.GetIsPrimary() {
			found.Email = email.GetAddress()
		}
	}
	return found
}

// outcome returns what an error says, for messages.
func outcome(err error) string {
	if err == nil {
		return "success"
	}
	return status.Convert(err).Code().String() + ": " + status.Convert(err).Message()
}
