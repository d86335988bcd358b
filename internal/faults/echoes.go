package faults

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

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
		detail := fmt.Sprintf("%s %s with %s and %s", s.r.Method, s.r.URL.RequestURI(), headers.String(), sent)
		body := errorBody(status, detail)
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
