//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/launch"
)

const root = "../.."

var generate = flag.Bool("generate", false, "write the generated files anew")

// make generate writes the files by this test.
func TestGeneratedFilesAreFresh(t *testing.T) {
	dir := t.TempDir()
	run := func(name string, args ...string) []byte {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v", name, args, err)
		}
		return out
	}
	connector := launch.Binary(t, launch.Connector)
	run(launch.Binary(t, launch.Generator))
	settings, err := os.ReadFile(filepath.Join(dir, "conf.gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	for file, fresh := range map[string][]byte{
		"pkg/config/conf.gen.go":  settings,
		"config_schema.json":      indented(t, run(connector, "config")),
		"baton_capabilities.json": indented(t, run(connector, "capabilities")),
	} {
		path := filepath.Join(root, file)
		if *generate {
			if err := os.WriteFile(path, fresh, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if committed, err := os.ReadFile(path); err != nil || !bytes.Equal(committed, fresh) {
			t.Errorf("%s is stale (%v): run make generate and commit the result", file, err)
		}
	}
}

// indented returns a JSON document in one form: the SDK's white space differs from build to build.
func indented(t *testing.T, document []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(document), "", "  "); err != nil {
		t.Fatal(err)
	}
	return append(out.Bytes(), '\n')
}
