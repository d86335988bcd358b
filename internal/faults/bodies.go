package faults

import (
	"net/http"
	"strings"
)

// bodies are answers with a good status and a body that is not what was asked
// for. Those that replace the server's answer have not done its work.
var bodies = []Fault{
	{Name: "truncated JSON", About: "the work is done, the JSON ends half-way", strike: func(s *strike) {
		s.relay(func(body string) string { return body[:len(body)/2] }, scimType)
	}},
	{Name: "HTML with 200", About: "200 and a web page, as from a login proxy", strike: page(http.StatusOK)},
	{Name: "empty with 200", About: "200 and nothing", strike: func(s *strike) { write(s.w, http.StatusOK, scimType, "") }},
	{Name: "204", About: "204 to everything, nothing is done", strike: func(s *strike) { s.w.WriteHeader(http.StatusNoContent) }},
	{Name: "empty object", About: "200 and {}", strike: func(s *strike) { write(s.w, http.StatusOK, scimType, "{}") }},
	{Name: "another API", About: "200 and another API's JSON", strike: func(s *strike) {
		write(s.w, http.StatusOK, "application/json", `{"error":{"message":"not here"},"data":[]}`)
	}},
	{Name: "deep JSON", About: "200 and 200,000 nested arrays", strike: func(s *strike) {
		const depth = 200_000
		write(s.w, http.StatusOK, scimType, `{"Resources":`+strings.Repeat("[", depth)+strings.Repeat("]", depth)+"}")
	}},
	{Name: "BOM", About: "a byte order mark before a good body", strike: func(s *strike) {
		s.relay(func(body string) string { return "\xef\xbb\xbf" + body }, scimType)
	}},
}

// types are good answers under a content type that does not say so.
var types = []Fault{
	{Name: "type text/plain", About: "a good answer as text/plain", strike: relayAs("text/plain")},
	{Name: "type text/html", About: "a good answer as text/html", strike: relayAs("text/html; charset=iso-8859-1")},
	{Name: "type missing", About: "a good answer without a content type", strike: relayAs("")},
	{Name: "type odd", About: "a good answer under a content type that cannot be parsed", strike: relayAs(`application/;json; charset="`)},
}

// relay lets the healthy server do its work and changes the body of its answer,
// if it has one.
func (s *strike) relay(change func(body string) string, contentType string) {
	answer := s.ask()
	if answer.Body.Len() == 0 {
		s.w.WriteHeader(answer.Code)
		return
	}
	if contentType == "" {
		// Without this, the server would guess one.
		s.w.Header()["Content-Type"] = nil
		s.w.WriteHeader(answer.Code)
		_, _ = s.w.Write([]byte(change(answer.Body.String())))
		return
	}
	write(s.w, answer.Code, contentType, change(answer.Body.String()))
}

func relayAs(contentType string) func(*strike) {
	return func(s *strike) {
		s.relay(func(body string) string { return body }, contentType)
	}
}
