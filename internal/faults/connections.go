package faults

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// connections are faults of the connection: it breaks, or nothing arrives.
var connections = []Fault{
	{Name: "reset before the answer", About: "the connection is reset, the server has done nothing", strike: func(s *strike) {
		s.reset("")
	}},
	{Name: "reset after the work", About: "the server has done its work, then the connection is reset", strike: func(s *strike) {
		s.ask()
		s.reset("")
	}},
	{Name: "reset in the body", About: "the work is done, the connection is reset in the middle of the body", strike: func(s *strike) {
		s.reset(cut(s.ask()))
	}},
	{Name: "closed in the body", About: "the work is done, the connection is closed in the middle of the body", strike: func(s *strike) {
		if conn, ok := s.hijack(); ok {
			_, _ = io.WriteString(conn, cut(s.ask()))
			_ = conn.Close()
		}
	}},
	{Name: "hang before the work", About: "no answer ever, the server has done nothing", Slow: true, strike: func(s *strike) {
		s.wait()
	}},
	{Name: "hang after the work", About: "the server has done its work, no answer ever", Slow: true, strike: func(s *strike) {
		s.ask()
		s.wait()
	}},
	{Name: "slow drip", About: "the answer comes one byte at a time and never ends", Slow: true, strike: func(s *strike) {
		s.drip()
	}},
}

// ask lets the healthy server do its work and returns its answer.
func (s *strike) ask() *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	s.healthy.ServeHTTP(answer, s.r)
	return answer
}

// cut returns the first half of an answer as it goes over the wire.
func cut(answer *httptest.ResponseRecorder) string {
	body := answer.Body.String()
	return "HTTP/1.1 " + strconv.Itoa(answer.Code) + " " + http.StatusText(answer.Code) + "\r\n" +
		"Content-Type: " + scimType + "\r\n" +
		"Content-Length: " + strconv.Itoa(len(body)+1) + "\r\n\r\n" +
		body[:len(body)/2]
}

// hijack takes the connection over.
func (s *strike) hijack() (net.Conn, bool) {
	conn, _, err := http.NewResponseController(s.w).Hijack()
	return conn, err == nil
}

// reset sends what is given and then resets the connection.
func (s *strike) reset(sent string) {
	conn, ok := s.hijack()
	if !ok {
		return
	}
	_, _ = io.WriteString(conn, sent)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // closing then sends a reset
	}
	_ = conn.Close()
}

// wait returns when the client is gone or the injector is closed.
func (s *strike) wait() {
	// The server notices that a client is gone only once the body was read.
	_, _ = io.Copy(io.Discard, s.r.Body)
	select {
	case <-s.r.Context().Done():
	case <-s.closed:
	}
}

// drip sends an answer without end, one byte at a time.
func (s *strike) drip() {
	_, _ = io.Copy(io.Discard, s.r.Body)
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
		case <-s.closed:
			return
		}
	}
}
