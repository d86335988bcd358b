package faults

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"
)

// pour sends a body part by part, until the client has enough.
func (s *strike) pour(parts []string) {
	s.w.Header().Set("Content-Type", scimType)
	for _, part := range parts {
		if _, err := io.WriteString(s.w, part); err != nil {
			return
		}
	}
}

// hugeBody returns the parts of a ListResponse with one endless string, packed.
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

// hijack takes the connection over.
func (s *strike) hijack() (net.Conn, bool) {
	conn, _, err := http.NewResponseController(s.w).Hijack()
	return conn, err == nil
}

// end sends what is given and then closes or resets the connection.
func (s *strike) end(sent string, reset bool) {
	conn, ok := s.hijack()
	if !ok {
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
