package whimsical

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/conductorone/baton-sdk/pkg/uhttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// speaking returns the base URL of a server that reads a request and then does
// as it likes with the connection, which is closed afterwards.
func speaking(t *testing.T, speak func(*net.TCPConn)) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = listener.Close() // which ends the loop below
		<-done
	})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				_ = req.Body.Close()
				if tcp, ok := conn.(*net.TCPConn); ok {
					speak(tcp)
				}
			}
			_ = conn.Close()
		}
	}()
	return fmt.Sprintf("http://%s/scim-v2/", listener.Addr())
}

// writing returns a speaker that writes a text.
func writing(text string) func(*net.TCPConn) {
	return func(conn *net.TCPConn) {
		_, _ = conn.Write([]byte(text)) // a client that is gone shows in the test
	}
}

func TestAnAnswerThatDoesNotArriveWhole(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: application/scim+json\r\n"
	reset := func(conn *net.TCPConn) { _ = conn.SetLinger(0) }
	for name, test := range map[string]struct {
		speak func(*net.TCPConn)
		code  codes.Code
		says  string // "no whole answer arrived", where it is not given
	}{
		"closed before the answer":     {speak: writing("")},
		"reset before the answer":      {speak: reset},
		"closed within the head":       {speak: writing("HTTP/1.1 200 OK\r\nContent-")},
		"closed within the body":       {speak: writing(head + "Content-Length: 100\r\n\r\n{\"Resources\":[")},
		"closed within a chunk":        {speak: writing(head + "Transfer-Encoding: chunked\r\n\r\n20\r\n{\"Resources\":[")},
		"closed before the last chunk": {speak: writing(head + "Transfer-Encoding: chunked\r\n\r\n10\r\n{\"Resources\":[]}\r\n")},
		"a broken chunk":               {speak: writing(head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n")},
		"broken compression":           {speak: writing(head + "Content-Encoding: gzip\r\nContent-Length: 16\r\n\r\nabcdefghijklmnop")},
		"another protocol":             {speak: writing("SSH-2.0-" + scimscript.Token + "\r\n")},
		"a status that is none":        {speak: writing("HTTP/1.1 " + scimscript.Token + "\r\n\r\n")},
		"a header that is none":        {speak: writing("HTTP/1.1 200 OK\r\nBearer " + scimscript.Token + "\r\n\r\n")},
		"a length that is none":        {speak: writing("HTTP/1.1 200 OK\r\nContent-Length: " + scimscript.Token + "\r\n\r\n")},
		// The status counts even where the body does not arrive.
		"a refusal without its body": {writing("HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\n"), codes.Unauthenticated, "the SCIM token was refused"},
		// A body that ends with the connection can be cut off unnoticed, but then it is no JSON.
		"a body without a length": {writing(head + "\r\n{\"Resources\":["), codes.FailedPrecondition, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := clientOf(t, speaking(t, test.speak)).ListUsers(t.Context(), "")
			failsWith(t, err, cmp.Or(test.code, codes.Unavailable), cmp.Or(test.says, "no whole answer arrived"))
			secretFree(t, err.Error())
			readable(t, err.Error())
		})
	}
}

// TestFailuresThatNoTestServerHas describes errors that only real networks make.
func TestFailuresThatNoTestServerHas(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		code codes.Code
		says string
	}{
		"an unknown host":     {&net.DNSError{Err: "no such host", Name: "example.com", IsNotFound: true}, codes.FailedPrecondition, "the host name is unknown"},
		"a failing resolver":  {&net.DNSError{Err: "server misbehaving", Name: "example.com", IsTemporary: true}, codes.Unavailable, "no whole answer arrived"},
		"a slow resolver":     {&net.DNSError{Err: "i/o timeout", Name: "example.com", IsTimeout: true}, codes.DeadlineExceeded, "in time"},
		"a status of the SDK": {status.Error(codes.DeadlineExceeded, "request timeout"), codes.DeadlineExceeded, "in time"},
		"anything else":       {fmt.Errorf("ada@example.com said %s", scimscript.Token), codes.Unavailable, "no whole answer arrived"},
	} {
		t.Run(name, func(t *testing.T) {
			err := transportError(t.Context(), http.MethodGet, "/Users", fmt.Errorf("wrapped: %w", test.err))
			failsWith(t, err, test.code, test.says)
			secretFree(t, err.Error())
		})
	}
}

// hanging returns the base URL of a server that answers with some text and then waits until the client is gone.
func hanging(t *testing.T, text string, began func()) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text != "" {
			_, _ = w.Write([]byte(text))
			_ = http.NewResponseController(w).Flush()
		}
		if began != nil {
			began()
		}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnAnswerThatTakesTooLong(t *testing.T) {
	for name, text := range map[string]string{
		"before it begins": "",
		"in the middle":    `{"Resources":[`,
	} {
		t.Run(name, func(t *testing.T) {
			const moment = 20 * time.Millisecond
			base := hanging(t, text, nil)
			client, err := New(context.WithValue(t.Context(), uhttp.ContextHTTPTimeoutKey, moment), base, scimscript.Token)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.ListUsers(t.Context(), "")
			failsWith(t, err, codes.DeadlineExceeded, "no whole answer arrived in time")

			ctx, cancel := context.WithTimeout(t.Context(), moment)
			defer cancel()
			_, err = clientOf(t, base).ListUsers(ctx, "")
			failsWith(t, err, codes.DeadlineExceeded, "")

			ctx, cancel = context.WithCancel(t.Context())
			defer cancel()
			_, err = clientOf(t, hanging(t, text, cancel)).ListUsers(ctx, "")
			failsWith(t, err, codes.Canceled, "")
		})
	}
}
