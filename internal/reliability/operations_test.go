//go:build unix

package reliability

import (
	"errors"
	"fmt"
	"slices"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/pagination"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// The people of the simulated workspace that the operations are about, by index.
const (
	aViewer, anEditor, anInactive = 0, 1, 7
	people                        = 12
)

// manyTimes stands for the calls that the SDK repeats without end.
const manyTimes = 5

const newcomer = "grace.hopper@example.com"

// operation is one column of the matrix.
type operation struct {
	name string
	// strikes are the requests that faults hit, all where it is empty.
	strikes []faults.Operation
	// calls is how often the SDK makes the call while it fails with Unavailable
	// or DeadlineExceeded. The connector's own tries are not counted.
	calls int
	// run makes the call. It returns the connector's error, or errLie when the
	// call succeeded with something else than the truth.
	run func(s *builders) error
	// changed is the workspace as it has to be after a success.
	changed func(users []sim.User) []sim.User
}

// errLie says that a call succeeded with something else than the truth;
// errPending that an account was reported as invited and not yet there.
var (
	errLie     = errors.New("the answer is not the truth")
	errPending = errors.New("the account is reported as pending")
)

func operations() []operation {
	return []operation{
		{name: "validate", calls: 5, run: validate},
		{name: "list", calls: 1, run: list}, // each page is read again by itself
		{name: "get", calls: manyTimes, run: get},
		// An account that is there already: after the 409, the look-up is struck.
		{name: "find", calls: 1, run: create(sim.Person(aViewer).UserName), strikes: []faults.Operation{faults.Find, faults.Validate}},
		{name: "create", calls: 1, run: create(newcomer), changed: func(users []sim.User) []sim.User {
			return append(users, sim.User{UserName: newcomer, Active: true, Editor: new(bool)})
		}},
		{name: "grant", calls: 3, run: grantEditor, changed: change(aViewer, func(u *sim.User) { *u.Editor = true })},
		{name: "revoke", calls: 3, run: revokeEditor, changed: change(anEditor, func(u *sim.User) { *u.Editor = false })},
		{name: "enable", calls: 1, run: invoke("enable_user", anInactive), changed: change(anInactive, func(u *sim.User) { u.Active = true })},
		{name: "disable", calls: 1, run: invoke("disable_user", aViewer), changed: without(aViewer)},
		{name: "delete", calls: 1, run: remove, changed: without(aViewer)},
	}
}

// without removes a user, which is also what a deactivation does here.
func without(index int) func([]sim.User) []sim.User {
	return func(users []sim.User) []sim.User { return slices.Delete(users, index, index+1) }
}

func change(index int, with func(*sim.User)) func([]sim.User) []sim.User {
	return func(users []sim.User) []sim.User {
		with(&users[index])
		return users
	}
}

func validate(s *builders) error {
	_, err := s.connector.Validate(s.ctx)
	return err
}

// list reads all pages of users, and then who holds which role, as a sync does.
// A page that fails is read again, as the SDK does.
func list(s *builders) error {
	listed, err := drain(func(token string) ([]string, string, error) {
		users, results, err := s.users.List(s.ctx, nil, s.page(token))
		return resourceIDs(users), nextOf(results), err
	})
	if err != nil {
		return err
	}
	var wantUsers, wantGrants, granted []string
	for _, user := range s.Users() {
		wantUsers = append(wantUsers, user.ID)
		if role := batontest.RoleOf(user); role != "" {
			wantGrants = append(wantGrants, role+":"+user.ID)
		}
	}
	for _, role := range []string{"editor", "viewer"} {
		holders, err := drain(func(token string) ([]string, string, error) {
			grants, results, err := s.roles.Grants(s.ctx, batontest.Resource("role", role), s.page(token))
			return holderIDs(role, grants), nextOf(results), err
		})
		if err != nil {
			return err
		}
		granted = append(granted, holders...)
	}
	// What an abandoned pass listed comes again.
	different := batontest.Differences(slices.Compact(slices.Sorted(slices.Values(listed))), wantUsers)
	different = append(different, batontest.Differences(slices.Compact(slices.Sorted(slices.Values(granted))), wantGrants)...)
	if len(different) > 0 {
		return fmt.Errorf("%w: %d users, %d grants", errLie, len(listed), len(granted))
	}
	return nil
}

// drain reads pages to the end.
func drain(read func(token string) ([]string, string, error)) ([]string, error) {
	var all []string
	for token := ""; ; {
		var ids []string
		var next string
		err := persistently(manyTimes, func() error {
			var err error
			ids, next, err = read(token)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
		if next == "" {
			return all, nil
		}
		token = next
	}
}

func get(s *builders) error {
	want := sim.Person(anEditor)
	resource, _, err := s.users.Get(s.ctx, batontest.Resource("user", want.ID).GetId(), nil)
	if err != nil {
		return err
	}
	grants, _, err := s.users.Grants(s.ctx, resource, rs.SyncOpAttrs{})
	if err != nil {
		return err
	}
	if resource.GetId().GetResource() != want.ID || !slices.Equal(holderIDs("editor", grants), []string{"editor:" + want.ID}) {
		return fmt.Errorf("%w: %v, %v", errLie, resource, grants)
	}
	return nil
}

func create(email string) func(*builders) error {
	return func(s *builders) error {
		profile, err := structpb.NewStruct(map[string]any{"email": email, "first_name": "Grace", "last_name": "Hopper", "role": "viewer"})
		if err != nil {
			return err
		}
		answer, _, _, err := s.users.CreateAccount(s.ctx, v2.AccountInfo_builder{Profile: profile}.Build(), nil)
		if err != nil {
			return err
		}
		var resource *v2.Resource
		switch result := answer.(type) {
		case *v2.CreateAccountResponse_SuccessResult:
			resource = result.GetResource()
		case *v2.CreateAccountResponse_AlreadyExistsResult:
			resource = result.GetResource()
		case *v2.CreateAccountResponse_ActionRequiredResult:
			return errPending
		}
		user, ok := s.User(resource.GetId().GetResource())
		if !ok || user.UserName != email {
			return fmt.Errorf("%w: %v", errLie, answer)
		}
		return nil
	}
}

func grantEditor(s *builders) error {
	principal := batontest.Resource("user", sim.Person(aViewer).ID)
	_, _, err := s.roles.Grant(s.ctx, principal, batontest.Entitlement("editor"))
	return err
}

func revokeEditor(s *builders) error {
	principal := batontest.Resource("user", sim.Person(anEditor).ID)
	_, err := s.roles.Revoke(s.ctx, v2.Grant_builder{Principal: principal, Entitlement: batontest.Entitlement("editor")}.Build())
	return err
}

func invoke(action string, index int) func(*builders) error {
	return func(s *builders) error {
		arguments, err := structpb.NewStruct(map[string]any{"user_id": sim.Person(index).ID})
		if err != nil {
			return err
		}
		result, _, err := s.actions[action](s.ctx, arguments)
		if err == nil && !result.GetFields()["success"].GetBoolValue() {
			return fmt.Errorf("%w: %v", errLie, result)
		}
		return err
	}
}

func remove(s *builders) error {
	_, err := s.users.Delete(s.ctx, batontest.Resource("user", sim.Person(aViewer).ID).GetId(), nil)
	return err
}

func (s *builders) page(token string) rs.SyncOpAttrs {
	return rs.SyncOpAttrs{Session: s.store, SyncID: "sync", PageToken: pagination.Token{Token: token}}
}

func nextOf(results *rs.SyncOpResults) string {
	if results == nil {
		return ""
	}
	return results.NextPageToken
}

func resourceIDs(resources []*v2.Resource) []string {
	var ids []string
	for _, resource := range resources {
		ids = append(ids, resource.GetId().GetResource())
	}
	return ids
}

func holderIDs(role string, grants []*v2.Grant) []string {
	var ids []string
	for _, g := range grants {
		if g.GetEntitlement().GetResource().GetId().GetResource() == role {
			ids = append(ids, role+":"+g.GetPrincipal().GetId().GetResource())
		}
	}
	return ids
}
