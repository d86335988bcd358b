package connector_test

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func userIDIs(value any) *structpb.Struct {
	args, err := structpb.NewStruct(map[string]any{"user_id": value})
	if err != nil {
		panic(err) // a test's own literal
	}
	return args
}

func TestEnableAndDisableByTheStateFound(t *testing.T) {
	var (
		on      = func(reply script.Reply) script.Step { return script.Patch("u1", script.SetActive(true), reply) }
		off     = func(reply script.Reply) script.Step { return script.Patch("u1", script.SetActive(false), reply) }
		missing = expectation{code: codes.NotFound, says: "there is no user with this id"}
		enabled = expectation{changes: changed("user enabled", "u1", "")}
		disable = expectation{changes: changed("user disabled", "u1", "")}
		none    = expectation{}
	)
	for name, test := range map[string]struct {
		action string
		steps  []script.Step
		want   expectation
	}{
		"enable an inactive user, confirmed by the answer": {"enable_user", []script.Step{found(anInactiveEditor), on(script.OK(anEditor))}, enabled},
		"enable an inactive user, confirmed by a read":     {"enable_user", []script.Step{found(anInactiveEditor), on(script.NoContent), found(anEditor)}, enabled},
		"enable an active user":                            {"enable_user", []script.Step{found(aViewer)}, none},
		"enable a user whose status nobody tells":          {"enable_user", []script.Step{found(script.User{ID: "u1"})}, none},
		"enable a user whose status is unreadable": {
			"enable_user", []script.Step{found(script.User{ID: "u1", Active: "maybe"}), on(script.OK(aViewer))}, enabled,
		},
		"enable nobody": {"enable_user", []script.Step{gone()}, missing},
		"enable a user who goes in between": {
			"enable_user", []script.Step{found(anInactiveEditor), on(script.NotFound())}, missing,
		},
		"enable, accepted but not applied": {
			"enable_user", []script.Step{found(anInactiveEditor), on(script.NoContent), found(anInactiveEditor)},
			expectation{code: codes.FailedPrecondition, says: "accepted the change but did not apply it"},
		},
		"disable an active user whose record stays": {"disable_user", []script.Step{found(anEditor), off(script.OK(anInactiveEditor)), found(anInactiveEditor)}, disable},
		"disable an active user whose record goes":  {"disable_user", []script.Step{found(anEditor), off(script.NoContent), gone()}, disable},
		"disable an inactive user":                  {"disable_user", []script.Step{found(anInactiveEditor)}, none},
		"disable nobody":                            {"disable_user", []script.Step{gone()}, missing},
		"disable a user who goes in between":        {"disable_user", []script.Step{found(anEditor), off(script.NotFound())}, missing},
		"disable, accepted but not applied": {
			"disable_user", []script.Step{found(anEditor), off(script.NoContent), found(anEditor)},
			expectation{code: codes.FailedPrecondition, says: "accepted the change but did not apply it"},
		},
		"disable, refused": {
			"disable_user", []script.Step{found(anEditor), off(script.Refused(400, "", "the owner stays"))},
			expectation{code: codes.InvalidArgument, says: "the owner stays"},
		},
		"disable, the answer was lost and the user is gone": {
			"disable_user", []script.Step{found(anEditor), off(script.Lost), gone()}, disable,
		},
		"enable, the answer was lost and the user is active": {
			"enable_user", []script.Step{found(anInactiveEditor), on(script.Lost), found(anEditor)}, enabled,
		},
	} {
		t.Run(name, func(t *testing.T) {
			following(t, test.steps...).act(test.action, userIDIs("u1")).check(t, test.want)
		})
	}
}

