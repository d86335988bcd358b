package connector_test

import (
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// account is an AccountInfo to be: what is "" or nil is left out.
type account struct {
	primary, secondary, login string
	profile                   map[string]any
}

func (a account) info() *v2.AccountInfo {
	info := v2.AccountInfo_builder{Login: a.login}.Build()
	if a.secondary != "" {
		info.SetEmails([]*v2.AccountInfo_Email{{Address: a.secondary}})
	}
	if a.primary != "" {
		info.SetEmails(append(info.GetEmails(), &v2.AccountInfo_Email{Address: a.primary, IsPrimary: true}))
	}
	if a.profile != nil {
		profile, err := structpb.NewStruct(a.profile)
		if err != nil {
			panic(err) // a test's own literal
		}
		info.SetProfile(profile)
	}
	return info
}

func TestWhatAnAccountIsCreatedFrom(t *testing.T) {
	type profile = map[string]any
	bare := creation("", ada, asViewer)
	named := creation(`,"name":{"givenName":"Ada","familyName":"Lovelace"}`, "Ada Lovelace", asViewer)
	of := func(p profile) account { return account{primary: ada, profile: p} }
	for name, test := range map[string]struct {
		account account
		body    string
		warning string
	}{
		"the primary e-mail before all others": {
			account{primary: ada, secondary: "second@example.com", login: "login@example.com", profile: profile{"email": "profile@example.com"}},
			bare,
			"",
		},
		"the login before the profile":                           {account{login: ada, profile: profile{"email": "profile@example.com"}}, bare, ""},
		"the login before an e-mail that is not the primary one": {account{secondary: "second@example.com", login: ada}, bare, ""},
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

func TestAccountsThatCannotBeCreatedAreRefusedBeforeAnyRequest(t *testing.T) {
	const roles = "it must be editor, viewer or default, or empty for viewer"
	const malformed = "the account's email is not an e-mail address: give it in the form person@example.com"
	ofRole := func(role any) account { return account{primary: ada, profile: map[string]any{"role": role}} }
	for name, test := range map[string]struct {
		account account
		says    string
	}{
		"no e-mail":                         {account{}, "set email"},
		"an e-mail that is not the primary": {account{secondary: ada}, "set email"},
		"an e-mail without a domain":        {account{primary: "ada"}, malformed},
		"a name with the e-mail":            {account{primary: "Ada <ada@example.com>"}, malformed},
		"two e-mails":                       {account{primary: "ada@example.com, grace@example.com"}, malformed},
		"a line break in the e-mail":        {account{primary: "ada@example.com\r\nx: y"}, malformed},
		"an e-mail that is far too long":    {account{primary: strings.Repeat("a", 250) + "@example.com"}, malformed},
		"a login that is no e-mail":         {account{login: "ada", profile: map[string]any{"email": ada}}, "the account's login is not an e-mail address"},
		"a malformed e-mail in the profile": {account{profile: map[string]any{"email": "ada@"}}, "the account's profile.email is not an e-mail address"},
		"an e-mail that is no text":         {account{profile: map[string]any{"email": 7}}, "set email"},
		"an unknown role":                   {ofRole("admin"), roles},
		"a role that is a boolean":          {ofRole(true), roles},
		"a role that is a list":             {ofRole([]any{"editor"}), roles},
		"a role that names a person":        {ofRole(ada), roles},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, nil, func(p *provisioner) outcome { return p.create(test.account.info()) }, fails(codes.InvalidArgument, test.says))
		})
	}
	scripted(t, nil, func(p *provisioner) outcome { return p.create(nil) }, fails(codes.InvalidArgument, "set email"))
}

