package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
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
	{Name: "404 as JSON", About: "404 as a framework says it: SCIM is switched off", strike: missing},
	{Name: "404 as HTML", About: "404 as a web page: the base URL is wrong", strike: page(http.StatusNotFound)},
	{Name: "405", About: "405 Method Not Allowed", strike: refuse(http.StatusMethodNotAllowed)},
	{Name: "501", About: "501 Not Implemented", strike: refuse(http.StatusNotImplemented)},
}

// throttles are 429 answers with every kind of Retry-After, and rate-limit
// headers that make no sense.
var throttles = []Fault{
	{Name: "429 in seconds", About: "429, Retry-After: 1", strike: throttle(func() string { return "1" })},
	{Name: "429 as a date", About: "429, Retry-After is an HTTP date a second away", strike: throttle(func() string {
		return time.Now().Add(time.Second).UTC().Format(http.TimeFormat)
	})},
	{Name: "429 for years", About: "429, Retry-After: 999999999", strike: throttle(func() string { return "999999999" })},
	{Name: "429 malformed", About: "429, Retry-After: soon", strike: throttle(func() string { return "soon" })},
	{Name: "429 bare", About: "429 without Retry-After", strike: throttle(func() string { return "" })},
	{Name: "malformed rate limit", About: "a good answer with senseless rate-limit headers", strike: func(s *strike) {
		header := s.w.Header()
		for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit-Limit", "Retry-After"} {
			header.Set(name, "many, ;w=")
		}
		s.healthy.ServeHTTP(s.w, s.r)
	}},
}

// outages are 5xx answers, from the server itself and from proxies before it.
var outages = []Fault{
	{Name: "500", About: "500 as a SCIM error", strike: refuse(http.StatusInternalServerError)},
	{Name: "502", About: "502 as a proxy's web page", strike: page(http.StatusBadGateway)},
	{Name: "503", About: "503 as a SCIM error", strike: refuse(http.StatusServiceUnavailable)},
	{Name: "504", About: "504 as a proxy's web page", strike: page(http.StatusGatewayTimeout)},
}

// refuse answers with a SCIM error (RFC 7644 section 3.12) without asking the
// healthy server.
func refuse(status int) func(*strike) {
	return func(s *strike) { writeError(s.w, status, "injected fault") }
}

func throttle(retryAfter func() string) func(*strike) {
	return func(s *strike) {
		if value := retryAfter(); value != "" {
			s.w.Header().Set("Retry-After", value)
		}
		writeError(s.w, http.StatusTooManyRequests, "injected fault")
	}
}

// missing answers as the framework of a server does where it has no such path. (A
// 404 that is a SCIM error is the API's word about a user, and no fault.)
func missing(s *strike) {
	write(s.w, http.StatusNotFound, "application/json", `{"message":"Not Found"}`)
}

// page answers with a web page.
func page(status int) func(*strike) {
	return func(s *strike) { write(s.w, status, htmlType, webPage) }
}

func writeError(w http.ResponseWriter, status int, detail string) {
	write(w, status, scimType, errorBody(status, detail))
}

func errorBody(status int, detail string) string {
	quoted, err := json.Marshal(detail)
	if err != nil {
		quoted = []byte(`""`)
	}
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%d","detail":%s}`, status, quoted)
}

// write sends a whole answer. A client who is gone is no error of the server.
func write(w http.ResponseWriter, status int, contentType, body string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