func TestEnableAndDisableAreRepeatedWithinBounds(t *testing.T) {
	down := script.Refused(503, "", "")
	off := script.Patch("u1", script.SetActive(false), script.Lost)
	for name, test := range map[string]struct {
		action string
		steps  []script.Step
		want   expectation
	}{
		"until it works": {
			"enable_user",
			[]script.Step{script.Get("u1", down), found(anInactiveEditor), script.Patch("u1", script.SetActive(true), script.OK(anEditor))},
			expectation{changes: changed("user enabled", "u1", "")},
		},
		"until the user is gone by an answer that was lost": {
			"disable_user", []script.Step{found(anEditor), off, script.Get("u1", down), gone()},
			expectation{changes: changed("user disabled", "u1", "")},
		},
		"until the user is inactive by an answer that was lost": {
			"disable_user", []script.Step{found(anEditor), off, script.Get("u1", down), found(anInactiveEditor)},
			expectation{changes: changed("user disabled", "u1", "")},
		},
		"until the user is inactive by an answer that the rate limit left unconfirmed": {
			"disable_user", []script.Step{
				found(anEditor), script.Patch("u1", script.SetActive(false), script.NoContent),
				script.Get("u1", script.Reply{Status: 429, RetryAfter: "0"}), found(anInactiveEditor),
			},
			expectation{changes: changed("user disabled", "u1", "")},
		},
		"a missing user is an error where the change was refused": {
			"disable_user", []script.Step{
				found(anEditor), script.Patch("u1", script.SetActive(false), script.Reply{Status: 429, RetryAfter: "0"}), gone(),
			},
			expectation{code: codes.NotFound, says: "there is no user with this id"},
		},
		"a missing user is an error where nothing was sent": {
			"disable_user", []script.Step{script.Get("u1", down), gone()},
			expectation{code: codes.NotFound, says: "there is no user with this id"},
		},
		"four times": {
			"disable_user", []script.Step{script.Get("u1", down), script.Get("u1", down), script.Get("u1", down), script.Get("u1", down)},
			expectation{code: codes.Unavailable, says: "503"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for about half a second
			following(t, test.steps...).act(test.action, userIDIs("u1")).check(t, test.want)
		})
	}
}

func TestActionsNameTheArgumentThatIsMissing(t *testing.T) {
	for name, args := range map[string]*structpb.Struct{
		"no arguments":  nil,
		"no user_id":    {Fields: map[string]*structpb.Value{"userId": structpb.NewStringValue("u1")}},
		"an empty one":  userIDIs(""),
		"one of spaces": userIDIs("  "),
		"a number":      userIDIs(7),
		"null":          userIDIs(nil),
		"a list":        userIDIs([]any{"u1"}),
	} {
		t.Run(name, func(t *testing.T) {
			p := following(t)
			for action := range p.handlers {
				p.act(action, args).check(t, expectation{code: codes.InvalidArgument, says: action + " needs the argument user_id"})
			}
		})
	}
}

func TestActionsCanBeInvokedByNameAndOnTheUserType(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 12, DeactivationKeeps: true})
	h := start(t, w.url, nil)
	schemas, err := h.Client.ListActionSchemas(t.Context(), &v2.ListActionSchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]v2.ActionType{
		"enable_user": v2.ActionType_ACTION_TYPE_ACCOUNT_ENABLE, "disable_user": v2.ActionType_ACTION_TYPE_ACCOUNT_DISABLE,
	}
	seen := map[string]int{}
	for _, schema := range schemas.GetSchemas() {
		seen[schema.GetName()]++
		if got := schema.GetActionType(); len(got) != 1 || got[0] != types[schema.GetName()] {
			t.Errorf("%s has the types %v", schema.GetName(), got)
		}
		if args := schema.GetArguments(); len(args) != 1 || args[0].GetName() != "user_id" || !args[0].GetIsRequired() {
			t.Errorf("%s has the arguments %v", schema.GetName(), args)
		}
	}
	if len(seen) != 2 || seen["enable_user"] != 2 || seen["disable_user"] != 2 {
		t.Errorf("got the schemas %v, want each by name alone and on the user type", seen)
	}
	user := w.Users()[0]
	for _, resourceType := range []string{"", "user"} {
		for action, active := range map[string]bool{"disable_user": false, "enable_user": true} {
			user.Active = !active
			w.Update(user)
			response, err := h.Client.InvokeAction(t.Context(), v2.InvokeActionRequest_builder{
				Name: action, ResourceTypeId: resourceType, Args: userIDIs(user.ID),
			}.Build())
			if err != nil || response.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
				t.Errorf("%s on %q: %v, %v", action, resourceType, response, err)
			}
			if got := response.GetResponse().GetFields()["user_id"].GetStringValue(); got != user.ID {
				t.Errorf("%s returns the user %q", action, got)
			}
			if now, _ := w.User(user.ID); now.Active != active {
				t.Errorf("%s on %q: the user is active: %t", action, resourceType, now.Active)
			}
		}
	}
}
