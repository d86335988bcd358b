//go:build unix

package main

import (
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/launch"
)

func TestMain(m *testing.M) {
	os.Exit(launch.Main(m))
}

func TestTheBinaryServesUntilItIsSignalled(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			p := launch.Start(t, launch.Command{Path: launch.Binary(t, launch.Simulator), Args: []string{"--users", "30", "-v", "-token", token}, Dir: t.TempDir()})
			p.Says(p.Stdout, "\n")
			line := p.Stdout.String()
			if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+/scim-v2/\n$`).MatchString(line) {
				t.Fatalf("first line = %q, want the base URL and nothing else", line)
			}
			if status, body := get(t, strings.TrimSpace(line)+"Users?startIndex=1&count=1"); !strings.Contains(body, `"totalResults":30`) {
				t.Errorf("%d %s, want 30 users", status, body)
			}
			if code := p.Signal(signal, false); code != exitOK || p.Stdout.String() != line {
				t.Errorf("exit code %d, the output is %q", code, p.Stdout.String())
			}
			if want := "GET /scim-v2/Users?startIndex=1&count=1 200\n"; p.Stderr.String() != want {
				t.Errorf("request log = %q, want %q", p.Stderr.String(), want)
			}
		})
	}
}