func TestCreateAccountByWhatTheServerAnswers(t *testing.T) {
	const invited = ": Whimsical has invited this e-mail address: "
	taken := refused(409, "uniqueness", "userName is taken")
	isCreated := expectation{result: "success u1", changes: changed("user created", "u1", "viewer")}
	activated := expectation{result: "success u1", changes: changed("user activated", "u1", "viewer")}
	exists := func(reason string) expectation {
		return expectation{result: "already exists u1", reason: "exists already" + reason}
	}
	staysEditor := exists(" as editor, not viewer (grant the role to change it)")
	isRefused := func(reason string) expectation {
		return expectation{result: "action required : Whimsical refused to create the account, and nothing was changed: " + reason}
	}
	acceptedAs := func(user string) []string {
		return []string{"info: baton-whimsical: creation accepted: user_id=" + user}
	}
	thereNow := expectation{result: "already exists u1", changes: changed("user created", "u1", "viewer")}
	runRows(t, []row{
		{"nobody is found", "create viewer", steps(look(), post(asViewer, created(aViewer)), found(aViewer)), isCreated},
		{"nobody is found, by a 404", "create viewer", steps(find(notFound), listing(ok(scimscript.List{somebody})), post(asViewer, created(aViewer)),
			found(aViewer)), isCreated},
		{"others are found", "create viewer", steps(look(somebody), post(asViewer, created(aViewer)), found(aViewer)), isCreated},
		{"the role is the workspace's", "create default", steps(look(), post("", created(anEditor)), found(anEditor)),
			expectation{result: "success u1", changes: changed("user created", "u1", "editor")}},
		{"the answer has no body", "create viewer", steps(look(), post(asViewer, scimscript.Reply{Status: 201}), look(somebody, aViewer)), isCreated},
		{"the read behind it fails once", "create viewer", steps(look(), post(asViewer, created(aViewer)), read(down), found(aViewer)), isCreated},
		{"the answer repeats the request, the truth is another role", "create viewer", steps(look(), post(asViewer, created(aViewer)),
			found(anEditor)),
			expectation{code: codes.FailedPrecondition, says: "created as editor, not with the role that was asked for", changes: changed("user created", "u1", "editor")}},
		{"the role is not reported", "create viewer", steps(look(), post(asViewer, created(hasNoRole)), found(hasNoRole)),
			expectation{code: codes.FailedPrecondition, says: "does not report whether it has the role", changes: changed("user created", "u1", "")}},
		{"pending", "create viewer", steps(look(), post(asViewer, created(aViewer)), gone, look()),
			expectation{result: "action required u1 pending" + invited, changes: acceptedAs("u1")}},
		{"pending, with another role", "create viewer", steps(look(), post(asViewer, created(anEditor)), gone, look()),
			expectation{code: codes.FailedPrecondition, says: "created as editor", changes: acceptedAs("u1")}},
		{"pending, and the role is not reported", "create viewer", steps(look(), post(asViewer, created(hasNoRole)), gone, look()),
			expectation{result: "action required u1 pending" + invited, changes: acceptedAs("u1")}},
		{"the id of the answer is not there, and the look-up shows the person", "create viewer", steps(look(), post(asViewer, created(aViewer)), gone, look(aViewer)),
			isCreated},
		{"pending, and without a body", "create viewer", steps(look(), post(asViewer, scimscript.Reply{Status: 201}), look()),
			expectation{result: "action required " + invited, changes: acceptedAs("{id}")}},
		{"202, and nobody is there", "create viewer", steps(look(), post(asViewer, accepted), look()), notYet},
		{"202 with a user who is not there", "create viewer", steps(look(), post(asViewer, scimscript.Reply{Status: 202, Body: aViewer.String()}), gone, look()),
			notYet},
		{"202, and the user is there", "create viewer", steps(look(), post(asViewer, accepted), look(aViewer)), isCreated},
		{"204, and nobody is there", "create viewer", steps(look(), post(asViewer, noContent), look()), fails(codes.FailedPrecondition, "no such user was found")},
		{"the answer is somebody else", "create viewer", steps(look(), post(asViewer, created(somebody)), one(scimscript.Get("u2", ok(somebody)))),
			fails(codes.FailedPrecondition, "with another userName than was asked for")},
		{"the answer is an old, inactive record", "create viewer", steps(look(), post(asViewer, created(anInactiveEditor)), found(anInactiveEditor),
			activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"an active user keeps the role", "create viewer", steps(look(anEditor)), staysEditor},
		{"an active user, default role", "create default", steps(look(anEditor)), exists("")},
		{"an active user in capitals", "create viewer", steps(look(scimscript.User{ID: "u1", UserName: "Ada@Example.COM", Active: 1, Editor: "False"})), exists("")},
		{"an active user without role", "create viewer", steps(look(hasNoRole)), exists(", with a role that is not reported, not surely viewer")},
		{"an inactive user", "create viewer", steps(look(anInactiveEditor), activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"an inactive user, active is 0", "create viewer", steps(look(scimscript.User{ID: "u1", UserName: ada, Active: 0, Editor: false}),
			activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"an inactive user, active is left out if false", "create viewer", steps(look(anUntoldEditor), activateViewer(noContent), found(aViewer)), activated},
		{"an inactive user, default role", "create default", steps(look(anInactiveEditor), activate(ok(anEditor)), found(anEditor)),
			expectation{result: "success u1", changes: changed("user activated", "u1", "editor")}},
		{"an inactive user stays so", "create viewer", steps(look(anInactiveEditor), activateViewer(ok(aViewer)), still(anInactiveEditor),
			activateViewerNested(ok(aViewer)), still(anInactiveEditor)), ignored},
		{"an inactive user is activated with the role of before", "create viewer", steps(look(anInactiveEditor), four(activateViewer(failed)), found(anEditor)),
			fails(codes.Unavailable, "500")},
		{"an inactive user is half changed", "create viewer", steps(look(anInactiveEditor), four(activateViewer(failed)), found(anInactiveViewer)),
			fails(codes.Unavailable, "500")},
		{"taken, by an active user", "create viewer", steps(look(), post(asViewer, taken), look(anEditor)), staysEditor},
		{"taken, by an inactive user", "create viewer", steps(look(), post(asViewer, taken), look(anInactiveEditor), activateViewer(ok(aViewer)), found(aViewer)),
			activated},
		{"taken, and nobody is found", "create viewer", steps(look(), post(asViewer, taken), look()), isRefused("userName is taken")},
		{"no seat", "create viewer", steps(look(), post(asViewer, refused(409, "", "seat limit reached")), look()), isRefused("seat limit reached")},
		{"a foreign domain", "create viewer", steps(look(), post(asViewer, refused(409, "", "domain not verified")), look()), isRefused("domain not verified")},
		{"taken, without a reason", "create viewer", steps(look(), post(asViewer, refused(409, "", "")), look()), isRefused("it gave no reason")},
		{"lost, and stored", "create viewer", steps(look(), post(asViewer, lost), look(aViewer)), thereNow},
		{"a gateway's 504, and stored", "create viewer", steps(look(), post(asViewer, scimscript.Reply{Status: 504}), look(somebody, aViewer)), thereNow},
		{"stored, and not to be read", "create viewer", steps(look(), post(asViewer, created(aViewer)), four(read(failed)), look(aViewer)), thereNow},
		{"lost, and stored with another role", "create viewer", steps(look(), post(asViewer, lost), look(anEditor)),
			expectation{code: codes.FailedPrecondition, says: "was created as editor", changes: changed("user created", "u1", "editor")}},
		{"stored, and nobody may read", "create viewer", steps(look(), post(asViewer, created(aViewer)), read(refused(403, "", ""))),
			fails(codes.PermissionDenied, "the change was accepted, and could not be confirmed: the token may not do this")},
		{"lost, an old record", "create viewer", steps(look(), post(asViewer, lost), look(anInactiveEditor), activateViewer(ok(aViewer)), found(aViewer)), activated},
		{"lost, and not stored", "create viewer", steps(look(), post(asViewer, lost), look()), fails(codes.Unavailable, "POST")},
		{"down", "create viewer", steps(look(), post(asViewer, down), look()), fails(codes.Unavailable, "503")},
		{"lost, and nobody may look", "create viewer", steps(look(), post(asViewer, lost), find(refused(401, "", ""))), fails(codes.Unavailable, "POST")},
		{"rate limited for a moment", "create viewer", steps(look(), post(asViewer, scimscript.Reply{Status: 429, RetryAfter: "1"}), post(asViewer, created(aViewer)),
			found(aViewer)), isCreated},
		{"refused with the server's own reason", "create viewer", steps(look(), post(asViewer, refused(403, "", "User limit reached"))),
			fails(codes.PermissionDenied, "answered 403 Forbidden: User limit reached")},
		{"a success that holds a refusal", "create viewer", steps(look(),
			post(asViewer, scimscript.Reply{Status: 200, Body: refused(403, "", "User limit reached").Body}), look()),
			fails(codes.FailedPrecondition, "no such user was found: User limit reached")},
		{"an inactive user, default role, who gets another one", "create default", steps(look(anInactiveViewer), activate(noContent), found(anEditor)),
			fails(codes.FailedPrecondition, "changed the role from viewer to editor as well")},
		{"rate limited", "create viewer", steps(look(), post(asViewer, scimscript.Reply{Status: 429, RetryAfter: "3600"})), fails(codes.Unavailable, "rate limit")},
		{"the server knows no filters", "create viewer", steps(find(refused(501, "", ""))), fails(codes.FailedPrecondition, "cannot look people up by userName")},
		{"refused", "create viewer", steps(look(), post(asViewer, refused(400, "invalidValue", "no"))), fails(codes.InvalidArgument, ": no")},
		{"404 to the creation", "create viewer", steps(look(), post(asViewer, notFound)), fails(codes.FailedPrecondition, "check base-url")},
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
		{"200 with a body", "delete", of(remove(ok(aViewer)), gone), done},
		{"202", "delete", of(remove(accepted), gone), done},
		{"the record stays", "delete", of(remove(noContent), found(anInactiveEditor)), done},
		{"the reads lag behind", "delete", of(remove(noContent), still(anEditor)[:3], gone), done},
		{"the read behind it fails once", "delete", of(remove(noContent), read(down), gone), done},
		{"somebody who is gone", "delete", nobody, isGone},
		{"listed and not reachable", "delete", unreachable(anEditor), notReached},
		{"a server that answers with somebody else", "delete", found(somebody), fails(codes.FailedPrecondition, "not the user that was asked for")},
		{"somebody who goes meanwhile", "delete", of(remove(notFound), nobody), isGone},
		{"somebody who is inactive", "delete", steps(found(anInactiveViewer), remove(notFound), found(anInactiveViewer)), done},
		{"404 though the user is there", "delete", of(remove(notFound), found(anEditor), deactivate(noContent), found(anInactiveEditor)), done},
		{"405, and the record goes", "delete", of(remove(unknown), deactivate(noContent), gone), done},
		{"501, and the record stays", "delete", of(remove(refused(501, "", "")), deactivate(ok(anInactiveEditor)), found(anInactiveEditor)), done},
		{"405, the status in the other form", "delete", of(remove(unknown), deactivate(refused(400, "", "")), deactivateNested(noContent), gone), done},
		{"405, and active is left out", "delete", of(remove(unknown), deactivate(noContent), found(anUntoldEditor)), done},
		{"405, and the user goes meanwhile", "delete", of(remove(unknown), deactivate(notFound), nobody), isGone},
		{"neither DELETE nor PATCH", "delete", of(remove(notFound), found(anEditor), deactivate(notFound), found(anEditor)), unapplied},
		{"accepted but not applied", "delete", of(remove(noContent), still(anEditor)),
			fails(codes.FailedPrecondition, "accepted the deletion, but the user is still there")},
		{"active is left out when it is false", "delete", of(remove(noContent), found(anUntoldEditor)), done},
		{"accepted, and active is not reported", "delete", steps(found(anUntoldViewer), remove(noContent), still(anUntoldViewer)),
			fails(codes.FailedPrecondition, "the user is still there")},
		{"202, and not applied yet", "delete", of(remove(accepted), still(anEditor)), notYet},
		{"refused", "delete", of(remove(refused(403, "", "the owner stays"))), fails(codes.PermissionDenied, "the owner stays")},
		{"accepted, and nobody may look", "delete", of(remove(noContent), read(refused(403, "", ""))),
			fails(codes.PermissionDenied, "the change was accepted, and could not be confirmed")},
		{"a user with two ids", "delete",
			of(remove(noContent), four(read(scimscript.Reply{Status: 200, Body: `{"Id":"u2","id":"u1","active":true,` + extension + `:{"editor":true}}`}))),
			fails(codes.FailedPrecondition, "the user is still there")},
		{"503, then 204", "delete", of(remove(down), remove(noContent), gone), done},
		{"one answer is lost", "delete", of(remove(lost), remove(notFound), nobody), done},
		{"one answer is lost, and a refusal", "delete", of(remove(lost), remove(refused(409, "", "")), nobody), done},
		{"all answers are lost, and it goes", "delete", of(four(remove(lost)), nobody), done},
		{"all answers are lost", "delete", of(four(remove(lost)), still(anEditor)), fails(codes.Unavailable, "DELETE")},
		{"down", "delete", of(four(remove(down)), still(anEditor)), fails(codes.Unavailable, "503")},
		{"429, and somebody who is gone", "delete", of(remove(scimscript.Reply{Status: 429, RetryAfter: "20"}), remove(notFound), nobody), isGone},
		{"429 for an hour", "delete", of(remove(scimscript.Reply{Status: 429, RetryAfter: "3600"})), fails(codes.Unavailable, "rate limit")},
	})
}

func TestOnlyUsersCanBeDeleted(t *testing.T) {
	for name, id := range map[string]*v2.ResourceId{
		"nothing":              nil,
		"a user without an id": batontest.Resource("user", "").GetId(),
		"a role":               batontest.Resource("role", "viewer").GetId(),
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, nil, func(p *provisioner) outcome {
				annos, err := p.accounts.Delete(p.ctx, id, nil)
				return p.told(outcome{annos: annos, err: err})
			}, fails(codes.InvalidArgument, "only users can be deleted"))
		})
	}
}
