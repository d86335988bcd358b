package terminal

import (
	"text/template"

	"github.com/dustin/go-humanize"
	"go.uber.org/zap/zapcore"

	"github.com/conductorone/baton-whimsical/pkg/connector"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// MessageWritten is logged when a file is whole: file, seconds.
const MessageWritten = whimsical.Prefix + "file written"

// sentences are what a person reads of the entries of the log, by their messages. What
// begins with dots is progress. Errors are not among them: they come once, at the end of a
// run, while the SDK logs each at every layer.
var sentences = map[string]*template.Template{
	connector.MessageReading: parse(`...Reading users: {{comma .users}}{{with .total}} of {{comma .}}{{end}}`),
	connector.MessageRead: parse(`Users: {{comma .users}} (Editors: {{comma .editors}}, Viewers: {{comma .viewers}}, ` +
		`inactive: {{comma .inactive}}, without a role: {{comma .without_role}}).`),
	connector.MessageUnchanged: parse(user + `{{.reason}}: nothing changed.`),
	connector.MessageMissing:   parse(`Warning: {{.reason}}: nothing changed.`),
	connector.MessageAccepted:  parse(`Whimsical accepted the creation.`),
	connector.MessagePending:   parse(`Not in the workspace yet: {{.reason}}.`),
	connector.MessageChanged: parse(user + `{{if eq .operation "` + connector.OperationGrant + `"}}is {{holder .role}} now` +
		`{{else if eq .operation "` + connector.OperationRevoke + `"}}is no longer {{holder .role}}{{if eq .role "` + string(whimsical.RoleViewer) + `"}}, and has left the workspace{{end}}` +
		`{{else if eq .operation "` + connector.OperationCreate + `"}}was created{{with .role}}, and is {{holder .}}{{end}}` +
		`{{else if eq .operation "` + connector.OperationActivate + `"}}is active again{{with .role}}, and is {{holder .}}{{end}}` +
		`{{else if eq .operation "` + connector.OperationDelete + `"}}was deleted` +
		`{{else if eq .operation "` + connector.OperationEnable + `"}}is active now` +
		`{{else if eq .operation "` + connector.OperationDisable + `"}}was deactivated, and has left the workspace` +
		`{{else}}was changed: {{.operation}}{{end}}.`),
	connector.MessageNotReported: parse(`Warning: the API did not report ` +
		`{{with .users_without_role}}the role of some users, who hold no grant: {{comma .}}{{end}}` +
		`{{if and .users_without_role .users_without_status}}; nor {{end}}` +
		`{{with .users_without_status}}the status of some users, who count as users with access: {{comma .}}{{end}}.`),
	MessageWritten:         parse(`Written to {{.file}} in {{printf "%.1f" .seconds}} seconds.`),
	"Syncing grants...":    parse(`...Storing who has which role`), // from here on, of the SDK
	"Sync complete.":       parse(`...Writing the file`),
	"retrying operation":   parse(`...Trying again: {{.error}}`),
	"max attempts reached": parse(``),
}

// warning is what a person reads of any other warning. Of a call that failed nothing is shown: its error
// comes at the end.
var warning = parse(`{{if not (index . "grpc.code")}}Warning: {{.msg}}{{with .error}}: {{.}}{{end}}{{with .reason}}: {{.}}{{end}}` +
	`{{with .resource_id}}: {{.}}{{end}}{{with .keys}}: {{range $i, $key := .}}{{if $i}}, {{end}}{{$key}}{{end}}{{end}}.{{end}}`)

const user = `{{if eq .user_id "` + connector.HiddenID + `"}}The user{{else}}User {{.user_id}}{{end}} `

func parse(text string) *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"comma": humanize.Comma, "holder": connector.RoleHolder}).Parse(text))
}

// sentenceFor returns the sentence for an entry, or nil where a person does not get to see it.
func sentenceFor(entry zapcore.Entry) *template.Template {
	if known, ok := sentences[entry.Message]; ok {
		return known
	}
	if entry.Level == zapcore.WarnLevel {
		return warning
	}
	return nil
}
