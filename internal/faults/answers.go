package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	scimType = "application/scim+json"
	htmlType = "text/html; charset=utf-8"
	webPage  = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
)

// refusals are answers that a healthy server gives to a request that it does
// not take, and that come to every request when the workspace is not set up.
var refusals = []Fault{
	{Name: "400", About: "400 Bad Request as a SCIM error", strike: refuse(http.StatusBadRequest)},
	{Name: "401", About: "401 Unauthorized: the token was rotated", strike: refuse(http.StatusUnauthorized)},
	{Name: "403", About: "403 Forbidden: the plan has no SCIM", strike: refuse(http.StatusForbidden)},
	// A 404 that is a SCIM error is the API's word about a user, and no fault.
	{Name: "404 as JSON", About: "404 as a framework says it: SCIM is switched off", strike: answer(http.StatusNotFound, "application/json", `{"message":"Not Found"}`)},
	{Name: "404 as HTML", About: "404 as a web page: the base URL is wrong", strike: answer(http.StatusNotFound, htmlType, webPage)},
	{Name: "405", About: "405 Method Not Allowed", strike: refuse(http.StatusMethodNotAllowed)},
	{Name: "501", About: "501 Not Implemented", strike: refuse(http.StatusNotImplemented)},
}

// throttles are 429 answers with every kind of Retry-After, and rate-limit headers that make no sense.
var throttles = []Fault{
	{Name: "429 in seconds", About: "429, Retry-After: 1", strike: throttle(func() string { return "1" })},
	{Name: "429 as a date", About: "429, Retry-After is an HTTP date a second away", strike: throttle(func() string {
		return time.Now().Add(time.Second).UTC().Format(http.TimeFormat)
	})},
	{Name: "429 for years", About: "429, Retry-After: 999999999", strike: throttle(func() string { return "999999999" })},
	{Name: "429 malformed", About: "429, Retry-After: soon", strike: throttle(func() string { return "soon" })},
	{Name: "429 bare", About: "429 without Retry-After", strike: refuse(http.StatusTooManyRequests)},
	{Name: "malformed rate limit", About: "a good answer with senseless rate-limit headers", strike: func(s *strike) {
		for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit-Limit", "Retry-After"} {
			s.w.Header().Set(name, "many, ;w=")
		}
		s.healthy.ServeHTTP(s.w, s.r)
	}},
}

// outages are 5xx answers, from the server itself and from proxies before it.
var outages = []Fault{
	{Name: "500", About: "500 as a SCIM error", strike: refuse(http.StatusInternalServerError)},
	{Name: "502", About: "502 as a proxy's web page", strike: answer(http.StatusBadGateway, htmlType, webPage)},
	{Name: "503", About: "503 as a SCIM error", strike: refuse(http.StatusServiceUnavailable)},
	{Name: "504", About: "504 as a proxy's web page", strike: answer(http.StatusGatewayTimeout, htmlType, webPage)},
}

