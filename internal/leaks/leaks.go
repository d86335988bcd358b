// Package leaks finds what nobody may see in what a connector says: parts of the
// token and the client secret of ConductorOne in any text, e-mail addresses in errors and in logs above debug level. Give
// the connector [Token], and use people at example.com alone.
//
//	_, err := client.CreateUser(ctx, user)
//	for _, leak := range append(leaks.InError(err), leaks.InLog(log.String())...) {
//		t.Error(leak)
//	}
package leaks

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
)

// Token is a SCIM token of which no eight characters occur in anything that the
// connector or the SDK writes by itself.
const Token = "Zq7WkX2vTb9LmR4yHc6NsD3f" //nolint:gosec // of simulated workspaces alone

// PartOfToken returns a part of the token that text holds, "" for none.
func PartOfToken(text string) string {
	const window = 8 // the shortest part that nothing may show
	for i := 0; i+window <= len(Token); i++ {
		if strings.Contains(text, Token[i:i+window]) {
			return Token[i : i+window]
		}
	}
	return ""
}

// address returns a part of an e-mail address that text holds, "" for none.
func address(text string) string {
	// The connector's own messages name this one as an example.
	text = strings.ReplaceAll(text, "person@example.com", "")
	lower := strings.ToLower(text)
	for _, domain := range []string{"@example.com", "%40example.com", `\u0040example.com`} {
		if i := strings.Index(lower, domain); i >= 0 {
			return text[max(0, i-20) : i+len(domain)]
		}
	}
	return ""
}

// InError returns what an error and its gRPC details show that they must not.
func InError(err error) []string {
	if err == nil {
		return nil
	}
	text := fmt.Sprintf("%v\n%+v", err, err)
	if st, ok := status.FromError(err); ok {
		text += "\n" + st.Message() + "\n" + protojson.Format(st.Proto()) // with the details
	}
	return in(text, "the error", true)
}

// InLog returns what a log in lines, as JSON or as text, shows that it must not.
func InLog(log string) []string {
	var found []string
	for line := range strings.Lines(log) {
		var entry struct {
			Level string `json:"level"`
		}
		// A line that is no JSON is at no level.
		debug := json.Unmarshal([]byte(line), &entry) == nil && entry.Level == "debug"
		found = append(found, in(line, "the log", !debug)...)
	}
	return found
}

func in(text, where string, addresses bool) []string {
	var found []string
	if part := PartOfToken(text); part != "" {
		found = append(found, fmt.Sprintf("%s holds %q of the token: %s", where, part, text))
	}
	if strings.Contains(text, "secret-token:conductorone.com:") {
		found = append(found, where+" holds the client secret of ConductorOne")
	}
	if part := address(text); part != "" && addresses {
		found = append(found, fmt.Sprintf("%s holds the e-mail address %q: %s", where, part, text))
	}
	return found
}
