package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestHelpIsNotAFailure(t *testing.T) {
	for _, args := range [][]string{{"-help"}, {"--help"}, {"-h"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != exitOK {
			t.Errorf("%v: exit code %d, want 0", args, code)
		}
		for _, flag := range []string{
			"-users", "-addr", "-token", "-default-role", "-page-size", "-pending-until-login",
			"-deactivation-keeps", "-ignore-role-changes", "-latency", "-v\t",
		} {
			if !strings.Contains(stderr.String(), "  "+flag) {
				t.Errorf("%v: the help does not explain %s", args, flag)
			}
		}
		if stdout.Len() > 0 {
			t.Errorf("%v: standard output is %q, want nothing where the base URL belongs", args, stdout.String())
		}
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
		"an unknown role":                {[]string{"-default-role", "admin"}, "admin"},
		"a negative number of users":     {[]string{"-users", "-1"}, "users"},
		"a page without users":           {[]string{"-page-size", "0"}, "-page-size"},
		"a negative latency":             {[]string{"-latency", "-1s"}, "-latency"},
		"a latency without a unit":       {[]string{"-latency", "5"}, "latency"},
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
	url, _ := serveInBackground(t, daemon{addr: "127.0.0.1:0", handler: http.NotFoundHandler(), grace: time.Minute})
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/scim-v2/")
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-addr", addr}, &stdout, &stderr); code != exitFailed {
		t.Errorf("exit code %d, want %d", code, exitFailed)
	}
	if stdout.Len() > 0 || !strings.Contains(stderr.String(), "listen") {
		t.Errorf("stdout = %q, stderr = %q", stdout.String(), stderr.String())
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

func TestARequestInFlightIsFinishedBeforeTheEnd(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		w.WriteHeader(http.StatusNoContent)
	})
	url, stop := serveInBackground(t, daemon{addr: "127.0.0.1:0", handler: handler, grace: time.Minute})
	status := make(chan int, 1)
	go func() { status <- get(t, url) }()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(release)
	if got := <-status; got != http.StatusNoContent {
		t.Errorf("status = %d, want the answer in full", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("serve = %v, want a clean stop", err)
	}
}

func TestARequestThatDoesNotEndIsCutOff(t *testing.T) {
	entered := make(chan struct{})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	url, stop := serveInBackground(t, daemon{addr: "127.0.0.1:0", handler: handler, grace: time.Nanosecond})
	status := make(chan int, 1)
	go func() { status <- get(t, url) }()
	<-entered
	if err := stop(); err != nil {
		t.Errorf("serve = %v, want a clean stop", err)
	}
	if got := <-status; got != 0 {
		t.Errorf("status = %d, want a broken connection", got)
	}
}

func TestLatencyDelaysARequestAndEndsWithIt(t *testing.T) {
	var answered bool
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered = true })
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}

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

// serveInBackground runs a daemon until the returned function, or the end of the
// test, stops it. It returns the base URL.
func serveInBackground(t *testing.T, d daemon) (string, func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- d.serve(ctx, writer) }()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("reading the base URL: %v", err)
	}
	t.Cleanup(cancel)
	return strings.TrimSpace(line), func() error {
		cancel()
		return <-ended
	}
}

// get returns the status of a GET, 0 when the connection broke.
func get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Errorf("request: %v", err)
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}
