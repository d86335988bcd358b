package whimsical

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// missing are the requests by which a user is found to be gone.
func missing() []scimscript.Step {
	return []scimscript.Step{scimscript.Get("u1", scimscript.NotFound()), scimscript.FindID("u1", scimscript.OK(scimscript.List{}))}
}

var (
	toEditor   = Change{Role: RoleEditor}
	activate   = Change{Status: StatusActive}
	deactivate = Change{Status: StatusInactive}
	enable     = Change{Status: StatusActive, KeepRole: true}
	reinstate  = Change{Status: StatusActive, Role: RoleViewer}

	anEditor  = scimscript.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: true}
	aViewer   = scimscript.User{ID: "u1", UserName: "ada@example.com", Active: true, Editor: false}
	inactive  = scimscript.User{ID: "u1", UserName: "ada@example.com", Active: false, Editor: true}
	noRole    = scimscript.User{ID: "u1", UserName: "ada@example.com", Active: true}
	noStatus  = scimscript.User{ID: "u1", UserName: "ada@example.com", Editor: false}
	somebody  = scimscript.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: true}
	badStatus = scimscript.User{ID: "u1", UserName: "ada@example.com", Active: "perhaps", Editor: false}
)

func TestAChangeIsConfirmedByARead(t *testing.T) {
	wasViewer := &User{ID: "u1", Role: RoleViewer, Status: StatusActive}
	wasInactive := &User{ID: "u1", Role: RoleEditor, Status: StatusInactive}
	untold := &User{ID: "u1", Role: RoleViewer}
	patch := func(body string, reply scimscript.Reply) []scimscript.Step {
		return []scimscript.Step{scimscript.Patch("u1", body, reply)}
	}
	read := func(user scimscript.User) []scimscript.Step {
		return []scimscript.Step{scimscript.Get("u1", scimscript.OK(user))}
	}
	// still is as many reads as there are while they show what was there before.
	still := func(user scimscript.User) []scimscript.Step { return slices.Repeat(read(user), 4) }
	// lost is as many lost answers as the client sends a PATCH.
	lost := func(body string) []scimscript.Step { return slices.Repeat(patch(body, scimscript.Lost), 4) }
	all := slices.Concat[[]scimscript.Step]
	for name, test := range map[string]struct {
		before *User
		change Change
		steps  []scimscript.Step
		code   codes.Code
		says   string
		// gone is that no user is left to return.
		gone bool
	}{
		"the read shows the role": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), read(anEditor)),
		},
		"the body shows the role, and the read does": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.OK(anEditor)), read(anEditor)),
		},
		"the body shows the role, and no read does": {
			before: wasViewer, change: toEditor,
			steps: all(
				patch(scimscript.SetRole(true), scimscript.OK(anEditor)), still(aViewer), patch(scimscript.SetRoleNested(true), scimscript.OK(anEditor)), still(aViewer),
			),
			code: codes.FailedPrecondition, says: "did not apply it, a read shows the status active and the role viewer",
		},
		"the body shows the old role, and the read the new one": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.OK(aViewer)), read(anEditor)),
		},
		"a body of somebody else, the read shows the role": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.OK(somebody)), read(anEditor)),
		},
		"a web page, the read shows the role": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.Reply{Status: 200, Body: "<!doctype html>"}), read(anEditor)),
		},
		"a SCIM error with 200, and no read shows the role": {
			before: wasViewer, change: toEditor,
			steps: all(
				patch(scimscript.SetRole(true), scimscript.Reply{Status: 200, Body: scimscript.Refused(403, "", "User limit reached").Body}), still(aViewer),
				patch(scimscript.SetRoleNested(true), scimscript.Reply{Status: 200, Body: scimscript.Refused(403, "", "User limit reached").Body}), still(aViewer),
			),
			code: codes.FailedPrecondition, says: "User limit reached",
		},
		"the second read shows the role": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), read(aViewer), read(anEditor)),
		},
		"the fourth read shows the role": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), still(aViewer)[:3], read(anEditor)),
		},
		"the form with a path is ignored, the other works": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), still(aViewer), patch(scimscript.SetRoleNested(true), scimscript.NoContent), read(anEditor)),
		},
		"the form with a path is ignored, the other refused": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), still(aViewer), patch(scimscript.SetRoleNested(true), scimscript.Refused(400, "", "no"))),
			code:  codes.FailedPrecondition, says: "did not apply it",
		},
		"the form with a path is ignored, the answers to the other are lost": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), still(aViewer), lost(scimscript.SetRoleNested(true)), still(aViewer)),
			code:  codes.Unavailable, says: "PATCH",
		},
		"the form with a path is refused, the other works for both halves": {
			before: wasInactive, change: reinstate,
			steps: all(patch(scimscript.ActivateAs(false), scimscript.Refused(422, "null", "")), patch(scimscript.ActivateAsNested(false), scimscript.NoContent), read(aViewer)),
		},
		"the form of a status is refused, the other works": {
			before: wasInactive, change: activate,
			steps: all(patch(scimscript.SetActive(true), scimscript.Refused(400, "noTarget", "")), patch(scimscript.SetActiveNested(true), scimscript.NoContent), read(anEditor)),
		},
		"both forms are refused": {
			before: wasViewer, change: toEditor,
			steps: all(
				patch(scimscript.SetRole(true), scimscript.Refused(400, "invalidPath", "")),
				patch(scimscript.SetRoleNested(true), scimscript.Refused(400, "invalidValue", "no seats left")),
			),
			code: codes.InvalidArgument, says: "no seats left",
		},
		"another refusal is not sent again": {
			before: wasViewer, change: toEditor,
			steps: patch(scimscript.SetRole(true), scimscript.Refused(403, "", "")),
			code:  codes.PermissionDenied, says: "403",
		},
		"accepted, and the user does not report the role any more": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), read(noRole)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"accepted, and the user never reports the role": {
			before: &User{ID: "u1", Status: StatusActive}, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), still(noRole)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"accepted for later (202), and a read shows it": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.Reply{Status: 202}), read(anEditor)),
		},
		"accepted for later (202), and no read shows it": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.Reply{Status: 202, Body: anEditor.String()}), still(aViewer)),
			code:  codes.FailedPrecondition, says: "accepted, not applied yet",
		},
		"accepted, and the read fails": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), []scimscript.Step{scimscript.Get("u1", scimscript.Refused(401, "", ""))}),
			code:  codes.Unauthenticated, says: "the change was accepted, and could not be confirmed: the SCIM token was refused",
		},
		"accepted, and the user is gone": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), missing()),
			code:  codes.NotFound, says: "404",
		},
		"accepted, and the user is listed and cannot be reached": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), []scimscript.Step{
				scimscript.Get("u1", scimscript.NotFound()), scimscript.FindID("u1", scimscript.OK(scimscript.List{anEditor})),
			}),
			code: codes.FailedPrecondition, says: "could not be confirmed: the API lists this user",
		},
		"a role confirms a grant where the status is never reported": {
			before: untold, change: reinstate, steps: all(patch(scimscript.ActivateAs(false), scimscript.NoContent), read(noStatus)),
		},
		"a role does not confirm an activation that was reported inactive": {
			before: wasInactive, change: reinstate, steps: all(patch(scimscript.ActivateAs(false), scimscript.NoContent), read(noStatus)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"an unreadable status confirms nothing": {
			before: untold, change: reinstate, steps: all(patch(scimscript.ActivateAs(false), scimscript.NoContent), read(badStatus)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied, a read shows the status unreadable and the role viewer",
		},
		"an activation alone is not confirmed by silence": {
			before: untold, change: activate, steps: all(patch(scimscript.SetActive(true), scimscript.NoContent), still(noStatus)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"an activation with the role of before is not confirmed by silence": {
			before: untold, change: enable, steps: all(patch(scimscript.ActivateAs(false), scimscript.NoContent), still(noStatus)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"an activation keeps the role of before": {
			before: wasInactive, change: enable, steps: all(patch(scimscript.ActivateAs(true), scimscript.NoContent), read(anEditor)),
		},
		"an activation of somebody whose role is unknown": {
			before: &User{ID: "u1", Status: StatusInactive}, change: enable,
			steps: all(patch(scimscript.SetActive(true), scimscript.NoContent), read(anEditor)),
		},
		"an activation brings another role than that of before": {
			before: &User{ID: "u1", Role: RoleViewer, Status: StatusInactive}, change: enable,
			steps: all(
				patch(scimscript.ActivateAs(false), scimscript.NoContent), read(anEditor), patch(scimscript.ActivateAsNested(false), scimscript.NoContent), read(anEditor),
			),
			code: codes.FailedPrecondition, says: "did not apply it, a read shows the status active and the role editor",
		},
		"an activation, and the role is not reported any more": {
			before: wasInactive, change: enable, steps: all(patch(scimscript.ActivateAs(true), scimscript.NoContent), read(noRole)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"an activation changes a role that was not named": {
			before: &User{ID: "u1", Role: RoleViewer, Status: StatusInactive}, change: activate,
			steps: all(patch(scimscript.SetActive(true), scimscript.NoContent), read(anEditor)),
			code:  codes.FailedPrecondition, says: "the change was made, and changed the role from viewer to editor as well",
		},
		"a deactivation changes a role that was not named": {
			before: wasViewer, change: deactivate, steps: all(patch(scimscript.SetActive(false), scimscript.NoContent), read(inactive)),
			code: codes.FailedPrecondition, says: "changed the role from viewer to editor as well",
		},
		"a role change deactivates": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NoContent), read(inactive)),
			code: codes.FailedPrecondition, says: "changed the status from active to inactive as well",
		},
		"a status that was true and is left out is a deactivation": {
			before: wasViewer, change: deactivate, steps: all(patch(scimscript.SetActive(false), scimscript.NoContent), read(noStatus)),
		},
		"a status that was never reported is no deactivation": {
			before: untold, change: deactivate, steps: all(patch(scimscript.SetActive(false), scimscript.NoContent), still(noStatus)),
			code: codes.FailedPrecondition, says: "does not report whether it was applied",
		},
		"a deactivation removes the record": {
			before: wasViewer, change: deactivate, gone: true,
			steps: all(patch(scimscript.SetActive(false), scimscript.OK(inactive)), []scimscript.Step{scimscript.Get("u1", scimscript.Reply{Status: 404, Body: "<html>"})}),
		},
		"a deactivation removes the record late": {
			before: wasViewer, change: deactivate, gone: true,
			steps: all(patch(scimscript.SetActive(false), scimscript.NoContent), still(aViewer)[:2], []scimscript.Step{scimscript.Get("u1", scimscript.NotFound())}),
		},
		"a half applied change is not applied": {
			before: wasInactive, change: reinstate,
			steps: all(
				patch(scimscript.ActivateAs(false), scimscript.NoContent), read(anEditor), patch(scimscript.ActivateAsNested(false), scimscript.NoContent), read(anEditor),
			),
			code: codes.FailedPrecondition, says: "did not apply it, a read shows the status active and the role editor",
		},
		"404, and the user is gone": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NotFound()), missing()),
			code: codes.NotFound, says: "404",
		},
		"404 to a deactivation, and the user is gone": {
			before: wasViewer, change: deactivate, steps: all(patch(scimscript.SetActive(false), scimscript.NotFound()), missing()),
			code: codes.NotFound, says: "404",
		},
		"404, and the user is there": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.NotFound()), read(aViewer)),
			code: codes.FailedPrecondition, says: "the user is there, and was not changed",
		},
		"410, and the user was changed": {
			before: wasViewer, change: toEditor, steps: all(patch(scimscript.SetRole(true), scimscript.Refused(410, "", "")), read(anEditor)),
		},
		"404, and nobody can look": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.NotFound()), []scimscript.Step{scimscript.Get("u1", scimscript.Refused(401, "", ""))}),
			code:  codes.Unauthenticated, says: "GET",
		},
		"one answer is lost, the next one comes": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.NoContent), read(anEditor)),
		},
		"one answer is lost, the next one comes, and nothing was changed": {
			before: wasViewer, change: toEditor,
			steps: all(
				patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.NoContent), still(aViewer),
				patch(scimscript.SetRoleNested(true), scimscript.Refused(400, "", "")),
			),
			code: codes.FailedPrecondition, says: "did not apply it",
		},
		"one answer is lost, and the repeat refused, which a read outweighs": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.Refused(409, "", "no change")), read(anEditor)),
		},
		"a 502, and the repeat refused with 400, which a late read outweighs": {
			before: wasViewer, change: toEditor,
			steps: all(
				patch(scimscript.SetRole(true), scimscript.Reply{Status: 502}), patch(scimscript.SetRole(true), scimscript.Refused(400, "", "no valid fields to update")),
				read(aViewer), read(anEditor),
			),
		},
		"one answer is lost, the repeat is refused, and no read shows the role": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.Refused(403, "", "no")), still(aViewer)),
			code:  codes.Unavailable, says: "PATCH",
		},
		"one answer is lost, the form refused, and the other works": {
			before: wasViewer, change: toEditor,
			steps: all(
				patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.Refused(400, "", "")), still(aViewer),
				patch(scimscript.SetRoleNested(true), scimscript.NoContent), read(anEditor),
			),
		},
		"one answer is lost, and both forms are refused": {
			before: wasViewer, change: toEditor,
			steps: all(
				patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.Refused(400, "", "")), still(aViewer),
				patch(scimscript.SetRoleNested(true), scimscript.Refused(400, "", "")),
			),
			code: codes.Unavailable, says: "PATCH",
		},
		"one answer to a deactivation is lost, the repeat is a 404, and the user is gone": {
			before: wasViewer, change: deactivate, gone: true,
			steps: all(patch(scimscript.SetActive(false), scimscript.Lost), patch(scimscript.SetActive(false), scimscript.NotFound()), missing()),
		},
		"one answer is lost, the repeat is a 404, and the user is gone": {
			before: wasViewer, change: toEditor,
			steps: all(patch(scimscript.SetRole(true), scimscript.Lost), patch(scimscript.SetRole(true), scimscript.NotFound()), missing()),
			code:  codes.NotFound, says: "404",
		},
		"every answer is lost, and a read shows the role": {
			before: wasViewer, change: toEditor, steps: all(lost(scimscript.SetRole(true)), read(anEditor)),
		},
		"every answer is lost, and no read shows the role": {
			before: wasViewer, change: toEditor, steps: all(lost(scimscript.SetRole(true)), still(aViewer)),
			code: codes.Unavailable, says: "PATCH",
		},
		"every answer is lost, and nobody can look": {
			before: wasViewer, change: toEditor, steps: all(lost(scimscript.SetRole(true)), []scimscript.Step{scimscript.Get("u1", scimscript.Refused(401, "", ""))}),
			code: codes.Unavailable, says: "PATCH",
		},
		"every answer is lost, and what a read shows was so before": {
			before: untold, change: reinstate, steps: all(lost(scimscript.ActivateAs(false)), still(noStatus)),
			code: codes.Unavailable, says: "PATCH",
		},
		"202, and what a read shows was so before": {
			before: untold, change: reinstate, steps: all(patch(scimscript.ActivateAs(false), scimscript.Reply{Status: 202}), still(noStatus)),
			code: codes.FailedPrecondition, says: "accepted, not applied yet",
		},
		"every answer is lost, and a read shows a role that is new": {
			before: &User{ID: "u1", Role: RoleEditor}, change: reinstate, steps: all(lost(scimscript.ActivateAs(false)), read(noStatus)),
		},
		"every answer to a deactivation is lost, and the record is gone": {
			before: wasViewer, change: deactivate, gone: true, steps: all(lost(scimscript.SetActive(false)), missing()),
		},
		"every answer to a deactivation is lost, and the record is listed and cannot be reached": {
			before: wasViewer, change: deactivate,
			steps: all(lost(scimscript.SetActive(false)), []scimscript.Step{
				scimscript.Get("u1", scimscript.NotFound()), scimscript.FindID("u1", scimscript.OK(scimscript.List{aViewer})),
			}),
			code: codes.Unavailable, says: "PATCH",
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, test.steps...).ChangeUser(t.Context(), test.before, test.change)
			failsWith(t, err, test.code, test.says)
			if (user == nil) != (err != nil || test.gone) {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}
