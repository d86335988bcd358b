//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/launch"
)

const root = "../.."

func TestGeneratedFilesAreFresh(t *testing.T) {
	for file, command := range map[string]string{
		"config_schema.json":      "config",
		"baton_capabilities.json": "capabilities",
	} {
		t.Run(file, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), launch.Binary(t, launch.Connector), command) //nolint:gosec // the binary under test
			generated, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			committed, err := os.ReadFile(filepath.Join(root, file))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(decoded(t, generated), decoded(t, committed)) {
				t.Errorf("%s is stale: run make generate and commit the result", file)
			}
		})
	}
	t.Run("conf.gen.go", func(t *testing.T) {
		dir := t.TempDir()
		generator := filepath.Join(dir, "gen")
		build := exec.CommandContext(t.Context(), "go", "build", "-o", generator, "./pkg/config/gen")
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		run := exec.CommandContext(t.Context(), generator)
		run.Dir = dir
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		generated, err := os.ReadFile(filepath.Join(dir, "conf.gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile(filepath.Join(root, "pkg/config/conf.gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(generated, committed) {
			t.Error("conf.gen.go is stale: run make generate and commit the result")
		}
	})
}

func decoded(t *testing.T, document []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
