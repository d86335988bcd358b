package connector_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"github.com/conductorone/baton-sdk/pkg/connectorbuilder"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// provisioner calls the connector's builders as the SDK does, without the SDK's own
// retries of grants and revokes, which wait 15 seconds.
type provisioner struct {
	roles    connectorbuilder.ResourceProvisionerV2
	accounts accountBuilder
	handlers batontest.ActionHandlers
	log      *observer.ObservedLogs
	ctx      context.Context // that of the calls, with the observed log
}

type accountBuilder interface {
	connectorbuilder.AccountManagerV2
	connectorbuilder.ResourceDeleterV2
}

func newProvisioner(t *testing.T, url string) *provisioner {
	t.Helper()
	p := &provisioner{handlers: batontest.ActionHandlers{}}
	p.ctx, p.log = logged(t, zapcore.InfoLevel)
	built := build(t, url)
	builders := built.ResourceSyncers(p.ctx)
	p.accounts, p.roles = builders[0].(accountBuilder), builders[1].(connectorbuilder.ResourceProvisionerV2)
	if err := built.GlobalActions(p.ctx, p.handlers); err != nil {
		t.Fatal(err)
	}
	return p
}

// inBubble runs test with a clock that skips the waits between retries. The server is outside of the bubble,
// and closes each connection: the clock stands still while one is open.
func inBubble(t *testing.T, handler http.Handler, base string, test func(*provisioner)) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.SetKeepAlivesEnabled(false)
	server.Start()
	t.Cleanup(server.Close)
	synctest.Test(t, func(t *testing.T) { test(newProvisioner(t, server.URL+base)) })
}

// loseAnswer ends a connection without an answer.
func loseAnswer() { panic(http.ErrAbortHandler) }

// scripted makes a call to a server that follows a script, and checks its outcome.
func scripted(t *testing.T, steps []scimscript.Step, call func(*provisioner) outcome, want expectation) {
	t.Helper()
	target, err := url.Parse(scimscript.Serve(t, steps...))
	if err != nil {
		t.Fatal(err)
	}
	base := target.Path
	target.Path = ""
	proxy := &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:    &http.Transport{DisableKeepAlives: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { loseAnswer() },
	}
	inBubble(t, proxy, base, func(p *provisioner) { call(p).check(t, want) })
}

// row is a call about Ada, see do; the requests that it makes with their answers; and its outcome.
type row struct {
	name  string
	call  string
	steps []scimscript.Step
	want  expectation
}

func runRows(t *testing.T, rows []row) {
	t.Helper()
	for _, test := range rows {
		t.Run(test.name, func(t *testing.T) {
			scripted(t, test.steps, func(p *provisioner) outcome { return p.do(test.call, "u1", ada) }, test.want)
		})
	}
}

// outcome is all that a call tells its caller and the log.
type outcome struct {
	grants []string // their ids
	annos  annotations.Annotations
	// result is what CreateAccount returned: its kind, the user's id, whether it is pending, and the message.
	result string
	err    error
	// changes are the lines in the log, without those that say why nothing was changed, which are in reasons.
	changes, reasons []string
}

// do makes a call: "grant editor", "revoke viewer", "create default", "delete", "enable_user", "disable_user".
func (p *provisioner) do(call, id, userName string) outcome {
	kind, role, _ := strings.Cut(call, " ")
	switch user := batontest.Resource("user", id); kind {
	case "grant":
		return p.grant(user, batontest.Entitlement(role))
	case "revoke":
		return p.revoke(user, batontest.Entitlement(role))
	case "create":
		return p.create(account{primary: userName, profile: map[string]any{"role": role}}.info())
	case "delete":
		return p.remove(user.GetId())
	default:
		return p.act(kind, userIDIs(id))
	}
}

func (p *provisioner) grant(principal *v2.Resource, held *v2.Entitlement) outcome {
	var o outcome
	var grants []*v2.Grant
	grants, o.annos, o.err = p.roles.Grant(p.ctx, principal, held)
	for _, g := range grants {
		o.grants = append(o.grants, g.GetId())
	}
	return p.told(o)
}

