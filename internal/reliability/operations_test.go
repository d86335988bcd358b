//go:build unix

package reliability

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/conductorone/baton-sdk/pkg/pagination"
	rs "github.com/conductorone/baton-sdk/pkg/types/resource"
	"github.com/conductorone/baton-sdk/pkg/uhttp"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

const (
	// The people of the simulated workspace that the operations are about, by index.
	aViewer, anEditor, anInactive = 0, 1, 7
	people                        = 12
	newcomer                      = "grace.hopper@example.com"
	// manyTimes stands for the calls that the SDK repeats without end.
	manyTimes = 5
)

var editorRole, viewerRole = batontest.Roles[true], batontest.Roles[false]

// operation is one column of the matrix.
type operation struct {
	name    string
	strikes []faults.Operation // the requests that faults hit, all where it is empty
	// calls is how often the SDK makes the call while it fails with Unavailable or DeadlineExceeded. The connector's
	// own tries are not counted.
	calls   int
	run     func(s *builders) error           // makes the call, and returns the connector's error, or errLie
	changed func(users []sim.User) []sim.User // the workspace as it has to be after a success
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
	picture := &batontest.Picture{Resources: map[string]*v2.Resource{}, Grants: map[string]*v2.Grant{}}
	err := drain(func(token string) (*rs.SyncOpResults, error) {
		users, results, err := s.users.List(s.ctx, nil, s.page(token))
		for _, user := range users {
			picture.Resources[user.GetId().GetResource()] = user
		}
		return results, err
	})
	for _, role := range batontest.Roles {
		if err != nil {
			return err
		}
		err = drain(func(token string) (*rs.SyncOpResults, error) {
			grants, results, err := s.roles.Grants(s.ctx, batontest.Resource("role", role), s.page(token))
			for _, g := range grants {
				picture.Grants[g.GetId()] = g
			}
			return results, err
		})
	}
	want := batontest.Expected(s.Users())
	maps.DeleteFunc(want, func(thing, _ string) bool {
		return !strings.HasPrefix(thing, "user ") && !strings.HasPrefix(thing, "grant ")
	})
	if lines := picture.Access().Differences(want); err == nil && len(lines) > 0 {
		return fmt.Errorf("%w: %q", errLie, lines)
	}
	return err
}

func drain(read func(token string) (*rs.SyncOpResults, error)) error {
	for token := ""; ; {
		var results *rs.SyncOpResults
		if err := persistently(manyTimes, func() error {
			var err error
			results, err = read(token)
			return err
		}); err != nil || results == nil || results.NextPageToken == "" {
			return err
		}
		token = results.NextPageToken
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
	if resource.GetId().GetResource() != want.ID || len(grants) != 1 || grants[0].GetId() != batontest.Grant(editorRole, want.ID).GetId() {
		return fmt.Errorf("%w: %v, %v", errLie, resource, grants)
	}
	return nil
}

func create(email string) func(*builders) error {
	return func(s *builders) error {
		profile, _ := structpb.NewStruct(map[string]any{"email": email, "first_name": "Grace", "last_name": "Hopper", "role": viewerRole}) // of strings
		answer, _, _, err := s.users.CreateAccount(s.ctx, v2.AccountInfo_builder{Profile: profile}.Build(), nil)
		if err != nil {
			return err
		}
		if _, ok := answer.(*v2.CreateAccountResponse_ActionRequiredResult); ok {
			return errPending
		}
		created, _ := answer.(interface{ GetResource() *v2.Resource })
		if user, ok := s.User(created.GetResource().GetId().GetResource()); !ok || user.UserName != email {
			return fmt.Errorf("%w: %v", errLie, answer)
		}
		return nil
	}
}

func grantEditor(s *builders) error {
	_, _, err := s.roles.Grant(s.ctx, batontest.Resource("user", sim.Person(aViewer).ID), batontest.Entitlement(editorRole))
	return err
}

func revokeEditor(s *builders) error {
	_, err := s.roles.Revoke(s.ctx, batontest.Grant(editorRole, sim.Person(anEditor).ID))
	return err
}

func invoke(action string, index int) func(*builders) error {
	return func(s *builders) error {
		args, _ := structpb.NewStruct(map[string]any{"user_id": sim.Person(index).ID}) // of a string
		result, _, err := s.actions[action](s.ctx, args)
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

// builders are those of a connector in this process, before a workspace of its own.
type builders struct {
	*faults.Workspace

	ctx       context.Context // of every call; what is logged goes to log
	log       *launch.Output
	connector connectorbuilder.ConnectorBuilderV2
	users     userBuilder
	roles     roleBuilder
	actions   batontest.ActionHandlers
	store     *batontest.Store
}

// userBuilder and roleBuilder are what the SDK calls of the two builders.
type userBuilder interface {
	connectorbuilder.ResourceSyncerV2
	connectorbuilder.ResourceTargetedSyncerLimited
	connectorbuilder.AccountManagerLimited
	connectorbuilder.ResourceDeleterV2Limited
}

type roleBuilder interface {
	connectorbuilder.ResourceSyncerV2
	connectorbuilder.ResourceProvisionerV2Limited
}

// newBuilders returns its error: trials run side by side, off the test's own goroutine. A builder that lacks a method
// is nil.
func newBuilders(t *testing.T, timeout time.Duration) (*builders, error) {
	ctx, log := logged(context.WithValue(t.Context(), uhttp.ContextHTTPTimeoutKey, timeout))
	w := faults.Serve(t, sim.Config{Users: people, PageSize: 5})
	built, _, err := connector.New(ctx, &config.Whimsical{WhimsicalToken: leaks.Token, BaseUrl: w.URL}, nil)
	if err != nil {
		return nil, err
	}
	s := &builders{Workspace: w, ctx: ctx, log: log, connector: built, actions: batontest.ActionHandlers{}, store: &batontest.Store{}}
	for _, syncer := range s.connector.ResourceSyncers(ctx) {
		if users, ok := syncer.(userBuilder); ok {
			s.users = users
		}
		if roles, ok := syncer.(roleBuilder); ok {
			s.roles = roles
		}
	}
	provider, _ := s.connector.(connectorbuilder.GlobalActionProvider)
	return s, provider.GlobalActions(ctx, s.actions)
}

// logged returns a context whose logger writes to the output, at every level, as JSON lines.
func logged(ctx context.Context) (context.Context, *launch.Output) {
	log := &launch.Output{}
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(log), zapcore.DebugLevel)
	return ctxzap.ToContext(ctx, zap.New(core)), log
}
