package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const (
	scimType = "application/scim+json"
	htmlType = "text/html; charset=utf-8"
	webPage  = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
)

// echo answers with an error that repeats the request in the reason phrase, the headers and the body.
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

func throttle(retryAfter string) func(*strike) {
	return func(s *strike) {
		s.w.Header().Set("Retry-After", retryAfter)
		refuse(http.StatusTooManyRequests)(s)
	}
}

// relay lets the healthy server do its work and changes the body of its answer, if it has one.
func relay(contentType string, change func(body []byte) []byte) func(*strike) {
	return func(s *strike) {
		healthy := s.ask()
		if healthy.Body.Len() == 0 {
			s.w.WriteHeader(healthy.Code)
			return
		}
		write(s.w, healthy.Code, contentType, string(change(healthy.Body.Bytes())))
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
