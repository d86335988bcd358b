package faults

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Table returns all faults, in the order in which they are documented.
func Table() []Fault {
	table := []Fault{
		// Refusals. A healthy server gives them to a request that it does not take. Every request gets one when
		// the workspace is not set up: the token was rotated (401), the plan has no SCIM (403), SCIM is
		// switched off (404 as JSON), the base URL is wrong (404 as HTML). A 404 that is a SCIM error is the
		// API's word about a user, and no fault.
		{Name: "400", strike: refuse(http.StatusBadRequest)},
		{Name: "401", strike: refuse(http.StatusUnauthorized)},
		{Name: "403", strike: refuse(http.StatusForbidden)},
		{Name: "404 as JSON", strike: answer(http.StatusNotFound, "application/json", `{"message":"Not Found"}`)},
		{Name: "404 as HTML", strike: answer(http.StatusNotFound, htmlType, webPage)},
		{Name: "405", strike: refuse(http.StatusMethodNotAllowed)},
		{Name: "501", strike: refuse(http.StatusNotImplemented)},

		// 429 answers with every kind of Retry-After, and a 200 whose rate-limit headers make no sense.
		{Name: "429 in seconds", strike: throttle("1")},
		{Name: "429 as a date", strike: func(s *strike) {
			throttle(time.Now().Add(time.Second).UTC().Format(http.TimeFormat))(s)
		}},
		{Name: "429 for years", strike: throttle("999999999")},
		{Name: "429 malformed", strike: throttle("soon")},
		{Name: "429 bare", strike: refuse(http.StatusTooManyRequests)},
		{Name: "malformed rate limit", strike: func(s *strike) {
			for _, name := range []string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit-Limit", "Retry-After"} {
				s.w.Header().Set(name, "many, ;w=")
			}
			s.healthy.ServeHTTP(s.w, s.r)
		}},

		// Outages, told by the server itself and by proxies before it.
		{Name: "500", strike: refuse(http.StatusInternalServerError)},
		{Name: "502", strike: answer(http.StatusBadGateway, htmlType, webPage)},
		{Name: "503", strike: refuse(http.StatusServiceUnavailable)},
		{Name: "504", strike: answer(http.StatusGatewayTimeout, htmlType, webPage)},

		// The connection breaks, or nothing arrives: before the server has done its work, or after.
		{Name: "reset before the answer", strike: reset},
		{Name: "reset after the work", strike: worked(reset)},
		{Name: "reset in the body", strike: func(s *strike) { s.end(half(s.ask()), true) }},
		{Name: "closed in the body", strike: func(s *strike) { s.end(half(s.ask()), false) }},
		{Name: "hang before the work", Slow: true, strike: wait},
		{Name: "hang after the work", Slow: true, strike: worked(wait)},
		{Name: "slow drip", Slow: true, strike: drip},

		// A good status and a body that is not what was asked for. Where another answer takes the place of the
		// server's, its work is not done.
		{Name: "truncated JSON", strike: relay(scimType, func(body []byte) []byte { return body[:len(body)/2] })},
		{Name: "HTML with 200", strike: answer(http.StatusOK, htmlType, webPage)},
		{Name: "empty with 200", strike: answer(http.StatusOK, scimType, "")},
		{Name: "204", strike: func(s *strike) { s.w.WriteHeader(http.StatusNoContent) }},
		{Name: "empty object", strike: answer(http.StatusOK, scimType, "{}")},
		{Name: "another API", strike: answer(http.StatusOK, "application/json", `{"error":{"message":"not here"},"data":[]}`)},
		{Name: "deep JSON", strike: answer(http.StatusOK, scimType, `{"Resources":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)+"}")},
		{Name: "BOM", strike: relay(scimType, func(body []byte) []byte { return append([]byte("\xef\xbb\xbf"), body...) })},

		// Good answers under a content type that does not say so.
		{Name: "type text/plain", strike: relay("text/plain", bytes.Clone)},
		{Name: "type text/html", strike: relay("text/html; charset=iso-8859-1", bytes.Clone)},
		{Name: "type missing", strike: relay("", bytes.Clone)},
		{Name: "type odd", strike: relay(`application/;json; charset="`, bytes.Clone)},

		// Answers that cost a careless client its memory: 200 MB of JSON, plain and as 200 KB, and 12 MB of headers.
		{Name: "200 MB body", Large: true, strike: func(s *strike) { s.pour(hugeBody(strings.Clone)) }},
		{Name: "gzip bomb", Large: true, strike: func(s *strike) {
			s.w.Header().Set("Content-Encoding", "gzip")
			s.pour(gzipBomb())
		}},
		{Name: "large headers", Large: true, strike: func(s *strike) {
			s.w.Header()["X-Fill"] = slices.Repeat([]string{strings.Repeat("x", 1<<16)}, 12<<4)
			s.w.WriteHeader(http.StatusOK)
		}},
	}
	for _, status := range []int{301, 302, 307, 308} {
		for _, target := range []string{"to another host", "to the same host", "in a loop"} {
			table = append(table, Fault{Name: strconv.Itoa(status) + " " + target, strike: func(s *strike) {
				base := map[string]string{"to another host": s.elsewhere, "to the same host": "/moved", "in a loop": ""}[target]
				s.w.Header().Set("Location", base+s.r.URL.RequestURI())
				s.w.WriteHeader(status)
			}})
		}
	}
	// A server that repeats the request, token included, in everything that it sends.
	for _, status := range []int{400, 401, 500, 200} {
		table = append(table, Fault{Name: strconv.Itoa(status) + " that echoes", strike: echo(status)})
	}
	return table
}
