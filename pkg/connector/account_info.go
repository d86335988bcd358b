package connector

import (
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// accountCreationSchema are the fields of CreateAccount's profile.
func accountCreationSchema() *v2.ConnectorAccountCreationSchema {
	field := func(order int32, required bool, name, description, placeholder string) *v2.ConnectorAccountCreationSchema_Field {
		return v2.ConnectorAccountCreationSchema_Field_builder{
			DisplayName: name,
			Required:    required,
			Description: description,
			Placeholder: placeholder,
			Order:       order,
			StringField: &v2.ConnectorAccountCreationSchema_StringField{},
		}.Build()
	}
	return v2.ConnectorAccountCreationSchema_builder{
		FieldMap: map[string]*v2.ConnectorAccountCreationSchema_Field{
			"email": field(1, true, "Email", "The e-mail address that the person logs in with through SAML.", "person@example.com"),
			"first_name": field(2, false, "First name",
				"The given name. Whimsical lets only the person change it later.", "Ada"),
			"last_name": field(3, false, "Last name",
				"The family name. Whimsical lets only the person change it later.", "Lovelace"),
			"role": field(4, false, "Role",
				"editor (a paid seat), viewer (free), or empty for the workspace's default role.", "viewer"),
		},
	}.Build()
}

// newUser reads what to create from an account, and refuses with
// InvalidArgument what Whimsical cannot take.
func newUser(info *v2.AccountInfo) (whimsical.NewUser, error) {
	profile := info.GetProfile().GetFields()
	email, err := accountEmail(info, profile)
	if err != nil {
		return whimsical.NewUser{}, err
	}
	wanted, err := accountRole(profile["role"])
	if err != nil {
		return whimsical.NewUser{}, err
	}
	return whimsical.NewUser{
		UserName:   email,
		GivenName:  firstString(profile, "first_name", "given_name"),
		FamilyName: firstString(profile, "last_name", "family_name"),
		Role:       wanted,
	}, nil
}

// accountEmail takes the e-mail address from the primary e-mail, else the
// login, else the profile. Whimsical wants it in lower case.
func accountEmail(info *v2.AccountInfo, profile map[string]*structpb.Value) (string, error) {
	source, email := "profile.email", firstString(profile, "email")
	if login := strings.TrimSpace(info.GetLogin()); login != "" {
		source, email = "login", login
	}
	for _, candidate := range info.GetEmails() {
		if address := strings.TrimSpace(candidate.GetAddress()); candidate.GetIsPrimary() && address != "" {
			source, email = "email", address
			break
		}
	}
	if email == "" {
		return "", invalidArgument("the account has no e-mail address: set email")
	}
	if !isEmail(email) {
		return "", invalidArgument("the account's %s is not an e-mail address: give it in the form person@example.com", source)
	}
	return strings.ToLower(email), nil
}

func accountRole(value *structpb.Value) (whimsical.Role, error) {
	if _, null := value.GetKind().(*structpb.Value_NullValue); value == nil || null {
		return whimsical.RoleUnknown, nil
	}
	text, ok := value.GetKind().(*structpb.Value_StringValue)
	if ok {
		name := strings.ToLower(strings.TrimSpace(text.StringValue))
		if name == "" {
			return whimsical.RoleUnknown, nil
		}
		if r, known := roleByID(name); known {
			return r.id, nil
		}
	}
	return whimsical.RoleUnknown, invalidArgument("the account's role is unknown: it must be editor, viewer, or empty for the workspace's default")
}

// firstString returns the first of the named fields that holds text.
func firstString(profile map[string]*structpb.Value, names ...string) string {
	for _, name := range names {
		if text := strings.TrimSpace(profile[name].GetStringValue()); text != "" {
			return text
		}
	}
	return ""
}
