package connector_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestAUserIsNamedByIDOrByTheAddressOfExactlyOne(t *testing.T) {
	const address = "ada@example.com"
	ada, other := scimscript.User{ID: "u1", UserName: address}, scimscript.User{ID: "u2", UserName: "ADA@example.com"}
	byID := func(reply scimscript.Reply) []scimscript.Step { return one(scimscript.Get(address, reply)) }
	nobodyByID := steps(byID(notFound), one(scimscript.FindID(address, ok(scimscript.List{}))))
	find := func(users ...scimscript.User) []scimscript.Step {
		return one(scimscript.Find(address, ok(scimscript.List(users))))
	}
	for name, test := range map[string]struct {
		name   string
		script []scimscript.Step
		want   string
		code   codes.Code
		says   string
	}{
		"an ID":                            {name: "u1", want: "u1"},
		"an ID that looks like an address": {name: address, script: byID(ok(scimscript.User{ID: address, UserName: address})), want: address},
		"an ID that no address could be":   {name: "u1@", script: []scimscript.Step{scimscript.Get("u1@", ok(scimscript.User{ID: "u1@"}))}, want: "u1@"},
		"neither an ID nor an address": {
			name: "<ada>@x", script: []scimscript.Step{scimscript.Get("<ada>@x", notFound), scimscript.FindID("<ada>@x", ok(scimscript.List{}))},
			code: codes.InvalidArgument, says: "it is no e-mail address",
		},
		"an address and a carriage return":    {name: address + "\r", code: codes.InvalidArgument, says: "begins or ends with a blank or a line break"},
		"a blank and an ID":                   {name: " u1", code: codes.InvalidArgument, says: "begins or ends with a blank or a line break"},
		"where the server folds the ID":       {name: address, script: steps(byID(ok(scimscript.User{ID: "ADA@example.com"})), find(ada)), want: "u1"},
		"the address of one":                  {name: address, script: steps(nobodyByID, find(ada)), want: "u1"},
		"the address of one, in another case": {name: address, script: steps(nobodyByID, find(other)), want: "u2"},
		"where the form of the ID is refused": {name: address, script: steps(byID(refused(400, "invalidValue", "no UUID")), find(ada)), want: "u1"},
		"the address of nobody":               {name: address, script: steps(nobodyByID, find()), code: codes.NotFound, says: "nobody in the Whimsical workspace has this"},
		"an address that finds another":       {name: address, script: steps(nobodyByID, find(scimscript.User{ID: "u3", UserName: "a@example.com"})), code: codes.NotFound, says: "nobody"},
		"the address of two":                  {name: address, script: steps(nobodyByID, find(ada, other)), code: codes.FailedPrecondition, says: "2 users have this e-mail address"},
		"a refused token":                     {name: address, script: byID(refused(401, "", "")), code: codes.Unauthenticated, says: "the SCIM token was refused"},
		"a look-up that is refused":           {name: address, script: steps(nobodyByID, one(scimscript.Find(address, refused(403, "", "")))), code: codes.PermissionDenied, says: "403"},
	} {
		t.Run(name, func(t *testing.T) {
			c := build(t, scimscript.Serve(t, test.script...))
			id, err := c.UserID(t.Context(), test.name)
			if status.Code(err) != test.code || test.code == codes.OK && id != test.want || test.code != codes.OK && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q, %v, want %q, %s with %q", id, err, test.want, test.code, test.says)
			}
			if err != nil && strings.Contains(err.Error(), address) {
				t.Errorf("the error holds the address: %v", err)
			}
		})
	}
}

func TestAGrantIsNamedByItsEntitlementAndItsUser(t *testing.T) {
	c := build(t, "https://scim.example.com/")
	for id, user := range map[string]string{
		"role:editor:assigned:user:u1":             "u1",
		"role:viewer:assigned:user:a:user:b":       "a:user:b",
		"role:viewer:assigned:user:urn:x:user:y:z": "urn:x:user:y:z",
	} {
		g, err := c.GrantByID(t.Context(), id)
		if err != nil || g.GetId() != id || g.GetPrincipal().GetId().GetResource() != user {
			t.Errorf("%s: %v, %v", id, g, err)
		}
	}
	for _, id := range []string{"", "role:editor:assigned", "role:editor:assigned:user:", "editor:u1"} {
		if g, err := c.GrantByID(t.Context(), id); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "a grant is written as") {
			t.Errorf("%s: %v, %v", id, g, err)
		}
	}
	// No request, though the address would have to be looked up.
	for _, id := range []string{"role:editors:assigned", "editor", "", "user:u1:assigned", "role:editor:member"} {
		if g, err := c.Grant(t.Context(), id, "ada@example.com"); status.Code(err) != codes.InvalidArgument ||
			!strings.Contains(err.Error(), "there are role:editor:assigned and role:viewer:assigned") {
			t.Errorf("%s: %v, %v", id, g, err)
		}
	}
}
