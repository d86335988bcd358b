package whimsical

import (
	"github.com/go-json-experiment/json"
	v1 "github.com/go-json-experiment/json/v1"
)

// plainOptions make names match as they do in encoding/json: without regard to
// case, but not to dashes and underscores.
var plainOptions = json.JoinOptions(json.MatchCaseInsensitiveNames(true), v1.MatchCaseSensitiveDelimiter(true))

// plainList is a ListResponse whose users have the types that RFC 7643 gives
// them. Nearly all answers are such, and are read in one go, twice as fast as
// encoding/json can; any other is read anew, leniently, with the same result
// for what both can read.
type plainList struct {
	TotalResults number      `json:"totalResults"`
	Resources    []plainUser `json:"Resources"`
}

type plainUser struct {
	ID          string `json:"id"`
	UserName    string `json:"userName"`
	DisplayName string `json:"displayName"`
	Name        struct {
		GivenName  string `json:"givenName"`
		FamilyName string `json:"familyName"`
		Formatted  string `json:"formatted"`
	} `json:"name"`
	Emails []plainEmail `json:"emails"`
	Active *bool        `json:"active"`
	Meta   struct {
		Created string `json:"created"`
	} `json:"meta"`
	Extension struct {
		Editor *bool `json:"editor"`
	} `json:"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`
}

type plainEmail struct {
	Value   string `json:"value"`
	Primary bool   `json:"primary"`
}

// readPlainUsers returns the users of a body that is a plain list with at
// least one user, all with an id; ok is false for every other body.
func readPlainUsers(body []byte) (list *userList, ok bool) {
	var plain plainList
	if json.Unmarshal(body, &plain, plainOptions) != nil || len(plain.Resources) == 0 {
		return nil, false
	}
	list = &userList{
		total: plain.TotalResults,
		users: make([]*User, len(plain.Resources)),
		sizes: make([]int, len(plain.Resources)),
	}
	for i := range plain.Resources {
		p := &plain.Resources[i]
		if checkID(p.ID) != nil {
			return nil, false
		}
		list.users[i] = p.user()
		list.sizes[i] = p.size()
	}
	return list, true
}

func (p *plainUser) user() *User {
	return &User{
		ID:            p.ID,
		UserName:      p.UserName,
		DisplayName:   p.DisplayName,
		GivenName:     p.Name.GivenName,
		FamilyName:    p.Name.FamilyName,
		FormattedName: p.Name.Formatted,
		Email:         primaryEmail(p.Emails, p.UserName),
		Active:        p.Active,
		Role:          roleOf(p.Extension.Editor),
		Created:       readTime(p.Meta.Created),
	}
}

// size is about what the user takes as JSON.
func (p *plainUser) size() int {
	const rest = 300
	return rest + len(p.ID) + 3*len(p.UserName) + 2*len(p.DisplayName) + len(p.Name.GivenName) + len(p.Name.FamilyName) + len(p.Name.Formatted)
}

// roleOf reads the extension's "editor".
func roleOf(editor *bool) Role {
	switch {
	case editor == nil:
		return RoleUnknown
	case *editor:
		return RoleEditor
	default:
		return RoleViewer
	}
}
