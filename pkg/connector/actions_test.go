package connector_test

import (
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
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
	const enable, disable = "enable_user", "disable_user"
	var (
		missing  = fails(codes.NotFound, "there is no user with this id")
		enabled  = expectation{changes: changed("user enabled", "u1", "")}
		disabled = expectation{changes: changed("user disabled", "u1", "")}
		isActive = expectation{reason: "is active already"}
		inactive = expectation{reason: "is inactive already"}
		goneSoon = expectation{reason: "there is no user with the ID u1"}
	)
	runRows(t, []row{
		{"enable, confirmed by the answer", enable, steps(found(anInactiveEditor), activateEditor(ok(anEditor)), found(anEditor)), enabled},
		{"enable, confirmed by a read", enable, steps(found(anInactiveEditor), activateEditor(noContent), found(anEditor)), enabled},
		{"enable an active user", enable, steps(found(aViewer)), isActive},
		{"enable, active is left out if false", enable, steps(found(anUntoldViewer), activateViewer(ok(aViewer)), found(aViewer)), enabled},
		{"enable, active is never reported", enable, steps(found(anUntoldViewer), activateViewer(ok(anUntoldViewer)), still(anUntoldViewer)), unconfirmed},
		{"enable, active is unreadable", enable, steps(found(scimscript.User{ID: "u1", Active: "maybe"}), activate(ok(aViewer)), found(aViewer)), enabled},
		{"enable nobody", enable, nobody, missing},
		{"enable a user who goes in between", enable, steps(found(anInactiveEditor), activateEditor(notFound), nobody), missing},
		{"enable, 404 though the user is there", enable, steps(found(anInactiveEditor), activateEditor(notFound), found(anInactiveEditor)), unapplied},
		{"enable, 202 and not applied yet", enable, steps(found(anInactiveEditor), activateEditor(accepted), still(anInactiveEditor)), notYet},
		{"enable, the path form is refused", enable, steps(found(anInactiveEditor), activateEditor(refused(422, "", "")), activateEditorNested(ok(anEditor)),
			found(anEditor)), enabled},
		{"enable, ignored in both forms", enable, steps(found(anInactiveEditor), activateEditor(ok(anEditor)), still(anInactiveEditor),
			activateEditorNested(ok(anEditor)), still(anInactiveEditor)), ignored},
		{"enable, the answers are lost", enable, steps(found(anInactiveEditor), four(activateEditor(lost)), found(anEditor)), enabled},
		{"disable, the record stays", disable, steps(found(anEditor), deactivate(ok(anInactiveEditor)), found(anInactiveEditor)), disabled},
		{"disable, the record goes", disable, steps(found(anEditor), deactivate(noContent), gone), disabled},
		{"disable an inactive user", disable, steps(found(anInactiveEditor)), inactive},
		{"disable, active is left out if false", disable, steps(found(anEditor), deactivate(noContent), found(anUntoldEditor)), disabled},
		{"disable, active is never reported", disable, steps(found(anUntoldEditor), deactivate(noContent), still(anUntoldEditor)), unconfirmed},
		{"disable, active is unreported and goes", disable, steps(found(anUntoldEditor), deactivate(noContent), gone), disabled},
		{"disable nobody", disable, nobody, goneSoon},
		{"disable a user who goes in between", disable, steps(found(anEditor), deactivate(notFound), nobody), goneSoon},
		{"disable, 404 though the user is there", disable, steps(found(anEditor), deactivate(notFound), found(anEditor)), unapplied},
		{"disable, the path form is refused", disable, steps(found(anEditor), deactivate(refused(400, "invalidPath", "")), deactivateNested(noContent), gone),
			disabled},
		{"disable, the path form is ignored", disable, steps(found(anEditor), deactivate(ok(anEditor)), still(anEditor), deactivateNested(noContent), gone),
			disabled},
		{"disable, refused", disable, steps(found(anEditor), deactivate(refused(403, "", "the owner stays"))), fails(codes.PermissionDenied, "the owner stays")},
		{"disable, one answer is lost and the user is inactive", disable, steps(found(anEditor), deactivate(lost), deactivate(ok(anInactiveEditor)),
			found(anInactiveEditor)), disabled},
		{"disable, the read behind it is rate limited", disable, steps(found(anEditor), deactivate(noContent), read(scimscript.Reply{Status: 429, RetryAfter: "9"}),
			gone), disabled},
		{"enable, the role of before comes with it", enable, steps(found(anInactiveViewer), activateViewer(noContent), found(aViewer)), enabled},
		{"enable, the workspace's default role comes", enable, steps(found(anInactiveViewer), activateViewer(noContent), found(anEditor),
			activateViewerNested(noContent), found(anEditor)), fails(codes.FailedPrecondition, "a read shows the status active and the role editor")},
		{"enable, the role of before is ignored in the first form", enable, steps(found(anInactiveViewer), activateViewer(noContent), found(anEditor),
			activateViewerNested(noContent), found(aViewer)), enabled},
		{"enable, the role is not reported any more", enable, steps(found(anInactiveEditor), activateEditor(noContent), found(hasNoRole)), unconfirmed},
		{"enable, the reads lag behind", enable, steps(found(anInactiveEditor), activateEditor(noContent), still(anInactiveEditor)[:3], found(anEditor)), enabled},
		{"disable, the reads lag behind", disable, steps(found(anEditor), deactivate(noContent), still(anEditor)[:3], gone), disabled},
		{"disable, a 502 and the repeat refused", disable, steps(found(anEditor), deactivate(scimscript.Reply{Status: 502}), deactivate(refused(400, "", "")),
			found(anInactiveEditor)), disabled},
		{"disable, the answer holds the wish, and no read shows it", disable, steps(found(anEditor), deactivate(ok(anInactiveEditor)), still(anEditor),
			deactivateNested(ok(anInactiveEditor)), still(anEditor)), ignored},
		{"disable, listed and not reachable", disable, unreachable(anEditor), notReached},
		{"enable, listed and not reachable", enable, unreachable(anInactiveEditor), notReached},
		{"disable, the role changes as well", disable, steps(found(anEditor), deactivate(noContent), found(anInactiveViewer)),
			fails(codes.FailedPrecondition, "changed the role from editor to viewer as well")},
		{"the read fails four times", disable, four(read(down)), fails(codes.Unavailable, "503")},
		{"the server asks for an hour", disable, steps(read(scimscript.Reply{Status: 429, RetryAfter: "3600"})), fails(codes.Unavailable, "rate limit")},
	})
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
		for _, action := range []string{"enable_user", "disable_user"} {
			t.Run(action+", "+name, func(t *testing.T) {
				scripted(t, nil, func(p *provisioner) outcome { return p.act(action, args) },
					fails(codes.InvalidArgument, action+" needs the argument user_id"))
			})
		}
	}
}

