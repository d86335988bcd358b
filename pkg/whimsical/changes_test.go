package whimsical

import (
	"cmp"
	"net/http"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

var (
	toEditor   = Change{Role: RoleEditor}
	activate   = Change{Status: StatusActive}
	deactivate = Change{Status: StatusInactive}
	enable     = Change{Status: StatusActive, KeepRole: true}
	reinstate  = Change{Status: StatusActive, Role: RoleViewer}

	inactive  = scimscript.ExEditor
	noRole    = scimscript.HasNoRole
	noStatus  = scimscript.UntoldViewer
	somebody  = scimscript.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: true}
	badStatus = scimscript.User{ID: "u1", UserName: "ada@example.com", Active: "perhaps", Editor: false}

	anEditor, aViewer           = scimscript.AnEditor, scimscript.AViewer
	all, get, read, still       = scimscript.Script, scimscript.Read, scimscript.Found, scimscript.Still
	missing, unreachable, patch = scimscript.Missing, scimscript.Unreachable, scimscript.Change
)

// steps is a part of a script.
type steps = []scimscript.Step

var (
	accepted, later = scimscript.NoContent, scimscript.Reply{Status: http.StatusAccepted}

	setEditor, setEditorNested             = patch(scimscript.SetRole(true)), patch(scimscript.SetRoleNested(true))
	setActive, setActiveNested             = patch(scimscript.SetActive(true)), patch(scimscript.SetActiveNested(true))
	setInactive, setInactiveNested         = patch(scimscript.SetActive(false)), patch(scimscript.SetActiveNested(false))
	setActiveViewer, setActiveViewerNested = patch(scimscript.ActivateAs(false)), patch(scimscript.ActivateAsNested(false))
	setActiveEditor                        = patch(scimscript.ActivateAs(true))
)

func refused(statusCode int) scimscript.Reply { return scimscript.Refused(statusCode, "", "") }

