package sim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// The attributes of a user, by their canonical names (RFC 7643, section 4.1).
const (
	attrUserName    = "userName"
	attrName        = "name"
	attrGivenName   = "givenName"
	attrFamilyName  = "familyName"
	attrDisplayName = "displayName"
	attrEmails      = "emails"
	attrActive      = "active"
	attrEditor      = "editor"
)

// editorPath is the fully qualified path of the role (RFC 7644, section 3.10).
const editorPath = ExtensionSchema + ":" + attrEditor

// newServer returns the library's SCIM server for the users of a workspace. Groups
// are not a resource type, so /Groups answers 404.
func newServer(w *Workspace) (http.Handler, error) {
	server, err := scim.NewServer(&scim.ServerArgs{
		ServiceProviderConfig: &scim.ServiceProviderConfig{
			AuthenticationSchemes: []scim.AuthenticationScheme{{
				Type:        scim.AuthenticationTypeOauthBearerToken,
				Name:        "OAuth Bearer Token",
				Description: "The SCIM token of the workspace.",
				Primary:     true,
			}},
			MaxResults:       w.cfg.PageSize,
			SupportFiltering: true,
			SupportPatch:     true,
		},
		ResourceTypes: []scim.ResourceType{{
			ID:               optional.NewString("User"),
			Name:             "User",
			Description:      optional.NewString("Member of the workspace"),
			Endpoint:         usersEndpoint,
			Schema:           schema.CoreUserSchema(),
			SchemaExtensions: []scim.SchemaExtension{{Schema: extensionSchema()}},
			Handler:          resources{w},
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("SCIM server: %w", err)
	}
	return server, nil
}

func extensionSchema() schema.Schema {
	return schema.Schema{
		ID:          ExtensionSchema,
		Name:        optional.NewString("Whimsical User"),
		Description: optional.NewString("Whimsical's extension of the core User schema"),
		Attributes: schema.Attributes{
			schema.SimpleCoreAttribute(schema.SimpleBooleanParams(schema.BooleanParams{
				Name:        attrEditor,
				Description: optional.NewString("Whether the user is an Editor; a Viewer otherwise."),
			})),
		},
	}
}

// The complex attributes of a user on the wire. They are structs because encoding
// them costs a fraction of what maps cost, and a page holds a hundred of each.
type (
	nameValue struct {
		GivenName  string `json:"givenName,omitempty"`
		FamilyName string `json:"familyName,omitempty"`
	}
	emailValue struct {
		Value   string `json:"value"`
		Type    string `json:"type"`
		Primary bool   `json:"primary"`
	}
	extensionValue struct {
		Editor bool `json:"editor"`
	}
)

// resource renders a user. Attributes without a value are left out, as RFC 7643,
// section 2.5, allows.
func resource(u User) scim.Resource {
	attributes := scim.ResourceAttributes{attrActive: u.Active}
	if u.UserName != "" {
		attributes[attrUserName] = u.UserName
	}
	if u.GivenName != "" || u.FamilyName != "" {
		attributes[attrName] = nameValue{GivenName: u.GivenName, FamilyName: u.FamilyName}
	}
	if u.DisplayName != "" {
		attributes[attrDisplayName] = u.DisplayName
	}
	if u.Email != "" {
		attributes[attrEmails] = []emailValue{{Value: u.Email, Type: "work", Primary: true}}
	}
	if u.Editor != nil {
		attributes[ExtensionSchema] = extensionValue{Editor: *u.Editor}
	}
	return scim.Resource{ID: u.ID, Attributes: attributes, Meta: scim.Meta{Created: created(u)}}
}

func created(u User) *time.Time {
	if u.Created.IsZero() {
		return nil
	}
	return &u.Created
}
