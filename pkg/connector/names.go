package connector

import (
	"context"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/types/entitlement"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// This file reads the names that people type on the command line. ConductorOne sends ids, which are used as
// they are.

// UserID returns the id of the user whom a name means. A name without an at sign is taken for an id; the
// operation that follows finds out whether it exists. A name with one is an id if a user has it, else the
// e-mail address that exactly one user has. It fails with InvalidArgument on blanks around the name and on a
// name with an at sign that is neither, with NotFound where nobody has the address, and with
// FailedPrecondition where several users have it.
func (c *Connector) UserID(ctx context.Context, name string) (string, error) {
	if strings.TrimSpace(name) != name {
		return "", invalidArgument("the user's name begins or ends with a blank or a line break: give the ID or the e-mail address alone")
	}
	if !strings.Contains(name, "@") {
		return name, nil
	}
	_, err := c.client.GetUser(ctx, name)
	switch status.Code(err) {
	case codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition: // a server may refuse such an id, or ignore its case
	default:
		return name, err
	}
	if !isEmail(name) {
		return "", invalidArgument("nobody has this ID, and it is no e-mail address: give one in the form person@example.com")
	}
	users, err := c.client.FindUsers(ctx, name)
	switch {
	case err != nil:
		return "", err
	case len(users) == 0:
		return "", notFound("nobody in the Whimsical workspace has this e-mail address: check it, or give the user's ID")
	case len(users) > 1:
		return "", failedPrecondition("%d users have this e-mail address: give the ID of the one that is meant", len(users))
	}
	return users[0].ID, nil
}

// Grant returns the grant of an entitlement, role:editor:assigned or role:viewer:assigned, to a user who is
// named as for UserID. It fails with InvalidArgument on another entitlement, before any request.
func (c *Connector) Grant(ctx context.Context, entitlementID, user string) (*v2.Grant, error) {
	var known []string
	for _, r := range roles {
		id := entitlement.NewEntitlementID(r.reference(), assigned)
		if id == entitlementID {
			userID, err := c.UserID(ctx, user)
			return r.grant(userID), err
		}
		known = append(known, id)
	}
	return nil, invalidArgument("there is no entitlement %q: there are %s", entitlementID, enumerated("and", known...))
}

// GrantByID returns the grant with an id such as role:editor:assigned:user:ID, in which the user may be named
// as for UserID. A user's id may hold colons. It fails with InvalidArgument on another form.
func (c *Connector) GrantByID(ctx context.Context, id string) (*v2.Grant, error) {
	entitlementID, user, found := strings.Cut(id, ":"+userResourceType.GetId()+":")
	if !found || user == "" {
		return nil, invalidArgument("%q is no grant: a grant is written as %s", id, roles[0].grant("ID").GetId())
	}
	return c.Grant(ctx, entitlementID, user)
}
