package connector_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestRevokeEditorByTheStateFound(t *testing.T) {
	done := expectation{changes: changed("role revoked", "u1", "editor")}
	for name, test := range map[string]struct {
		steps []script.Step
		want  expectation
	}{
		"an Editor, confirmed by the answer": {
			[]script.Step{found(anEditor), script.Patch("u1", script.SetRole(false), script.OK(aViewer))}, done,
		},
		"an Editor, confirmed by a read": {
			[]script.Step{found(anEditor), script.Patch("u1", script.SetRole(false), script.NoContent), found(aViewer)}, done,
		},
		"a user whose role is unknown": {
			[]script.Step{found(hasNoRole), script.Patch("u1", script.SetRole(false), script.OK(aViewer))}, done,
		},
		"a Viewer":           {[]script.Step{found(aViewer)}, expectation{annos: alreadyRevoked}},
		"an inactive Editor": {[]script.Step{found(anInactiveEditor)}, expectation{annos: alreadyRevoked}},
		"a user who is gone": {[]script.Step{gone()}, expectation{annos: alreadyRevoked}},
		"a user who goes in between": {
			[]script.Step{found(anEditor), script.Patch("u1", script.SetRole(false), script.NotFound())},
			expectation{annos: alreadyRevoked},
		},
		"accepted but not applied": {
			[]script.Step{found(anEditor), script.Patch("u1", script.SetRole(false), script.OK(anEditor)), found(anEditor)},
			expectation{code: codes.FailedPrecondition, says: "accepted the change but did not apply it"},
		},
		"the answer was lost and the read shows the fall back": {
			[]script.Step{found(anEditor), script.Patch("u1", script.SetRole(false), script.Lost), found(aViewer)}, done,
		},
		"the answer was lost and the read shows no change": {
			[]script.Step{found(anEditor), script.Patch("u1", script.SetRole(false), script.Lost), found(anEditor)},
			expectation{code: codes.Unavailable, says: "PATCH"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			following(t, test.steps...).revoke("editor", "u1").check(t, test.want)
		})
	}
}

func TestRevokeViewerByTheStateFound(t *testing.T) {
	done := changed("role revoked", "u1", "viewer")
	leave := func(reply script.Reply) script.Step { return script.Patch("u1", script.SetActive(false), reply) }
	for name, test := range map[string]struct {
		steps []script.Step
		want  expectation
	}{
		"a Viewer whose record stays": {
			[]script.Step{found(aViewer), leave(script.OK(anInactiveViewer)), found(anInactiveViewer)},
			expectation{changes: done},
		},
		"a Viewer whose record goes": {
			[]script.Step{found(aViewer), leave(script.NoContent), gone()},
			expectation{annos: deleted(), changes: done},
		},
		"a stale revoke of an Editor": {[]script.Step{found(anEditor)}, expectation{annos: alreadyRevoked}},
		"an inactive Viewer":          {[]script.Step{found(anInactiveViewer)}, expectation{annos: alreadyRevoked}},
		"an inactive Editor":          {[]script.Step{found(anInactiveEditor)}, expectation{annos: alreadyRevoked}},
		"a user who is gone": {
			[]script.Step{gone()}, expectation{annos: alreadyRevoked},
		},
		"a user who goes in between": {
			[]script.Step{found(aViewer), leave(script.NotFound())}, expectation{annos: alreadyRevoked},
		},
		"a user whose role is unknown": {
			[]script.Step{found(hasNoRole)},
			expectation{code: codes.FailedPrecondition, says: "does not tell this user's role"},
		},
		"accepted but not applied": {
			[]script.Step{found(aViewer), leave(script.NoContent), found(aViewer)},
			expectation{code: codes.FailedPrecondition, says: "accepted the change but did not apply it"},
		},
		"the answer was lost and the record is gone": {
			[]script.Step{found(aViewer), leave(script.Lost), gone()},
			expectation{annos: deleted(), changes: done},
		},
		"the answer was lost and the record is inactive": {
			[]script.Step{found(aViewer), leave(script.Lost), found(anInactiveViewer)},
			expectation{changes: done},
		},
		"the answer was lost and nobody can look": {
			[]script.Step{found(aViewer), leave(script.Lost), script.Get("u1", script.Refused(503, "", ""))},
			expectation{code: codes.Unavailable, says: "PATCH"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			following(t, test.steps...).revoke("viewer", "u1").check(t, test.want)
		})
	}
}
