package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// build compiles the command and returns its path.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "whimsical-sim")
	command := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return binary
}

func TestTheBinaryServesUntilItIsSignalled(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot deliver these signals to another process")
	}
	binary := build(t)
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			command := exec.CommandContext(t.Context(), binary, "--users", "30", "-v", "-token", "s3cret")
			var stderr bytes.Buffer
			command.Stderr = &stderr
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			output := bufio.NewReader(stdout)
			line, err := output.ReadString('\n')
			if err != nil {
				t.Fatalf("reading the first line: %v", err)
			}
			if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+/scim-v2/\n$`).MatchString(line) {
				t.Fatalf("first line = %q, want the base URL and nothing else", line)
			}
			body := fetch(t, strings.TrimSpace(line)+"Users?startIndex=1&count=1", "s3cret")
			if !strings.Contains(body, `"totalResults":30`) {
				t.Errorf("body = %s, want 30 users", body)
			}
			if err := command.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(output)
			if err != nil || len(rest) > 0 {
				t.Errorf("more output: %q, %v", rest, err)
			}
			if err := command.Wait(); err != nil {
				t.Errorf("exit: %v, want 0", err)
			}
			if want := "GET /scim-v2/Users?startIndex=1&count=1 200\n"; stderr.String() != want {
				t.Errorf("request log = %q, want %q", stderr.String(), want)
			}
		})
	}
}

// fetch returns the body of a GET that must succeed.
func fetch(t *testing.T, url, token string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s = %d, %v", url, response.StatusCode, err)
	}
	return string(body)
}
