//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
)

// TestTheReadmesCommandsStartTheService types what the README says under "Without
// Kubernetes", with the stand-ins in the place of Whimsical and ConductorOne.
func TestTheReadmesCommandsStartTheService(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)\n### Without Kubernetes\n\n```sh\n(.*?)```").FindSubmatch(readme)
	if block == nil {
		t.Fatal("the README has no commands under Without Kubernetes")
	}
	server, workspace := newC1(t), faults.Serve(t, twelve)
	commands := string(block[1])
	var rest []string
	for _, setting := range append(server.Environment(), launch.Settings(workspace)...) {
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
	s := &service{t: t, c1: server, Workspace: workspace, Process: launch.Start(t, launch.Command{
		Path: "bash", Args: []string{"-c", `mkdir bin && ln -s "$CONNECTOR" bin/baton-whimsical` + "\n" + commands}, Dir: t.TempDir(),
		Env: append(rest, "CONNECTOR="+filepath.Clean(launch.Binary(t, launch.Connector)), "PATH="+os.Getenv("PATH")),
	})}
	s.syncs()
	s.TakeRequests()
	s.succeed(grantTask(editorRole, person(t, workspace, isViewer).ID))
	if changed := s.TakeChanges(); len(changed) != 1 {
		t.Errorf("a grant has sent %v", changed)
	}
}