func (p *provisioner) revoke(principal *v2.Resource, held *v2.Entitlement) outcome {
	annos, err := p.roles.Revoke(p.ctx, v2.Grant_builder{Principal: principal, Entitlement: held}.Build())
	return p.told(outcome{annos: annos, err: err})
}

func (p *provisioner) remove(id *v2.ResourceId) outcome {
	annos, err := p.accounts.Delete(p.ctx, id, nil)
	return p.told(outcome{annos: annos, err: err})
}

func (p *provisioner) create(info *v2.AccountInfo) outcome {
	// The one-shot binary always asks for a random password.
	password := v2.LocalCredentialOptions_builder{
		RandomPassword: v2.LocalCredentialOptions_RandomPassword_builder{Length: 20}.Build(),
	}.Build()
	response, secrets, annos, err := p.accounts.CreateAccount(p.ctx, info, password)
	o := outcome{annos: annos, err: err}
	var resource *v2.Resource
	message := ""
	switch r := response.(type) {
	case *v2.CreateAccountResponse_SuccessResult:
		o.result, resource = "success ", r.GetResource()
	case *v2.CreateAccountResponse_AlreadyExistsResult:
		o.result, resource = "already exists ", r.GetResource()
	case *v2.CreateAccountResponse_ActionRequiredResult:
		o.result, resource, message = "action required ", r.GetResource(), ": "+r.GetMessage()
	}
	o.result += resource.GetId().GetResource()
	if resource.GetStatus().GetStatus() == v2.Status_RESOURCE_STATUS_PENDING {
		o.result += " pending"
	}
	o.result += message
	if len(secrets) != 0 || response != nil && !response.GetIsCreateAccountResult() {
		o.result = "with secrets, or not marked as a result: " + o.result
	}
	return p.told(o)
}

func userIDIs(value any) *structpb.Struct { return object(map[string]any{"user_id": value}) }

func object(fields map[string]any) *structpb.Struct {
	built, err := structpb.NewStruct(fields)
	if err != nil {
		panic(err) // a test's own literal
	}
	return built
}

func (p *provisioner) act(name string, args *structpb.Struct) outcome {
	values, annos, err := p.handlers[name](p.ctx, args)
	got := values.GetFields()
	if err == nil && (!got["success"].GetBoolValue() || got["user_id"].GetStringValue() != args.GetFields()["user_id"].GetStringValue()) {
		err = fmt.Errorf("no error, and no success for this user: %v", values)
	}
	return p.told(outcome{annos: annos, err: err})
}

// told adds what the log holds since the last call.
func (p *provisioner) told(o outcome) outcome {
	for _, entry := range p.log.TakeAll() {
		if reason, ok := entry.ContextMap()["reason"]; ok {
			o.reasons = append(o.reasons, fmt.Sprint(reason))
		} else {
			o.changes = append(o.changes, line(entry))
		}
	}
	return o
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
	grants []string
	annos  annotations.Annotations
	result string
	// code and says are those of the error. reason is the whole of what the log says of a
	// call that changed nothing, where it matters.
	code         codes.Code
	says, reason string
	changes      []string
}

// fails is the expectation of an error.
func fails(code codes.Code, says string) expectation { return expectation{code: code, says: says} }

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
	if reasons := strings.Join(o.reasons, "; "); want.reason != "" && reasons != want.reason || o.err == nil && len(o.changes) == 0 && reasons == "" {
		t.Errorf("the log gives the reason %q, want %q", reasons, want.reason)
	}
	if !slices.EqualFunc(o.annos, want.annos, func(a, b *anypb.Any) bool { return proto.Equal(a, b) }) {
		t.Errorf("annotations: got %v, want %v", o.annos, want.annos)
	}
}

var (
	alreadyExists  = annotations.New(&v2.GrantAlreadyExists{})
	alreadyRevoked = annotations.New(&v2.GrantAlreadyRevoked{})
	doesNotExist   = annotations.New(&v2.ResourceDoesNotExist{})
)

