package scimscript

import "slices"

// Ada is the userName of the user with the id u1, whom most scripts are about.
const Ada = "ada@example.com"

// Ada, as a read shows her: in a role, inactive with the role of before, without a role, without a status.
var (
	AnEditor     = User{ID: "u1", UserName: Ada, Active: true, Editor: true}
	AViewer      = User{ID: "u1", UserName: Ada, Active: true, Editor: false}
	ExEditor     = User{ID: "u1", UserName: Ada, Active: false, Editor: true}
	ExViewer     = User{ID: "u1", UserName: Ada, Active: false, Editor: false}
	HasNoRole    = User{ID: "u1", UserName: Ada, Active: true}
	UntoldEditor = User{ID: "u1", UserName: Ada, Editor: true}
	UntoldViewer = User{ID: "u1", UserName: Ada, Editor: false}
)

// Script joins parts of a script.
func Script(parts ...[]Step) []Step { return slices.Concat(parts...) }

// Read expects that Ada is read.
func Read(reply Reply) []Step { return []Step{Get("u1", reply)} }

// Found shows Ada at a read.
func Found(user User) []Step { return Read(OK(user)) }

// Still shows Ada at each of the reads that come while they show what was there before a change.
func Still(user User) []Step { return slices.Repeat(Found(user), 4) }

// Missing is how Ada is found to be gone: by her own address, and by the list.
func Missing() []Step { return append(Read(NotFound()), FindID("u1", OK(List{}))) }

// Unreachable is how Ada is found to be listed, while her own address answers 404.
func Unreachable(user User) []Step { return append(Read(NotFound()), FindID("u1", OK(List{user}))) }

// Change returns the PATCH of Ada with a body, by the answer to it.
func Change(body string) func(Reply) []Step {
	return func(reply Reply) []Step { return []Step{Patch("u1", body, reply)} }
}
