package reliability

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// window is the shortest part of the token that nothing may show.
const window = 8

// partOfToken returns a part of the token that text holds, "" for none.
func partOfToken(text string) string {
	for i := 0; i+window <= len(token); i++ {
		if strings.Contains(text, token[i:i+window]) {
			return token[i : i+window]
		}
	}
	return ""
}

// address returns a part of an e-mail address that text holds, "" for none.
// Everybody in the workspaces of these tests is at example.com.
func address(text string) string {
	lower := strings.ToLower(text)
	for _, domain := range []string{"@example.com", "%40example.com", `\u0040example.com`} {
		if i := strings.Index(lower, domain); i >= 0 {
			return text[max(0, i-20) : i+len(domain)]
		}
	}
	return ""
}

// leaksOfError returns what an error and its gRPC details show that they must
// not.
func leaksOfError(err error) []string {
	if err == nil {
		return nil
	}
	texts := []string{err.Error(), fmt.Sprintf("%+v", err)}
	if st, ok := status.FromError(err); ok {
		texts = append(texts, st.Message(), fmt.Sprint(st.Proto()))
		for _, detail := range st.Details() {
			if message, ok := detail.(proto.Message); ok {
				texts = append(texts, protojson.Format(message))
			}
		}
	}
	var leaks []string
	for _, text := range texts {
		if part := partOfToken(text); part != "" {
			leaks = append(leaks, fmt.Sprintf("the error holds %q of the token: %s", part, text))
		}
		if part := address(text); part != "" {
			leaks = append(leaks, fmt.Sprintf("the error holds the e-mail address %q: %s", part, text))
		}
	}
	return leaks
}

// leaksOfLog returns what lines of a log, as JSON, show that they must not: the
// token at any level, an e-mail address above debug.
func leaksOfLog(log string) []string {
	var leaks []string
	for line := range strings.Lines(log) {
		if part := partOfToken(line); part != "" {
			leaks = append(leaks, fmt.Sprintf("the log holds %q of the token: %s", part, line))
		}
		if part := address(line); part != "" && levelOf(line) != "debug" {
			leaks = append(leaks, fmt.Sprintf("the log holds the e-mail address %q: %s", part, line))
		}
	}
	return leaks
}

// levelOf returns the level of a line of a log, "" where it has none.
func levelOf(line string) string {
	var entry struct {
		Level string `json:"level"`
	}
	if json.Unmarshal([]byte(line), &entry) != nil {
		return ""
	}
	return entry.Level
}
