package connector_test

import (
	"net/http"
	"testing"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"

	script "github.com/conductorone/baton-whimsical/internal/scimscript"
)

func TestDeleteByWhatTheServerAnswers(t *testing.T) {
	done := expectation{changes: changed("user deleted", "u1", "")}
	for name, test := range map[string]struct {
		steps []script.Step
		want  expectation
	}{
		"204":                   {[]script.Step{script.Delete("u1", script.NoContent), gone()}, done},
		"200 with a body":       {[]script.Step{script.Delete("u1", script.OK(aViewer)), gone()}, done},
		"202":                   {[]script.Step{script.Delete("u1", script.Reply{Status: 202})}, done},
		"the record stays":      {[]script.Step{script.Delete("u1", script.NoContent), found(anInactiveEditor)}, done},
		"404":                   {[]script.Step{script.Delete("u1", script.NotFound())}, expectation{annos: doesNotExist}},
		"405, then deactivated": {[]script.Step{script.Delete("u1", script.Refused(405, "", "")), script.Patch("u1", script.SetActive(false), script.NoContent), gone()}, done},
		"501, then deactivated": {[]script.Step{script.Delete("u1", script.Refused(501, "", "")), script.Patch("u1", script.SetActive(false), script.NoContent), found(anInactiveViewer)}, done},
		"405, then 404": {
			[]script.Step{script.Delete("u1", script.Refused(405, "", "")), script.Patch("u1", script.SetActive(false), script.NotFound())},
			expectation{annos: doesNotExist},
		},
		"accepted but not applied": {
			[]script.Step{script.Delete("u1", script.NoContent), found(aViewer)},
			expectation{code: codes.FailedPrecondition, says: "accepted the deletion, but the user is still active"},
		},
		"refused": {
			[]script.Step{script.Delete("u1", script.Refused(403, "", "the owner stays"))},
			expectation{code: codes.PermissionDenied, says: "the owner stays"},
		},
		"the answer was lost, and the user is gone": {[]script.Step{script.Delete("u1", script.Lost), gone()}, done},
	} {
		t.Run(name, func(t *testing.T) {
			following(t, test.steps...).delete("u1").check(t, test.want)
		})
	}
}

func TestDeleteIsRepeatedWithinBounds(t *testing.T) {
	down := script.Refused(503, "", "")
	for name, test := range map[string]struct {
		steps []script.Step
		want  expectation
	}{
		"until it works": {
			[]script.Step{script.Delete("u1", down), found(aViewer), script.Delete("u1", script.NoContent), gone()},
			expectation{changes: changed("user deleted", "u1", "")},
		},
		"until the user is gone by an answer that was lost": {
			[]script.Step{script.Delete("u1", script.Lost), script.Get("u1", down), script.Delete("u1", script.NotFound())},
			expectation{changes: changed("user deleted", "u1", "")},
		},
		"after an answer that nobody could confirm": {
			[]script.Step{script.Delete("u1", script.NoContent), script.Get("u1", down), script.Delete("u1", script.NotFound())},
			expectation{changes: changed("user deleted", "u1", "")},
		},
		"after the rate limit, and the user is gone": {
			[]script.Step{script.Delete("u1", script.Reply{Status: 429, RetryAfter: "0"}), script.Delete("u1", script.NotFound())},
			expectation{annos: doesNotExist},
		},
		"after an answer that the rate limit left unconfirmed": {
			[]script.Step{
				script.Delete("u1", script.NoContent), script.Get("u1", script.Reply{Status: 429, RetryAfter: "0"}),
				script.Delete("u1", script.NotFound()),
			},
			expectation{changes: changed("user deleted", "u1", "")},
		},
		"four times": {
			[]script.Step{
				script.Delete("u1", down), found(aViewer), script.Delete("u1", down), found(aViewer),
				script.Delete("u1", down), found(aViewer), script.Delete("u1", down), found(aViewer),
			},
			expectation{code: codes.Unavailable, says: "503"},
		},
		"after the rate limit": {
			[]script.Step{
				script.Delete("u1", script.Reply{Status: 429, RetryAfter: "0"}),
				script.Delete("u1", script.NoContent), gone(),
			},
			expectation{changes: changed("user deleted", "u1", "")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for about half a second
			following(t, test.steps...).delete("u1").check(t, test.want)
		})
	}
}

func TestNothingIsRepeatedAtOnceWhenTheServerAsksForMoreThanAMinute(t *testing.T) {
	for name, after := range map[string]string{
		"in seconds":      "3600",
		"as an HTTP date": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat),
	} {
		t.Run(name, func(t *testing.T) {
			slower := script.Reply{Status: 429, RetryAfter: after}
			want := expectation{code: codes.Unavailable, says: "rate limit"}
			following(t, script.Delete("u1", slower)).delete("u1").check(t, want)
			create(t, following(t, post(asViewer, slower)), "viewer").check(t, want)
			following(t, script.Get("u1", slower)).act("enable_user", userIDIs("u1")).check(t, want)
		})
	}
}

func TestOnlyUsersCanBeDeleted(t *testing.T) {
	for name, id := range map[string]*v2.ResourceId{
		"nothing":              nil,
		"a user without an id": principal("user", "").GetId(),
		"a role":               principal("role", "viewer").GetId(),
	} {
		t.Run(name, func(t *testing.T) {
			p := following(t)
			annos, err := p.deleter.Delete(p.ctx, id, nil)
			outcome{annos: annos, err: err, changes: p.changes()}.
				check(t, expectation{code: codes.InvalidArgument, says: "only users can be deleted"})
		})
	}
}