func TestActionsWorkByNameAndOnceMore(t *testing.T) {
	w := newWorkspace(t, sim.Config{Users: 12, DeactivationKeeps: true})
	h := start(t, w.url)
	user := w.Users()[0]
	for _, action := range []string{"disable_user", "disable_user", "enable_user", "enable_user"} { // each is repeated
		response, err := h.Client.InvokeAction(t.Context(), v2.InvokeActionRequest_builder{Name: action, Args: userIDIs(user.ID)}.Build())
		if err != nil || response.GetStatus() != v2.BatonActionStatus_BATON_ACTION_STATUS_COMPLETE {
			t.Errorf("%s: %v, %v", action, response, err)
		}
		if got := response.GetResponse().GetFields()["user_id"].GetStringValue(); got != user.ID {
			t.Errorf("%s returns the user %q", action, got)
		}
		if now, _ := w.User(user.ID); now.Active != (action == "enable_user") {
			t.Errorf("%s: the user is active: %t", action, now.Active)
		}
	}
}

func TestALateRevokeAfterAnOffboardingBringsNobodyBack(t *testing.T) {
	for _, keeps := range []bool{true, false} {
		w := newWorkspace(t, sim.Config{Users: 12, DeactivationKeeps: keeps})
		p := newProvisioner(t, w.url)
		for _, user := range w.Users() {
			if !user.Active || batontest.ReportedRole(user) != "editor" {
				continue
			}
			p.act("disable_user", userIDIs(user.ID)).check(t, expectation{changes: changed("user disabled", user.ID, "")})
			for _, role := range []string{"editor", "viewer"} {
				p.do("revoke "+role, user.ID, "").check(t, expectation{annos: alreadyRevoked})
			}
			if now, there := w.User(user.ID); there != keeps || now.Active {
				t.Errorf("user %s is there: %t, active: %t", user.ID, there, now.Active)
			}
			p.do("delete", user.ID, "")
			p.do("delete", user.ID, "").check(t, expectation{annos: doesNotExist})
			if _, there := w.User(user.ID); there {
				t.Errorf("user %s is there", user.ID)
			}
		}
	}
}