// bodies are answers with a good status and a body that is not what was asked
// for. Those that replace the server's answer have not done its work.
var bodies = []Fault{
	{Name: "truncated JSON", About: "the work is done, the JSON ends half-way", strike: relay(scimType, func(body string) string { return body[:len(body)/2] })},
	{Name: "HTML with 200", About: "200 and a web page, as from a login proxy", strike: answer(http.StatusOK, htmlType, webPage)},
	{Name: "empty with 200", About: "200 and nothing", strike: answer(http.StatusOK, scimType, "")},
	{Name: "204", About: "204 to everything, nothing is done", strike: func(s *strike) { s.w.WriteHeader(http.StatusNoContent) }},
	{Name: "empty object", About: "200 and {}", strike: answer(http.StatusOK, scimType, "{}")},
	{Name: "another API", About: "200 and another API's JSON", strike: answer(http.StatusOK, "application/json", `{"error":{"message":"not here"},"data":[]}`)},
	{Name: "deep JSON", About: "200 and 200,000 nested arrays", strike: func(s *strike) {
		write(s.w, http.StatusOK, scimType, `{"Resources":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)+"}")
	}},
	{Name: "BOM", About: "a byte order mark before a good body", strike: relay(scimType, func(body string) string { return "\xef\xbb\xbf" + body })},
}

// types are good answers under a content type that does not say so.
var types = []Fault{
	{Name: "type text/plain", About: "a good answer as text/plain", strike: relay("text/plain", strings.Clone)},
	{Name: "type text/html", About: "a good answer as text/html", strike: relay("text/html; charset=iso-8859-1", strings.Clone)},
	{Name: "type missing", About: "a good answer without a content type", strike: relay("", strings.Clone)},
	{Name: "type odd", About: "a good answer under a content type that cannot be parsed", strike: relay(`application/;json; charset="`, strings.Clone)},
}

// redirects returns one fault for each status and each target.
func redirects() []Fault {
	var all []Fault
	for _, status := range []int{301, 302, 307, 308} {
		for _, target := range []string{"to another host", "to the same host", "in a loop"} {
			name := strconv.Itoa(status) + " " + target
			all = append(all, Fault{Name: name, About: name, strike: func(s *strike) {
				base := map[string]string{"to another host": s.elsewhere, "to the same host": "/moved", "in a loop": ""}[target]
				s.w.Header().Set("Location", base+s.r.URL.RequestURI())
				s.w.WriteHeader(status)
			}})
		}
	}
	return all
}

// echoes are errors of a server that repeats the request, token included, in
// everything that it sends: the reason phrase, the headers, the body.
var echoes = []Fault{
	{Name: "400 that echoes", About: "400, the request's headers and body everywhere in the answer", strike: echo(http.StatusBadRequest)},
	{Name: "401 that echoes", About: "401, the same", strike: echo(http.StatusUnauthorized)},
	{Name: "500 that echoes", About: "500, the same", strike: echo(http.StatusInternalServerError)},
	{Name: "200 that echoes", About: "200, the same, and no SCIM resource", strike: echo(http.StatusOK)},
}

func echo(status int) func(*strike) {
	return func(s *strike) {
		sent, _ := io.ReadAll(io.LimitReader(s.r.Body, 1<<16))
		authorization := s.r.Header.Get("Authorization")
		conn, ok := s.hijack()
		if !ok {
			return
		}
		var headers strings.Builder
		_ = s.r.Header.Write(&headers)
		body := errorBody(status, fmt.Sprintf("%s %s with %s and %s", s.r.Method, s.r.URL.RequestURI(), headers.String(), sent))
		// The server's own writer would refuse the reason phrase.
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s %s\r\n", status, authorization, s.r.URL.RequestURI())
		for _, name := range []string{
			"Authorization", "Www-Authenticate", "Retry-After", "Location", "X-Ratelimit-Limit", "X-Ratelimit-Reset", "X-Echo", "Set-Cookie",
		} {
			_, _ = fmt.Fprintf(conn, "%s: %s\r\n", name, authorization)
		}
		_, _ = fmt.Fprintf(conn, "Content-Type: %s; was=%q\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", scimType, authorization, len(body), body)
		_ = conn.Close()
	}
}

// refuse answers with a SCIM error (RFC 7644 section 3.12).
func refuse(status int) func(*strike) {
	return answer(status, scimType, errorBody(status, "injected fault"))
}

// answer answers without asking the healthy server.
func answer(status int, contentType, body string) func(*strike) {
	return func(s *strike) { write(s.w, status, contentType, body) }
}

func throttle(retryAfter func() string) func(*strike) {
	return func(s *strike) {
		s.w.Header().Set("Retry-After", retryAfter())
		refuse(http.StatusTooManyRequests)(s)
	}
}

// relay lets the healthy server do its work and changes the body of its answer, if it has one.
func relay(contentType string, change func(body string) string) func(*strike) {
	return func(s *strike) {
		healthy := s.ask()
		if healthy.Body.Len() == 0 {
			s.w.WriteHeader(healthy.Code)
			return
		}
		write(s.w, healthy.Code, contentType, change(healthy.Body.String()))
	}
}

func errorBody(status int, detail string) string {
	quoted, _ := json.Marshal(detail) // a string
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d","detail":%s}`, status, quoted)
}

// write sends a whole answer. A client who is gone is no error of the server.
func write(w http.ResponseWriter, status int, contentType, body string) {
	w.Header()["Content-Type"] = nil // or else the server would guess one
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
