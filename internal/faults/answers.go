package faults

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	scimType = "application/scim+json"
	htmlType = "text/html; charset=utf-8"
	webPage  = "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>"
)

// echo answers with a status, and repeats the request in the reason phrase, the headers and the body.
func echo(status int) func(*strike) {
	return func(s *strike) {
		sent, _ := io.ReadAll(io.LimitReader(s.r.Body, 1<<16))
		authorization := s.r.Header.Get("Authorization")
		var headers, answer strings.Builder
		_ = s.r.Header.Write(&headers)
		body := errorBody(status, fmt.Sprintf("%s %s with %s and %s", s.r.Method, s.r.URL.RequestURI(), headers.String(), sent))
		// The server's own writer would refuse the reason phrase.
		fmt.Fprintf(&answer, "HTTP/1.1 %d %s %s\r\n", status, authorization, s.r.URL.RequestURI())
		for _, name := range []string{
			"Authorization", "Www-Authenticate", "Retry-After", "Location", "X-Ratelimit-Limit", "X-Ratelimit-Reset", "X-Echo", "Set-Cookie",
		} {
			fmt.Fprintf(&answer, "%s: %s\r\n", name, authorization)
		}
		fmt.Fprintf(&answer, "Content-Type: %s; was=%q\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", scimType, authorization, len(body), body)
		s.end(answer.String(), false)
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

// pour sends a body part by part, until the client has enough.
func (s *strike) pour(parts []string) {
	s.w.Header().Set("Content-Type", scimType)
	for _, part := range parts {
		if _, err := io.WriteString(s.w, part); err != nil {
			return
		}
	}
}

// hugeBody returns the parts of a ListResponse with one string of 200 MiB, each part packed by pack.
func hugeBody(pack func(part string) string) []string {
	filling := slices.Repeat([]string{pack(strings.Repeat("a", 1<<20))}, 200)
	return slices.Concat([]string{pack(`{"totalResults":1,"Resources":[{"id":"`)}, filling, []string{pack(`"}]}`)})
}

// gzipBomb returns the huge body compressed, part by part: the parts of a gzip file may simply follow each
// other (RFC 1952 section 2.2).
var gzipBomb = sync.OnceValue(func() []string {
	return hugeBody(func(part string) string {
		var packed strings.Builder
		writer := gzip.NewWriter(&packed)
		_, _ = io.WriteString(writer, part) // a buffer takes everything
		_ = writer.Close()
		return packed.String()
	})
})

// ask lets the healthy server do its work and returns its answer.
func (s *strike) ask() *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	s.healthy.ServeHTTP(answer, s.r)
	return answer
}

// half returns the first half of an answer as it goes over the wire.
func half(answer *httptest.ResponseRecorder) string {
	body := answer.Body.String()
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		answer.Code, http.StatusText(answer.Code), scimType, len(body)+1, body[:len(body)/2])
}

// end takes the connection over, sends what is given, and then closes or resets it.
func (s *strike) end(sent string, reset bool) {
	conn, _, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, sent)
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0) // closing then sends a reset
	}
	_ = conn.Close()
}

// reset ends the connection without an answer.
func reset(s *strike) { s.end("", true) }

// worked lets the healthy server do its work, and strikes then.
func worked(then func(*strike)) func(*strike) {
	return func(s *strike) {
		s.ask()
		then(s)
	}
}

// wait returns when the client is gone or the server is closed: no answer ever.
func wait(s *strike) {
	// The server notices that a client is gone only once the body was read.
	_, _ = io.Copy(io.Discard, s.r.Body)
	<-s.r.Context().Done()
}

// drip sends an answer without end, one byte at a time.
func drip(s *strike) {
	s.w.Header().Set("Content-Type", scimType)
	control := http.NewResponseController(s.w)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(s.w, " "); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-s.r.Context().Done():
			return
		}
	}
}
