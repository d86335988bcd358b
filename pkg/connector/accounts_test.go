package connector_test

import (
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// account is an AccountInfo to be: what is "" or nil is left out.
type account struct {
	primary, secondary, login string
	profile                   map[string]any
}

func (a account) info() *v2.AccountInfo {
	info := v2.AccountInfo_builder{Login: a.login}.Build()
	for i, address := range []string{a.secondary, a.primary} {
		if address != "" {
			info.SetEmails(append(info.GetEmails(), &v2.AccountInfo_Email{Address: address, IsPrimary: i == 1}))
		}
	}
	if a.profile != nil {
		info.SetProfile(object(a.profile))
	}
	return info
}

func TestWhatAnAccountIsCreatedFrom(t *testing.T) {
	type profile = map[string]any
	const other = "other@example.com"
	bare := creation("", ada, asViewer)
	named := creation(`,"name":{"givenName":"Ada","familyName":"Lovelace"}`, "Ada Lovelace", asViewer)
	of := func(p profile) account { return account{primary: ada, profile: p} }
	for name, test := range map[string]struct {
		account account
		body    string
		warning string
	}{
		"the primary e-mail before all others":                   {account{primary: ada, secondary: other, login: other, profile: profile{"email": other}}, bare, ""},
		"the login before the profile":                           {account{login: ada, profile: profile{"email": other}}, bare, ""},
		"the login before an e-mail that is not the primary one": {account{secondary: other, login: ada}, bare, ""},
		"the profile's e-mail":                                   {account{profile: profile{"email": ada}}, bare, ""},
		"an e-mail in capitals":                                  {account{primary: "Ada@EXAMPLE.com"}, bare, ""},
		"an e-mail with space around it":                         {account{primary: " ada@example.com\n"}, bare, ""},
		"a primary e-mail of space alone":                        {account{primary: " ", login: ada}, bare, ""},
		"names":                                                  {of(profile{"first_name": "Ada", "last_name": "Lovelace"}), named, ""},
		"names under other keys":                                 {of(profile{"given_name": "Ada", "family_name": "Lovelace"}), named, ""},
		"first_name before given_name":                           {of(profile{"first_name": "Ada", "given_name": "A.", "last_name": " Lovelace ", "family_name": "L."}), named, ""},
		"an empty first_name, then given_name":                   {of(profile{"first_name": " ", "given_name": "Ada", "last_name": nil, "family_name": "Lovelace"}), named, ""},
		"a given name alone":                                     {of(profile{"first_name": "Ada"}), creation(`,"name":{"givenName":"Ada"}`, "Ada", asViewer), ""},
		"names that are no text":                                 {of(profile{"first_name": 7, "last_name": true}), bare, ""},
		"Editor":                                                 {of(profile{"role": "editor"}), creation("", ada, asEditor), ""},
		"Viewer":                                                 {of(profile{"role": "viewer"}), bare, ""},
		"the workspace's default":                                {of(profile{"role": "default"}), creation("", ada, ""), ""},
		"a role of any case":                                     {of(profile{"role": " Editor "}), creation("", ada, asEditor), ""},
		"an empty role is Viewer":                                {of(profile{"role": ""}), bare, ""},
		"no role is Viewer":                                      {of(profile{"role": nil}), bare, ""},
		"a misspelt key is named, and Viewer":                    {of(profile{"rol": "editor"}), bare, "[rol]"},
		"all unknown keys are named":                             {of(profile{"password": "hunter2", "username": "ada", "editor": true}), bare, "[editor password username]"},
	} {
		t.Run(name, func(t *testing.T) {
			user, role := aViewer, "viewer"
			if strings.Contains(test.body, asEditor) {
				user, role = anEditor, "editor"
			}
			want := expectation{result: "success u1", changes: changed("user created", "u1", role)}
			if test.warning != "" {
				want.changes = append([]string{"warn: baton-whimsical: the account's profile has keys that are not known " +
					"(email, first_name, last_name and role are): keys=" + test.warning}, want.changes...)
			}
			scripted(t, steps(look(), one(scimscript.Post(test.body, created(user))), found(user)), func(p *provisioner) outcome { return p.create(test.account.info()) }, want)
		})
	}
}

func TestCreateAccountByWhatTheServerAnswers(t *testing.T) {
	const invited = ": Whimsical has invited this e-mail address: "
	taken := refused(409, "uniqueness", "userName is taken")
	isCreated := expectation{result: "success u1", changes: changed("user created", "u1", "viewer")}
	activated := expectation{result: "success u1", changes: changed("user activated", "u1", "viewer")}
	acceptedAs := func(user string) []string {
		return []string{"info: baton-whimsical: creation accepted: user_id=" + user}
	}
	pending := expectation{result: "action required u1 pending" + invited, changes: acceptedAs("u1")}
	otherRole := func(says, role string) expectation {
		return expectation{code: codes.FailedPrecondition, says: says, changes: changed("user created", "u1", role)}
	}
	exists := func(reason string) expectation {
		return expectation{result: "already exists u1", reason: "exists already" + reason}
	}
	staysEditor := exists(" as editor, not viewer (grant the role to change it)")
	isRefused := func(reason string) expectation {
		return expectation{result: "action required : Whimsical refused to create the account, and nothing was changed: " + reason}
	}
	thereNow := expectation{result: "already exists u1", changes: changed("user created", "u1", "viewer")}
	// asked are the steps where nobody is found and a Viewer is created.
	asked := func(reply scimscript.Reply, parts ...[]scimscript.Step) []scimscript.Step {
		return steps(look(), post(asViewer, reply), steps(parts...))
	}
	runRows(t, []row{
		{"nobody is found", "create viewer", asked(created(aViewer), found(aViewer)), isCreated},
		{"nobody is found, by a 404", "create viewer", steps(find(notFound), listing(ok(scimscript.List{somebody})), post(asViewer, created(aViewer)),
			found(aViewer)), isCreated},
		{"others are found", "create viewer", steps(look(somebody), post(asViewer, created(aViewer)), found(aViewer)), isCreated},
		{"the role is the workspace's", "create default", steps(look(), post("", created(anEditor)), found(anEditor)),
			expectation{result: "success u1", changes: changed("user created", "u1", "editor")}},
		{"the read behind it fails once", "create viewer", asked(created(aViewer), read(down), found(aViewer)), isCreated},
		{"the answer repeats the request, the truth is another role", "create viewer", asked(created(aViewer), found(anEditor)),
			otherRole("created as editor, not with the role that was asked for", "editor")},
		{"the role is not reported", "create viewer", asked(created(hasNoRole), found(hasNoRole)), otherRole("does not report whether it has the role", "")},
		{"pending", "create viewer", asked(created(aViewer), gone, look()), pending},
		{"pending, with another role", "create viewer", asked(created(anEditor), gone, look()),
			expectation{code: codes.FailedPrecondition, says: "created as editor", changes: acceptedAs("u1")}},
		{"pending, and the role is not reported", "create viewer", asked(created(hasNoRole), gone, look()), pending},
		{"pending, and without a body", "create viewer", asked(bare(201), look()), expectation{result: "action required " + invited, changes: acceptedAs("{id}")}},
		{"202, and the user is there", "create viewer", asked(accepted, look(aViewer)), isCreated},
		{"the answer is an old, inactive record", "create viewer", asked(created(exEditor), found(exEditor), activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"an active user keeps the role", "create viewer", steps(look(anEditor)), staysEditor},
		{"an active user, default role", "create default", steps(look(anEditor)), exists("")},
		{"an active user in capitals", "create viewer", steps(look(scimscript.User{ID: "u1", UserName: "Ada@Example.COM", Active: 1, Editor: "False"})), exists("")},
		{"an active user without role", "create viewer", steps(look(hasNoRole)), exists(", with a role that is not reported, not surely viewer")},
		{"an inactive user", "create viewer", steps(look(exEditor), activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"an inactive user, active is left out if false", "create viewer", steps(look(untoldEditor), activateViewer(noContent), found(aViewer)), activated},
		{"an inactive user, default role", "create default", steps(look(exEditor), activate(ok(anEditor)), found(anEditor)),
			expectation{result: "success u1", changes: changed("user activated", "u1", "editor")}},
		{"taken, by an active user", "create viewer", asked(taken, look(anEditor)), staysEditor},
		{"taken, by an inactive user", "create viewer", asked(taken, look(exEditor), activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"taken, and nobody is found", "create viewer", asked(taken, look()), isRefused("userName is taken")},
		{"a foreign domain", "create viewer", asked(refused(409, "", "domain not verified"), look()), isRefused("domain not verified")},
		{"taken, without a reason", "create viewer", asked(refused(409, "", ""), look()), isRefused("it gave no reason")},
		{"lost, and stored", "create viewer", asked(lost, look(aViewer)), thereNow},
		{"a gateway's 504, and stored", "create viewer", asked(bare(504), look(somebody, aViewer)), thereNow},
		{"stored, and not to be read", "create viewer", asked(created(aViewer), four(read(failed)), look(aViewer)), thereNow},
		{"lost, and stored with another role", "create viewer", asked(lost, look(anEditor)), otherRole("was created as editor", "editor")},
		{"lost, an old record", "create viewer", asked(lost, look(exEditor), activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"lost, and not stored", "create viewer", asked(lost, look()), fails(codes.Unavailable, "POST")},
		{"down", "create viewer", asked(down, look()), fails(codes.Unavailable, "503")},
		{"lost, and nobody may look", "create viewer", asked(lost, find(refused(401, "", ""))), fails(codes.Unavailable, "POST")},
		{"refused with the server's own reason", "create viewer", asked(refused(403, "", "User limit reached")),
			fails(codes.PermissionDenied, "answered 403 Forbidden: User limit reached")},
	})
}

func TestAnAddressOutsideASCIIIsNeverFoldedIntoThatOfSomebodyElse(t *testing.T) {
	for _, address := range []string{"\u212aim@example.com", "k\u0130m@example.com"} {
		t.Run(address, func(t *testing.T) {
			kim := scimscript.User{ID: "u1", UserName: "kim@example.com", Active: false, Editor: false}
			stranger := scimscript.User{ID: "u2", UserName: address, Active: true, Editor: true}
			body := strings.ReplaceAll(creation("", ada, asEditor), ada, address)
			scripted(t, []scimscript.Step{
				scimscript.Find(address, ok(scimscript.List{kim})), scimscript.Post(body, created(stranger)), scimscript.Get("u2", ok(stranger)),
			}, func(p *provisioner) outcome { return p.do("create editor", "", address) },
				expectation{result: "success u2", changes: changed("user created", "u2", "editor")})
		})
	}
}

func TestDeleteByWhatTheServerAnswers(t *testing.T) {
	done := expectation{changes: changed("user deleted", "u1", "")}
	isGone := expectation{annos: doesNotExist, reason: "there is no user with the ID u1"}
	remove := func(reply scimscript.Reply) []scimscript.Step { return one(scimscript.Delete("u1", reply)) }
	// of are the steps of a deletion of an Editor whom the first read shows.
	of := func(parts ...[]scimscript.Step) []scimscript.Step { return steps(found(anEditor), steps(parts...)) }
	unknown := refused(405, "", "")
	runRows(t, []row{
		{"204", "delete", of(remove(noContent), gone), done},
		{"the record stays", "delete", of(remove(noContent), found(exEditor)), done},
		{"somebody who is gone", "delete", nobody, isGone},
		{"listed and not reachable", "delete", unreachable(anEditor), notReached},
		{"somebody who goes meanwhile", "delete", of(remove(notFound), nobody), isGone},
		{"somebody who is inactive", "delete", steps(found(exViewer), remove(notFound), found(exViewer)), done},
		{"405, the status in the other form", "delete", of(remove(unknown), deactivate(refused(400, "", "")), deactivateNested(noContent), gone), done},
		{"refused", "delete", of(remove(refused(403, "", "the owner stays"))), fails(codes.PermissionDenied, "the owner stays")},
		{"503, then 204", "delete", of(remove(down), remove(noContent), gone), done},
		{"429, and somebody who is gone", "delete", of(remove(limited("20")), remove(notFound), nobody), isGone},
	})
}
