package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestTheReadmesCommandsStartTheService types what the README says under "Without
// Kubernetes", with the stand-ins in the place of Whimsical and ConductorOne.
func TestTheReadmesCommandsStartTheService(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go takes no certificate authority from the environment here")
	}
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n### Without Kubernetes\n\n```sh\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no commands under Without Kubernetes")
	}
	server, workspace := newC1(t), newWhimsical(t, twelve)
	commands := string(block[1])
	var rest []string
	for _, setting := range append(server.Environment(), workspace.settings()...) {
		name, value, _ := strings.Cut(setting, "=")
		typed := strings.Replace(commands, name+"=...", name+"='"+value+"'", 1)
		if typed == commands {
			rest = append(rest, setting)
		}
		commands = typed
	}
	if strings.Contains(commands, "=...") {
		t.Fatalf("nobody knows what to type for a placeholder:\n%s", block[1])
	}
	// No shell stays behind, which the end of the test would not end.
	commands = strings.Replace(commands, "\nbin/", "\nexec bin/", 1)
	path := binary(t, connectorPackage)
	s := &service{
		c1: server, whimsical: workspace,
		process: startProcess(t, "bash", []string{"-c", `mkdir bin && ln -s "$CONNECTOR" bin/baton-whimsical` + "\n" + commands},
			append(rest, "CONNECTOR="+filepath.Clean(path), "PATH="+os.Getenv("PATH")), []string{token, server.Secret()}),
	}
	s.sync(fullSync()).check(t, expected(workspace.Users()))
	viewer := workspace.person(t, isViewer)
	s.succeed(grantTask("editor", viewer.ID))
	if changed := mutations(workspace.take()); len(changed) != 1 {
		t.Errorf("a grant has sent %v", changed)
	}
}
