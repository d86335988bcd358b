package connector_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/actions"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

// provisioner calls the connector's builders as the SDK does, without the SDK's own
// retries of grants and revokes, which wait 15 seconds.
type provisioner struct {
	roles    connectorbuilder.ResourceProvisionerV2
	accounts connectorbuilder.AccountManagerV2
	deleter  connectorbuilder.ResourceDeleterV2
	handlers map[string]actions.ActionHandler
	log      *observer.ObservedLogs
	ctx      context.Context // that of the test, with the observed log
}

func newProvisioner(t *testing.T, url, token string) *provisioner {
	t.Helper()
	core, observed := observer.New(zapcore.DebugLevel)
	p := &provisioner{
		handlers: map[string]actions.ActionHandler{},
		log:      observed,
		ctx:      ctxzap.ToContext(t.Context(), zap.New(core)),
	}
	built, _, err := connector.New(p.ctx, &config.Whimsical{WhimsicalToken: token, BaseUrl: url}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, builder := range built.ResourceSyncers(p.ctx) {
		if roles, ok := builder.(connectorbuilder.ResourceProvisionerV2); ok {
			p.roles = roles
		}
		if accounts, ok := builder.(connectorbuilder.AccountManagerV2); ok {
			p.accounts = accounts
		}
		if deleter, ok := builder.(connectorbuilder.ResourceDeleterV2); ok {
			p.deleter = deleter
		}
	}
	provider, ok := built.(connectorbuilder.GlobalActionProvider)
	if !ok || p.roles == nil || p.accounts == nil || p.deleter == nil {
		t.Fatal("the connector cannot provision")
	}
	if err := provider.GlobalActions(p.ctx, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// following returns a provisioner of a server that follows a script.
func following(t *testing.T, steps ...script.Step) *provisioner {
	t.Helper()
	return newProvisioner(t, script.Serve(t, steps...), script.Token)
}

// Register implements actions.ActionRegistry.
func (p *provisioner) Register(_ context.Context, schema *v2.BatonActionSchema, handler actions.ActionHandler) error {
	p.handlers[schema.GetName()] = handler
	return nil
}

// RegisterAction implements actions.ActionRegistry.
func (p *provisioner) RegisterAction(ctx context.Context, _ string, schema *v2.BatonActionSchema, handler actions.ActionHandler) error {
	return p.Register(ctx, schema, handler)
}

// outcome is all that a call tells its caller and the log.
type outcome struct {
	// grants are the ids of the grants returned.
	grants []string
	// annos are the annotations, all of them.
	annos annotations.Annotations
	// result is what CreateAccount returned: its kind, and the user's id, or the
	// message to the person who asked.
	result string
	err    error
	// changes are the lines above Debug in the log.
	changes []string
}

func (p *provisioner) grant(role, user string) outcome {
	grants, annos, err := p.roles.Grant(p.ctx, principal("user", user), entitlement("role", role))
	o := outcome{annos: annos, err: err, changes: p.changes()}
	for _, g := range grants {
		o.grants = append(o.grants, g.GetId())
	}
	return o
}

func (p *provisioner) revoke(role, user string) outcome {
	annos, err := p.roles.Revoke(p.ctx, v2.Grant_builder{
		Id: grantID(role, user), Principal: principal("user", user), Entitlement: entitlement("role", role),
	}.Build())
	return outcome{annos: annos, err: err, changes: p.changes()}
}

func (p *provisioner) create(info *v2.AccountInfo) outcome {
	// The one-shot binary always asks for a random password.
	password := v2.LocalCredentialOptions_builder{
		RandomPassword: v2.LocalCredentialOptions_RandomPassword_builder{Length: 20}.Build(),
	}.Build()
	response, secrets, annos, err := p.accounts.CreateAccount(p.ctx, info, password)
	if len(secrets) != 0 {
		err = fmt.Errorf("%d secrets were returned", len(secrets))
	}
	o := outcome{annos: annos, err: err, changes: p.changes()}
	switch r := response.(type) {
	case *v2.CreateAccountResponse_SuccessResult:
		o.result = "success " + r.GetResource().GetId().GetResource()
	case *v2.CreateAccountResponse_AlreadyExistsResult:
		o.result = "already exists " + r.GetResource().GetId().GetResource()
	case *v2.CreateAccountResponse_ActionRequiredResult:
		o.result = "action required " + r.GetMessage()
	}
	if response != nil && !response.GetIsCreateAccountResult() {
		o.result = "not marked as a result: " + o.result
	}
	return o
}

func (p *provisioner) delete(user string) outcome {
	annos, err := p.deleter.Delete(p.ctx, principal("user", user).GetId(), nil)
	return outcome{annos: annos, err: err, changes: p.changes()}
}

func (p *provisioner) act(name string, args *structpb.Struct) outcome {
	values, annos, err := p.handlers[name](p.ctx, args)
	if err == nil && !values.GetFields()["success"].GetBoolValue() {
		err = fmt.Errorf("no error, and no success: %v", values)
	}
	return outcome{annos: annos, err: err, changes: p.changes()}
}

// changes returns the lines above Debug since the last call.
func (p *provisioner) changes() []string {
	var lines []string
	for _, entry := range p.log.TakeAll() {
		if entry.Level == zapcore.DebugLevel {
			continue
		}
		fields := entry.ContextMap()
		line := fmt.Sprintf("%s: %s:", entry.Level, entry.Message)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			line += fmt.Sprintf(" %s=%v", name, fields[name])
		}
		lines = append(lines, line)
	}
	return lines
}

// changed is the one line that a change leaves in the log.
func changed(operation, user, role string) []string {
	line := "info: baton-whimsical: workspace changed: operation=" + operation
	if role != "" {
		line += " role=" + role
	}
	return []string{line + " user_id=" + user}
}

// expectation is what an outcome has to be; what is not named has to be absent.
type expectation struct {
	grants  []string
	annos   []proto.Message
	result  string
	code    codes.Code
	says    string
	changes []string
}

// check compares an outcome with what is expected of it.
func (o outcome) check(t *testing.T, want expectation) {
	t.Helper()
	if status.Code(o.err) != want.code || o.err != nil && !strings.Contains(o.err.Error(), want.says) {
		t.Errorf("error: got %v, want %v with %q", o.err, want.code, want.says)
	}
	// An example of an address is the one that may be given.
	if o.err != nil && strings.Contains(strings.ReplaceAll(o.err.Error(), "person@example.com", ""), "@") {
		t.Errorf("the error holds an e-mail address: %v", o.err)
	}
	if !slices.Equal(o.grants, want.grants) {
		t.Errorf("grants: got %v, want %v", o.grants, want.grants)
	}
	if !strings.HasPrefix(o.result, want.result) || (want.result == "") != (o.result == "") {
		t.Errorf("result: got %q, want %q", o.result, want.result)
	}
	if !slices.Equal(o.changes, want.changes) {
		t.Errorf("log: got %q, want %q", o.changes, want.changes)
	}
	if !sameAnnotations(o.annos, want.annos) {
		t.Errorf("annotations: got %v, want %v", o.annos, want.annos)
	}
}

func sameAnnotations(got annotations.Annotations, want []proto.Message) bool {
	return slices.EqualFunc(got, want, func(a *anypb.Any, m proto.Message) bool {
		decoded, err := a.UnmarshalNew()
		return err == nil && proto.Equal(decoded, m)
	})
}

var (
	alreadyExists  = []proto.Message{&v2.GrantAlreadyExists{}}
	alreadyRevoked = []proto.Message{&v2.GrantAlreadyRevoked{}}
	doesNotExist   = []proto.Message{&v2.ResourceDoesNotExist{}}
)

// replaced marks that a role of the user u1 was replaced.
func replaced(role string) []proto.Message {
	return []proto.Message{v2.GrantReplaced_builder{ReplacedGrantId: grantID(role, "u1")}.Build()}
}

// deleted marks that the user u1 is gone.
func deleted() []proto.Message {
	return []proto.Message{v2.ResourceDeleted_builder{ResourceId: principal("user", "u1").GetId()}.Build()}
}

func principal(resourceType, id string) *v2.Resource {
	return v2.Resource_builder{Id: v2.ResourceId_builder{ResourceType: resourceType, Resource: id}.Build()}.Build()
}

func entitlement(resourceType, role string) *v2.Entitlement {
	return v2.Entitlement_builder{
		Id: "role:" + role + ":assigned", Slug: "assigned", Resource: principal(resourceType, role),
	}.Build()
}

func grantID(role, user string) string {
	return fmt.Sprintf("role:%s:assigned:user:%s", role, user)
}
