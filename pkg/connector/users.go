package connector

import (
	"cmp"
	"context"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

const (
	// maxText is the SDK's limit of an id, a login and a display name in bytes, and ours of a profile's texts.
	maxText = 1024
	// maxMessage is the SDK's limit of a message, 4 MiB, less 64 KiB for what surrounds the users.
	maxMessage = 4<<20 - 64<<10
	// So many users always fit, since their texts are cut: their size, which costs time, is not measured.
	alwaysFit = 250

	// ProfileUserID is the profile's key of the SCIM id, and the name of the actions' argument.
	ProfileUserID = "user_id"
	// profileRole and profileActive are the keys from which a user's own Grants reads the role back.
	profileRole   = "role"
	profileActive = "active"
	// ProfileEmail is a key of an account's profile and of a user's, as are first_name and last_name.
	ProfileEmail = "email"
	// ProfileLogin is the SDK's key of an account's login.
	ProfileLogin                        = "login"
	profileFirstName, profileLastName   = "first_name", "last_name"
	profileGivenName, profileFamilyName = "given_name", "family_name" // the same names, in an account only
)

// maxUserID leaves room for what stands before it in the id of a grant of any role.
var maxUserID = maxText - len(slices.MaxFunc(roles, func(a, b role) int { return cmp.Compare(len(a.id), len(b.id)) }).grant("").GetId())

type userBuilder struct {
	client  *whimsical.Client
	members *members
}

// ResourceType returns the type "user".
func (b *userBuilder) ResourceType(context.Context) *v2.ResourceType {
	return userResourceType
}

// List returns the users of one page. It also stores which of them hold which role, where the roles' Grants
// look before they ask the API.
func (b *userBuilder) List(ctx context.Context, _ *v2.ResourceId, opts rs.SyncOpAttrs) ([]*v2.Resource, *rs.SyncOpResults, error) {
	var page *whimsical.UserPage
	err := b.members.outage.watch(func() error {
		var err error
		page, _, err = b.members.read(ctx, opts, false)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	resources := make([]*v2.Resource, 0, len(page.Users))
	for _, user := range page.Users {
		resource, err := userResource(user)
		if err != nil {
			return nil, nil, err
		}
		// A full sync takes the grants from the roles: the SDK needs a millisecond to ask a user as well.
		annos := annotations.Annotations(resource.GetAnnotations())
		annos.Append(&v2.SkipGrants{})
		resource.SetAnnotations(annos)
		resources = append(resources, resource)
	}
	if len(resources) > alwaysFit && proto.Size(v2.ResourcesServiceListResourcesResponse_builder{List: resources}.Build()) > maxMessage {
		return nil, nil, failedPrecondition("the %d users of one answer take more than 4 MiB, which is more than Baton takes at once: the sync stops here", len(resources))
	}
	return resources, &rs.SyncOpResults{NextPageToken: page.Next, Annotations: withRateLimit(page.RateLimit)}, nil
}

// Get returns one user, for a targeted sync.
func (b *userBuilder) Get(ctx context.Context, id *v2.ResourceId, _ *v2.ResourceId) (*v2.Resource, annotations.Annotations, error) {
	var resource *v2.Resource
	err := b.members.outage.watch(func() error {
		user, err := b.client.GetUser(ctx, id.GetResource())
		if err == nil {
			resource, err = userResource(user)
		}
		return err
	})
	return resource, nil, err
}

// Entitlements returns none: users grant nothing.
func (b *userBuilder) Entitlements(context.Context, *v2.Resource, rs.SyncOpAttrs) ([]*v2.Entitlement, *rs.SyncOpResults, error) {
	return nil, nil, nil
}

// Grants returns the role of a user that Get returned, so that a targeted sync of a user holds what the user
// may do. A full sync does not call it.
func (b *userBuilder) Grants(_ context.Context, resource *v2.Resource, _ rs.SyncOpAttrs) ([]*v2.Grant, *rs.SyncOpResults, error) {
	profile := rs.GetProfile(resource).GetFields()
	if active, ok := profile[profileActive]; ok && !active.GetBoolValue() {
		return nil, nil, nil
	}
	role, ok := roleByID(profile[profileRole].GetStringValue())
	if !ok {
		return nil, nil, nil
	}
	return []*v2.Grant{role.grant(resource.GetId().GetResource())}, nil, nil
}

// userResource builds the resource of a user. It fails only on an id that the SDK cannot store.
func userResource(user *whimsical.User) (*v2.Resource, error) {
	if len(user.ID) > maxUserID {
		return nil, failedPrecondition("a user's SCIM id is longer than %d bytes, which Baton cannot store", maxUserID)
	}
	traitStatus, status := userStatus(user)
	trait, err := anypb.New(userTrait(user, traitStatus))
	if err != nil {
		return nil, internal("the user trait cannot be encoded: %w", err)
	}
	annos := annotations.Annotations{trait}
	annos.Append(v2.RawId_builder{Id: user.ID}.Build())
	resource := v2.Resource_builder{
		Id:          userID(user.ID),
		DisplayName: truncated(user.Name(), maxText),
		Annotations: annos,
		Profile:     userProfile(user),
		Status:      v2.Status_builder{Status: status}.Build(),
	}.Build()
	if !user.Created.IsZero() {
		resource.SetCreatedAt(timestamppb.New(user.Created))
	}
	return resource, nil
}

func userID(id string) *v2.ResourceId {
	return v2.ResourceId_builder{ResourceType: userResourceType.GetId(), Resource: id}.Build()
}

// userTrait holds what has no place on the resource itself, and the status: readers of the trait take a
// missing one for "enabled".
func userTrait(user *whimsical.User, status v2.UserTrait_Status_Status) *v2.UserTrait {
	trait := v2.UserTrait_builder{
		Login:       truncated(user.UserName, maxText),
		AccountType: v2.UserTrait_ACCOUNT_TYPE_HUMAN,
		Status:      v2.UserTrait_Status_builder{Status: status}.Build(),
	}.Build()
	// userName is the e-mail address, also where the API returned no emails.
	for _, address := range []string{user.Email, user.UserName} {
		if isEmail(address) {
			trait.SetEmails([]*v2.UserTrait_Email{{Address: address, IsPrimary: true}})
			break
		}
	}
	return trait
}

// userStatus returns a user's status as the trait and as the resource name it.
func userStatus(user *whimsical.User) (v2.UserTrait_Status_Status, v2.Status_ResourceStatus) {
	switch user.Status {
	case whimsical.StatusUnreadable:
		return v2.UserTrait_Status_STATUS_UNSPECIFIED, v2.Status_RESOURCE_STATUS_UNSPECIFIED
	case whimsical.StatusInactive:
		return v2.UserTrait_Status_STATUS_DISABLED, v2.Status_RESOURCE_STATUS_DISABLED
	default:
		return v2.UserTrait_Status_STATUS_ENABLED, v2.Status_RESOURCE_STATUS_ENABLED
	}
}

// userProfile holds what the API sent, cut where it is excessive, and nothing else. Its keys are part of the
// connector's contract.
func userProfile(user *whimsical.User) *structpb.Struct {
	fields := make(map[string]*structpb.Value, 9)
	for key, value := range map[string]string{
		ProfileUserID: user.ID, "user_name": user.UserName, ProfileEmail: user.Email, profileRole: string(user.Role),
		"display_name": user.DisplayName, profileFirstName: user.GivenName, profileLastName: user.FamilyName, "formatted_name": user.FormattedName,
	} {
		if value != "" {
			fields[key] = structpb.NewStringValue(truncated(value, maxText))
		}
	}
	if user.Status.Reported() {
		fields[profileActive] = structpb.NewBoolValue(user.IsActive())
	}
	return &structpb.Struct{Fields: fields}
}

// isEmail reports whether an address passes the SDK's own check of a trait.
func isEmail(address string) bool {
	parsed, err := mail.ParseAddress(address)
	return err == nil && parsed.Address == address && len(address) <= 254 && strings.Contains(address, "@")
}

// truncated cuts s to at most limit bytes without splitting a character.
func truncated(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