func TestAChangeIsConfirmedByARead(t *testing.T) {
	wasViewer := &User{ID: "u1", Role: RoleViewer, Status: StatusActive}
	wasInactive := &User{ID: "u1", Role: RoleEditor, Status: StatusInactive}
	wasInactiveViewer := &User{ID: "u1", Role: RoleViewer, Status: StatusInactive}
	untold := &User{ID: "u1", Role: RoleViewer}
	// lost is as many lost answers as the client sends a PATCH.
	lost := func(patch func(scimscript.Reply) steps) steps { return slices.Repeat(patch(scimscript.Lost), 4) }
	aSCIMError := scimscript.Reply{Status: 200, Body: scimscript.Refused(403, "", "User limit reached").Body}
	const unreported = "does not report whether it was applied"
	for name, test := range map[string]struct {
		before *User  // wasViewer where it is not given
		change Change // toEditor
		steps  steps
		code   codes.Code // FailedPrecondition, where says is given
		says   string
		gone   bool // no user is left to return
	}{
		"the read shows the role":                    {steps: all(setEditor(accepted), read(anEditor))},
		"the body shows the role, and the read does": {steps: all(setEditor(scimscript.OK(anEditor)), read(anEditor))},
		"the body shows the role, and no read does": {
			steps: all(setEditor(scimscript.OK(anEditor)), still(aViewer), setEditorNested(scimscript.OK(anEditor)), still(aViewer)),
			says:  "did not apply it, a read shows the status active and the role viewer",
		},
		"the body shows the old role, and the read the new one": {steps: all(setEditor(scimscript.OK(aViewer)), read(anEditor))},
		"a body of somebody else, the read shows the role":      {steps: all(setEditor(scimscript.OK(somebody)), read(anEditor))},
		"a web page, the read shows the role":                   {steps: all(setEditor(scimscript.Reply{Status: 200, Body: "<!doctype html>"}), read(anEditor))},
		"a SCIM error with 200, and no read shows the role": {
			steps: all(setEditor(aSCIMError), still(aViewer), setEditorNested(aSCIMError), still(aViewer)),
			says:  "User limit reached",
		},
		"the second read shows the role":                   {steps: all(setEditor(accepted), read(aViewer), read(anEditor))},
		"the fourth read shows the role":                   {steps: all(setEditor(accepted), still(aViewer)[:3], read(anEditor))},
		"the form with a path is ignored, the other works": {steps: all(setEditor(accepted), still(aViewer), setEditorNested(accepted), read(anEditor))},
		"the form with a path is ignored, the other refused": {
			steps: all(setEditor(accepted), still(aViewer), setEditorNested(refused(400))),
			says:  "did not apply it",
		},
		"the form with a path is ignored, the answers to the other are lost": {
			steps: all(setEditor(accepted), still(aViewer), lost(setEditorNested), still(aViewer)),
			code:  codes.Unavailable, says: "PATCH",
		},
		"the form with a path is refused, the other works for both halves": {
			before: wasInactive, change: reinstate, steps: all(setActiveViewer(scimscript.Refused(422, "null", "")), setActiveViewerNested(accepted), read(aViewer)),
		},
		"the form of a status is refused, the other works": {
			before: wasInactive, change: activate, steps: all(setActive(scimscript.Refused(400, "noTarget", "")), setActiveNested(accepted), read(anEditor)),
		},
		"both forms are refused": {
			steps: all(setEditor(scimscript.Refused(400, "invalidPath", "")), setEditorNested(scimscript.Refused(400, "invalidValue", "no seats left"))),
			code:  codes.InvalidArgument, says: "no seats left",
		},
		"another refusal is not sent again":                        {steps: setEditor(refused(403)), code: codes.PermissionDenied, says: "403"},
		"accepted, and the user does not report the role any more": {steps: all(setEditor(accepted), read(noRole)), says: unreported},
		"accepted, and the user never reports the role": {
			before: &User{ID: "u1", Status: StatusActive}, steps: all(setEditor(accepted), still(noRole)),
			says: unreported,
		},
		"accepted for later (202), and a read shows it": {steps: all(setEditor(later), read(anEditor))},
		"accepted for later (202), and no read shows it": {
			steps: all(setEditor(scimscript.Reply{Status: 202, Body: anEditor.String()}), still(aViewer)),
			says:  "accepted, not applied yet",
		},
		"accepted, and the read fails": {
			steps: all(setEditor(accepted), get(refused(401))),
			code:  codes.Unauthenticated, says: "the change was accepted, and could not be confirmed: the SCIM token was refused",
		},
		"accepted, and the user is gone": {steps: all(setEditor(accepted), missing()), code: codes.NotFound, says: "404"},
		"accepted, and the user is listed and cannot be reached": {
			steps: all(setEditor(accepted), unreachable(anEditor)),
			says:  "could not be confirmed: the API lists this user",
		},
		"a role confirms a grant where the status is never reported": {before: untold, change: reinstate, steps: all(setActiveViewer(accepted), read(noStatus))},
		"a role does not confirm an activation that was reported inactive": {
			before: wasInactive, change: reinstate, steps: all(setActiveViewer(accepted), read(noStatus)),
			says: unreported,
		},
		"an unreadable status confirms nothing": {
			before: untold, change: reinstate, steps: all(setActiveViewer(accepted), read(badStatus)),
			says: "does not report whether it was applied, a read shows the status unreadable and the role viewer",
		},
		"an activation alone is not confirmed by silence": {before: untold, change: activate, steps: all(setActive(accepted), still(noStatus)), says: unreported},
		"an activation with the role of before is not confirmed by silence": {
			before: untold, change: enable, steps: all(setActiveViewer(accepted), still(noStatus)),
			says: unreported,
		},
		"an activation keeps the role of before": {before: wasInactive, change: enable, steps: all(setActiveEditor(accepted), read(anEditor))},
		"an activation of somebody whose role is unknown": {
			before: &User{ID: "u1", Status: StatusInactive}, change: enable, steps: all(setActive(accepted), read(anEditor)),
		},
		"an activation brings another role than that of before": {
			before: wasInactiveViewer, change: enable, steps: all(setActiveViewer(accepted), read(anEditor), setActiveViewerNested(accepted), read(anEditor)),
			says: "did not apply it, a read shows the status active and the role editor",
		},
		"an activation, and the role is not reported any more": {
			before: wasInactive, change: enable, steps: all(setActiveEditor(accepted), read(noRole)),
			says: unreported,
		},
		"an activation changes a role that was not named": {
			before: wasInactiveViewer, change: activate, steps: all(setActive(accepted), read(anEditor)),
			says: "the change was made, and changed the role from viewer to editor as well",
		},
		"a deactivation changes a role that was not named": {
			change: deactivate, steps: all(setInactive(accepted), read(inactive)),
			says: "changed the role from viewer to editor as well",
		},
		"a role change deactivates":                                {steps: all(setEditor(accepted), read(inactive)), says: "changed the status from active to inactive as well"},
		"a status that was true and is left out is a deactivation": {change: deactivate, steps: all(setInactive(accepted), read(noStatus))},
		"a status that was never reported is no deactivation": {
			before: untold, change: deactivate, steps: all(setInactive(accepted), still(noStatus)),
			says: unreported,
		},
		"a deactivation removes the record": {
			change: deactivate, gone: true, steps: all(setInactive(scimscript.OK(inactive)), get(scimscript.Reply{Status: 404, Body: "<html>"})),
		},
		"a deactivation removes the record late": {
			change: deactivate, gone: true, steps: all(setInactive(accepted), still(aViewer)[:2], get(scimscript.NotFound())),
		},
		"a half applied change is not applied": {
			before: wasInactive, change: reinstate, steps: all(setActiveViewer(accepted), read(anEditor), setActiveViewerNested(accepted), read(anEditor)),
			says: "did not apply it, a read shows the status active and the role editor",
		},
		"404, and the user is gone": {steps: all(setEditor(scimscript.NotFound()), missing()), code: codes.NotFound, says: "404"},
		"404 to a deactivation, and the user is gone": {
			change: deactivate, steps: all(setInactive(scimscript.NotFound()), missing()),
			code: codes.NotFound, says: "404",
		},
		"404, and the user is there":             {steps: all(setEditor(scimscript.NotFound()), read(aViewer)), says: "the user is there, and was not changed"},
		"410, and the user was changed":          {steps: all(setEditor(refused(410)), read(anEditor))},
		"404, and nobody can look":               {steps: all(setEditor(scimscript.NotFound()), get(refused(401))), code: codes.Unauthenticated, says: "GET"},
		"one answer is lost, the next one comes": {steps: all(setEditor(scimscript.Lost), setEditor(accepted), read(anEditor))},
		"one answer is lost, the next one comes, and nothing was changed": {
			steps: all(setEditor(scimscript.Lost), setEditor(accepted), still(aViewer), setEditorNested(refused(400))),
			says:  "did not apply it",
		},
		"one answer is lost, and the repeat refused, which a read outweighs": {
			steps: all(setEditor(scimscript.Lost), setEditor(scimscript.Refused(409, "", "no change")), read(anEditor)),
		},
		"a 502, and the repeat refused with 400, which a late read outweighs": {
			steps: all(setEditor(scimscript.Reply{Status: 502}), setEditor(scimscript.Refused(400, "", "no valid fields to update")), read(aViewer), read(anEditor)),
		},
		"one answer is lost, the repeat is refused, and no read shows the role": {
			steps: all(setEditor(scimscript.Lost), setEditor(refused(403)), still(aViewer)),
			code:  codes.Unavailable, says: "PATCH",
		},
		"one answer is lost, the form refused, and the other works": {
			steps: all(setEditor(scimscript.Lost), setEditor(refused(400)), still(aViewer), setEditorNested(accepted), read(anEditor)),
		},
		"one answer is lost, and both forms are refused": {
			steps: all(setEditor(scimscript.Lost), setEditor(refused(400)), still(aViewer), setEditorNested(refused(400))),
			code:  codes.Unavailable, says: "PATCH",
		},
		"one answer to a deactivation is lost, the repeat is a 404, and the user is gone": {
			change: deactivate, gone: true, steps: all(setInactive(scimscript.Lost), setInactive(scimscript.NotFound()), missing()),
		},
		"one answer is lost, the repeat is a 404, and the user is gone": {
			steps: all(setEditor(scimscript.Lost), setEditor(scimscript.NotFound()), missing()),
			code:  codes.NotFound, says: "404",
		},
		"every answer is lost, and a read shows the role":  {steps: all(lost(setEditor), read(anEditor))},
		"every answer is lost, and no read shows the role": {steps: all(lost(setEditor), still(aViewer)), code: codes.Unavailable, says: "PATCH"},
		"every answer is lost, and nobody can look":        {steps: all(lost(setEditor), get(refused(401))), code: codes.Unavailable, says: "PATCH"},
		"every answer is lost, and what a read shows was so before": {
			before: untold, change: reinstate, steps: all(lost(setActiveViewer), still(noStatus)),
			code: codes.Unavailable, says: "PATCH",
		},
		"202, and what a read shows was so before": {
			before: untold, change: reinstate, steps: all(setActiveViewer(later), still(noStatus)),
			says: "accepted, not applied yet",
		},
		"every answer is lost, and a read shows a role that is new": {
			before: &User{ID: "u1", Role: RoleEditor}, change: reinstate, steps: all(lost(setActiveViewer), read(noStatus)),
		},
		"every answer to a deactivation is lost, and the record is gone": {change: deactivate, gone: true, steps: all(lost(setInactive), missing())},
		"every answer to a deactivation is lost, and the record is listed and cannot be reached": {
			change: deactivate, steps: all(lost(setInactive), unreachable(aViewer)),
			code: codes.Unavailable, says: "PATCH",
		},
	} {
		t.Run(name, func(t *testing.T) {
			user, err := following(t, test.steps...).ChangeUser(t.Context(), cmp.Or(test.before, wasViewer), cmp.Or(test.change, toEditor))
			failsWith(t, err, test.code, test.says)
			if (user == nil) != (err != nil || test.gone) {
				t.Errorf("got the user %+v", user)
			}
		})
	}
}