func replaced(role, user string) annotations.Annotations {
	return annotations.New(v2.GrantReplaced_builder{ReplacedGrantId: batontest.Grant(role, user).GetId()}.Build())
}

// What the server of a test is asked about Ada, who has the ID u1, and what it answers.

const ada = scimscript.Ada

var (
	anEditor, aViewer          = scimscript.AnEditor, scimscript.AViewer
	exEditor, exViewer         = scimscript.ExEditor, scimscript.ExViewer
	hasNoRole                  = scimscript.HasNoRole
	untoldEditor, untoldViewer = scimscript.UntoldEditor, scimscript.UntoldViewer
	somebody                   = scimscript.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: false}

	steps, read, found, still = scimscript.Script, scimscript.Read, scimscript.Found, scimscript.Still
	unreachable, patch        = scimscript.Unreachable, scimscript.Change

	ok, created, refused = scimscript.OK, scimscript.Created, scimscript.Refused
	noContent, lost      = scimscript.NoContent, scimscript.Lost
	notFound             = scimscript.NotFound()
	accepted             = scimscript.Reply{Status: 202}
	down, failed         = refused(503, "", ""), refused(500, "", "")

	// gone is a read that shows nobody after a change that was accepted; nobody are the requests by which a
	// user is found to be gone otherwise.
	gone   = read(notFound)
	nobody = scimscript.Missing()

	promote, promoteNested               = patch(scimscript.SetRole(true)), patch(scimscript.SetRoleNested(true))
	demote                               = patch(scimscript.SetRole(false))
	activate                             = patch(scimscript.SetActive(true))
	deactivate, deactivateNested         = patch(scimscript.SetActive(false)), patch(scimscript.SetActiveNested(false))
	activateEditor                       = patch(scimscript.ActivateAs(true))
	activateViewer, activateViewerNested = patch(scimscript.ActivateAs(false)), patch(scimscript.ActivateAsNested(false))
)

// These are outcomes of several calls.
var (
	unapplied   = unmet("the user is there, and was not changed")
	notReached  = unmet("the API lists this user, who cannot be reached at their own address")
	ignored     = unmet("accepted the change but did not apply it")
	unconfirmed = unmet("does not report whether it was applied")
)

// unmet is the expectation of a precondition that failed.
func unmet(says string) expectation { return fails(codes.FailedPrecondition, says) }

// bare is an answer without a body, limited one that comes again after some seconds.
func bare(status int) scimscript.Reply { return scimscript.Reply{Status: status} }

func limited(seconds string) scimscript.Reply {
	return scimscript.Reply{Status: 429, RetryAfter: seconds}
}

func one(step scimscript.Step) []scimscript.Step { return []scimscript.Step{step} }

// four is how often the client tries at most.
func four(step []scimscript.Step) []scimscript.Step { return slices.Repeat(step, 4) }

const (
	extension = `"urn:ietf:params:scim:schemas:extension:whimsical:2.0:User"`
	asEditor  = `,` + extension + `:{"editor":true}`
	asViewer  = `,` + extension + `:{"editor":false}`
)

// creation is the exact body that creates Ada. name is the SCIM name, role the extension, each with a comma,
// or "" for none.
func creation(name, displayName, role string) string {
	return `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User",` + extension + `],"userName":"` + ada + `"` + name +
		`,"displayName":"` + displayName + `","emails":[{"value":"` + ada + `","type":"work","primary":true}],"active":true` + role + `}`
}

// post expects the creation of Ada with a role: asEditor, asViewer or "".
func post(role string, reply scimscript.Reply) []scimscript.Step {
	return one(scimscript.Post(creation("", ada, role), reply))
}

// look expects that Ada is looked up, and shows users.
func look(users ...scimscript.User) []scimscript.Step { return find(ok(scimscript.List(users))) }

func find(reply scimscript.Reply) []scimscript.Step { return one(scimscript.Find(ada, reply)) }

// listing is the request that shows whether a SCIM API answers at all.
func listing(reply scimscript.Reply) []scimscript.Step {
	return one(scimscript.Step{Method: "GET", Target: "Users?count=1&startIndex=1", Reply: reply})
}
