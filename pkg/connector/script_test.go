package connector_test

import (
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// What the server of a test is asked about Ada, who has the ID u1, and what it answers.

const ada = "ada@example.com"

var (
	anEditor         = scimscript.User{ID: "u1", UserName: ada, Active: true, Editor: true}
	aViewer          = scimscript.User{ID: "u1", UserName: ada, Active: true, Editor: false}
	hasNoRole        = scimscript.User{ID: "u1", UserName: ada, Active: true}
	anInactiveEditor = scimscript.User{ID: "u1", UserName: ada, Active: false, Editor: true}
	anInactiveViewer = scimscript.User{ID: "u1", UserName: ada, Active: false, Editor: false}
	// The status of these two is not reported.
	anUntoldEditor = scimscript.User{ID: "u1", UserName: ada, Editor: true}
	anUntoldViewer = scimscript.User{ID: "u1", UserName: ada, Editor: false}
	somebody       = scimscript.User{ID: "u2", UserName: "grace@example.com", Active: true, Editor: false}

	ok, created, refused = scimscript.OK, scimscript.Created, scimscript.Refused
	noContent, lost      = scimscript.NoContent, scimscript.Lost
	notFound             = scimscript.NotFound()
	accepted             = scimscript.Reply{Status: 202}
	down, failed         = refused(503, "", ""), refused(500, "", "")

	// gone is a read that shows nobody after a change that was accepted; nobody are the requests by which a
	// user is found to be gone otherwise.
	gone   = read(notFound)
	nobody = steps(gone, one(scimscript.FindID("u1", ok(scimscript.List{}))))

	promote, promoteNested               = patch(scimscript.SetRole(true)), patch(scimscript.SetRoleNested(true))
	demote, demoteNested                 = patch(scimscript.SetRole(false)), patch(scimscript.SetRoleNested(false))
	activate                             = patch(scimscript.SetActive(true))
	deactivate, deactivateNested         = patch(scimscript.SetActive(false)), patch(scimscript.SetActiveNested(false))
	activateEditor, activateEditorNested = patch(scimscript.ActivateAs(true)), patch(scimscript.ActivateAsNested(true))
	activateViewer, activateViewerNested = patch(scimscript.ActivateAs(false)), patch(scimscript.ActivateAsNested(false))
)

// These are outcomes of several calls.
var (
	unapplied   = fails(codes.FailedPrecondition, "the user is there, and was not changed")
	notReached  = fails(codes.FailedPrecondition, "the API lists this user, who cannot be reached at their own address")
	ignored     = fails(codes.FailedPrecondition, "accepted the change but did not apply it")
	notYet      = fails(codes.FailedPrecondition, "accepted, not applied yet")
	unconfirmed = fails(codes.FailedPrecondition, "does not report whether it was applied")
)

// steps are the steps of a test; four is how often the client tries at most.
func steps(parts ...[]scimscript.Step) []scimscript.Step { return slices.Concat(parts...) }

func one(step scimscript.Step) []scimscript.Step { return []scimscript.Step{step} }

func four(step []scimscript.Step) []scimscript.Step { return slices.Repeat(step, 4) }

func read(reply scimscript.Reply) []scimscript.Step { return one(scimscript.Get("u1", reply)) }

// found is a read that shows a user.
func found(user scimscript.User) []scimscript.Step { return read(ok(user)) }

// still are the reads that go on showing a user as they were before a change.
func still(user scimscript.User) []scimscript.Step { return four(found(user)) }

// unreachable are the requests that show a user who is listed and whose own address answers 404.
func unreachable(user scimscript.User) []scimscript.Step {
	return steps(gone, one(scimscript.FindID("u1", ok(scimscript.List{user}))))
}

// patch returns the change with a body, by the answer to it.
func patch(body string) func(scimscript.Reply) []scimscript.Step {
	return func(reply scimscript.Reply) []scimscript.Step { return one(scimscript.Patch("u1", body, reply)) }
}

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
