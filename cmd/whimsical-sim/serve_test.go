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
	"time"
)

const token = "s3cret"

func TestHelpIsNotAFailure(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-help"}, &stdout, &stderr)
	if code != exitOK || stdout.Len() > 0 || !strings.Contains(stderr.String(), "\n  -users") {
		t.Errorf("exit code %d, stdout = %q, stderr = %q, want the help, and nothing where the base URL belongs", code, &stdout, &stderr)
	}
}

func TestUnusableFlagsAreRefusedBeforeListening(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"an address of every interface":  {[]string{"-addr", "0.0.0.0:0"}, "loopback"},
		"an address without a host":      {[]string{"-addr", ":0"}, "loopback"},
		"an IPv6 address that is public": {[]string{"-addr", "[::]:0"}, "loopback"},
		"a host name":                    {[]string{"-addr", "example.com:80"}, "loopback"},
		"an address without a port":      {[]string{"--addr", "127.0.0.1"}, "port"},
		"an empty token":                 {[]string{"-token", ""}, "token"},
		"a token with a space":           {[]string{"-token", "a "}, "space"},
		"an unknown role":                {[]string{"-default-role", "admin"}, "admin"},
		"a negative number of users":     {[]string{"-users", "-1"}, "users"},
		"a page without users":           {[]string{"-page-size", "0"}, "-page-size"},
		"a negative latency":             {[]string{"-latency", "-1s"}, "-latency"},
		"an unknown flag":                {[]string{"-nothing"}, "-nothing"},
		"an argument that is no flag":    {[]string{"12"}, `"12"`},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), test.args, &stdout, &stderr); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if !strings.Contains(stderr.String(), test.want) || stdout.Len() > 0 {
				t.Errorf("stdout = %q, stderr = %q, want the reason to name %q", stdout.String(), stderr.String(), test.want)
			}
		})
	}
}

func TestAnAddressThatIsInUseIsAFailure(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-addr", other.Listener.Addr().String()}, &stdout, &stderr)
	if code != exitFailed || stdout.Len() > 0 || !strings.Contains(stderr.String(), "listen") {
		t.Errorf("exit code %d, stdout = %q, stderr = %q", code, &stdout, &stderr)
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
		ends   bool
		status int
	}{
		"it ends in time": {grace: time.Minute, ends: true, status: http.StatusNoContent},
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
			if test.ends {
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
	var answered bool
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered = true })
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)

	const latency = 20 * time.Millisecond
	begin := time.Now()
	delayed(handler, latency).ServeHTTP(nil, request)
	if elapsed := time.Since(begin); !answered || elapsed < latency {
		t.Errorf("answered = %t after %v, want an answer after %v at least", answered, elapsed, latency)
	}

	answered = false
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	delayed(handler, time.Hour).ServeHTTP(nil, request.WithContext(gone))
	if answered {
		t.Error("a request whose client is gone was answered")
	}
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
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, ""
	}
	return response.StatusCode, string(body)
}
