package sim

import (
	"fmt"
	"net/http"

	"github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// newServer returns the library's SCIM server for the users of a workspace. Groups
// are not a resource type, so /Groups answers 404.
func newServer(w *Workspace) (http.Handler, error) {
	extension := schema.Schema{
		ID:   ExtensionSchema,
		Name: optional.NewString("Whimsical User"),
		Attributes: schema.Attributes{schema.SimpleCoreAttribute(schema.SimpleBooleanParams(schema.BooleanParams{
			Name:        "editor",
			Description: optional.NewString("Whether the user is an Editor; a Viewer otherwise."),
		}))},
	}
	server, err := scim.NewServer(&scim.ServerArgs{
		ServiceProviderConfig: &scim.ServiceProviderConfig{
			AuthenticationSchemes: []scim.AuthenticationScheme{{
				Type: scim.AuthenticationTypeOauthBearerToken, Name: "OAuth Bearer Token", Description: "The SCIM token of the workspace.", Primary: true,
			}},
			MaxResults:       w.cfg.PageSize,
			SupportFiltering: true,
			SupportPatch:     true,
		},
		ResourceTypes: []scim.ResourceType{{
			ID:               optional.NewString("User"),
			Name:             "User",
			Endpoint:         "/Users",
			Schema:           schema.CoreUserSchema(),
			SchemaExtensions: []scim.SchemaExtension{{Schema: extension}},
			Handler:          resources{w},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("SCIM server: %w", err)
	}
	return server, nil
}

// resource renders a user. Attributes without a value are left out, as RFC 7643,
// section 2.5, allows.
func resource(u User) scim.Resource {
	attributes := scim.ResourceAttributes{"active": u.Active}
	if u.UserName != "" {
		attributes["userName"] = u.UserName
	}
	if u.GivenName != "" || u.FamilyName != "" {
		attributes["name"] = map[string]string{"givenName": u.GivenName, "familyName": u.FamilyName}
	}
	if u.DisplayName != "" {
		attributes["displayName"] = u.DisplayName
	}
	if u.Email != "" {
		attributes["emails"] = []map[string]any{{"value": u.Email, "type": "work", "primary": true}}
	}
	if u.Editor != nil {
		attributes[ExtensionSchema] = map[string]bool{"editor": *u.Editor}
	}
	var meta scim.Meta
	if !u.Created.IsZero() {
		meta.Created = &u.Created
	}
	return scim.Resource{ID: u.ID, Attributes: attributes, Meta: meta}
}
