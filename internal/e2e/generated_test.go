//go:build unix

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/conductorone/baton-whimsical/internal/launch"
)

func TestGeneratedFilesAreFresh(t *testing.T) {
	t.Parallel()
	for file, command := range map[string][]string{
		"config_schema.json":      {launch.Connector, "config"},
		"baton_capabilities.json": {launch.Connector, "capabilities"},
		"pkg/config/conf.gen.go":  {"github.com/conductorone/baton-whimsical/pkg/config/gen"}, // which writes into the folder that it runs in
	} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), launch.Binary(t, command[0]), command[1:]...) //nolint:gosec // commands of this repository
			cmd.Dir = t.TempDir()
			generated, err := cmd.Output()
			if err == nil && len(command) == 1 {
				generated, err = os.ReadFile(filepath.Join(cmd.Dir, filepath.Base(file)))
			}
			if err != nil {
				t.Fatal(err)
			}
			committed, err := os.ReadFile(filepath.Join("../..", file))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(canonical(generated), canonical(committed)) {
				t.Errorf("%s is stale: run make generate and commit the result", file)
			}
		})
	}
}

// canonical returns a JSON document in its one form (RFC 8785), and anything else as it is.
func canonical(document []byte) []byte {
	value := jsontext.Value(bytes.Clone(document))
	if err := value.Canonicalize(); err != nil {
		return document
	}
	return value
}
