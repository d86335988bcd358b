package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const token = "s3cret"

func TestWhatIsNotServedLeavesTheOutputEmpty(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"the help":                       {[]string{"-help"}, exitOK, "\n  -users"},
		"an address that is in use":      {[]string{"-addr", other.Listener.Addr().String()}, exitFailed, "listen"},
		"an address of every interface":  {[]string{"-addr", "0.0.0.0:0"}, exitUsage, "loopback"},
		"an address without a host":      {[]string{"-addr", ":0"}, exitUsage, "loopback"},
		"an IPv6 address that is public": {[]string{"-addr", "[::]:0"}, exitUsage, "loopback"},
		"a host name":                    {[]string{"-addr", "example.com:80"}, exitUsage, "loopback"},
		"an address without a port":      {[]string{"--addr", "127.0.0.1"}, exitUsage, "port"},
		"an empty token":                 {[]string{"-token", ""}, exitUsage, "token"},
		"a token with a space":           {[]string{"-token", "a "}, exitUsage, "space"},
		"an unknown role":                {[]string{"-default-role", "admin"}, exitUsage, "admin"},
		"a negative number of users":     {[]string{"-users", "-1"}, exitUsage, "users"},
		"a page without users":           {[]string{"-page-size", "0"}, exitUsage, "-page-size"},
		"a negative latency":             {[]string{"-latency", "-1s"}, exitUsage, "-latency"},
		"an unknown flag":                {[]string{"-nothing"}, exitUsage, "-nothing"},
		"an argument that is no flag":    {[]string{"12"}, exitUsage, `"12"`},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, &stdout, &stderr); code != test.code || stdout.Len() > 0 || !strings.Contains(stderr.String(), test.says) {
				t.Errorf("exit code %d, want %d; stdout = %q, stderr = %q, want it to name %q", code, test.code, &stdout, &stderr, test.says)
			}
		})
	}
}

func TestAnOutputThatIsClosedIsAFailure(t *testing.T) {
	reader, writer := io.Pipe()
	_ = reader.Close()
	var stderr bytes.Buffer
	if code := run(t.Context(), nil, writer, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "base URL") {
		t.Errorf("exit code %d with %q, want %d and the reason", code, stderr.String(), exitFailed)
	}
}

func TestARequestInFlightIsFinishedOrCutOff(t *testing.T) {
	for name, test := range map[string]struct {
		grace  time.Duration
		status int // 0 for no answer
	}{
		"it ends in time": {grace: time.Minute, status: http.StatusNoContent},
		"it does not end": {grace: time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			entered, release := make(chan struct{}), make(chan struct{})
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				close(entered)
				select {
				case <-release:
					w.WriteHeader(http.StatusNoContent)
				case <-r.Context().Done():
				}
			})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			reader, writer := io.Pipe()
			ended := make(chan error, 1)
			go func() { ended <- daemon{addr: "127.0.0.1:0", handler: handler, grace: test.grace}.serve(ctx, writer) }()
			line, err := bufio.NewReader(reader).ReadString('\n')
			if err != nil {
				t.Fatalf("reading the base URL: %v", err)
			}
			status := make(chan int, 1)
			go func() {
				code, _ := get(t, strings.TrimSpace(line))
				status <- code
			}()
			<-entered
			stop()
			if test.status != 0 {
				close(release)
			}
			if got := <-status; got != test.status {
				t.Errorf("status = %d, want %d", got, test.status)
			}
			if err := <-ended; err != nil {
				t.Errorf("serve = %v, want a clean stop", err)
			}
		})
	}
}

func TestLatencyDelaysARequestAndEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered := 0
		slow := delayed(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered++ }), time.Hour)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		begin := time.Now()
		slow.ServeHTTP(nil, request)
		if elapsed := time.Since(begin); answered != 1 || elapsed != time.Hour {
			t.Errorf("%d answers after %v, want one after an hour", answered, elapsed)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if slow.ServeHTTP(nil, request.WithContext(gone)); answered != 1 {
			t.Error("a request whose client is gone was answered")
		}
	})
}

// get returns the status and the body of a GET, 0 when the connection broke.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Errorf("request: %v", err)
		return 0, ""
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body) // what is missing is missed by the test
	return response.StatusCode, string(body)
}
