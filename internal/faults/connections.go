package faults

import (
	"bytes"
	"compress/gzip"
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

// connections are faults of the connection: it breaks, or nothing arrives.
var connections = []Fault{
	{Name: "reset before the answer", About: "the connection is reset, the server has done nothing", strike: func(s *strike) { s.end("", true) }},
	{Name: "reset after the work", About: "the server has done its work, then the connection is reset", strike: func(s *strike) {
		s.ask()
		s.end("", true)
	}},
	{Name: "reset in the body", About: "the work is done, the connection is reset in the middle of the body", strike: func(s *strike) { s.end(half(s.ask()), true) }},
	{Name: "closed in the body", About: "the work is done, the connection is closed in the middle of the body", strike: func(s *strike) { s.end(half(s.ask()), false) }},
	{Name: "hang before the work", About: "no answer ever, the server has done nothing", Slow: true, strike: func(s *strike) { s.wait() }},
	{Name: "hang after the work", About: "the server has done its work, no answer ever", Slow: true, strike: func(s *strike) {
		s.ask()
		s.wait()
	}},
	{Name: "slow drip", About: "the answer comes one byte at a time and never ends", Slow: true, strike: func(s *strike) { s.drip() }},
}

// bombs are answers that cost a careless client its memory.
var bombs = []Fault{
	{Name: "200 MB body", About: "200 and 200 MB of JSON", Large: true, strike: func(s *strike) {
		s.w.Header().Set("Content-Type", scimType)
		for part := range hugeBody(func(part []byte) []byte { return part }) {
			if _, err := s.w.Write(part); err != nil {
				return
			}
		}
	}},
	{Name: "gzip bomb", About: "200 and 200 MB of JSON, compressed to 200 KB", Large: true, strike: func(s *strike) {
		s.w.Header().Set("Content-Type", scimType)
		s.w.Header().Set("Content-Encoding", "gzip")
		_, _ = s.w.Write(gzipBomb())
	}},
	{Name: "large headers", About: "200 and 12 MB of headers", Large: true, strike: func(s *strike) {
		s.w.Header()["X-Fill"] = slices.Repeat([]string{strings.Repeat("x", 1<<16)}, 12<<4)
		s.w.WriteHeader(http.StatusOK)
	}},
}

// hugeBody yields the parts of a ListResponse with one endless string, packed.
func hugeBody(pack func([]byte) []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		filling := pack(bytes.Repeat([]byte{'a'}, 1<<20))
		if !yield(pack([]byte(`{"totalResults":1,"Resources":[{"id":"`))) {
			return
		}
		for range 200 {
			if !yield(filling) {
				return
			}
		}
		yield(pack([]byte(`"}]}`)))
	}
}

// gzipBomb returns the huge body compressed, part by part: the parts of a gzip
// file may simply follow each other (RFC 1952 section 2.2).
var gzipBomb = sync.OnceValue(func() []byte {
	return slices.Concat(slices.Collect(hugeBody(func(part []byte) []byte {
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		_, _ = writer.Write(part) // a buffer takes everything
		_ = writer.Close()
		return packed.Bytes()
	}))...)
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
	return "HTTP/1.1 " + strconv.Itoa(answer.Code) + " " + http.StatusText(answer.Code) + "\r\n" +
		"Content-Type: " + scimType + "\r\nContent-Length: " + strconv.Itoa(len(body)+1) + "\r\n\r\n" + body[:len(body)/2]
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

// wait returns when the client is gone or the server is closed.
func (s *strike) wait() {
	// The server notices that a client is gone only once the body was read.
	_, _ = io.Copy(io.Discard, s.r.Body)
	<-s.r.Context().Done()
}

// drip sends an answer without end, one byte at a time.
func (s *strike) drip() {
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
