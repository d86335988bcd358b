//go:build unix

package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
)

// logged fails the test unless a log is JSON, line by line, and holds these texts.
func logged(t *testing.T, log string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(log, text) {
			t.Errorf("%q is not in the log\n%s", text, log)
		}
	}
	for line := range strings.Lines(log) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func TestTheLogGoesToItsFileWhole(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	log := filepath.Join(f.Dir, "sync.log")
	f.Env = append(f.Env, "BATON_LOG_LEVEL=debug", "BATON_LOG_PATH="+log)
	f.Succeed()
	if p := f.Succeed(grantArgs(editorRole, person(t, w, isViewer).ID)...); p.Stderr.String() != "" || p.Stdout.String() != "" {
		t.Errorf("beside the file, the log is %q", p.Stderr.String()+p.Stdout.String())
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	logged(t, string(text), "baton-whimsical: request", "baton-whimsical: users read", "baton-whimsical: file written", "baton-whimsical: workspace changed")
}

func TestAPipeGetsTheLogAsJSON(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args, env []string
		texts     []string
	}{
		"of a sync":          {nil, []string{"BATON_LOG_LEVEL="}, []string{"Sync complete."}},
		"with an empty path": {[]string{"--log-path="}, []string{"BATON_LOG_LEVEL="}, []string{"Sync complete."}},
		"with the schemas":   {[]string{"--list-action-schemas"}, []string{"BATON_LOG_LEVEL=info"}, []string{"enable_user", "disable_user"}},
		"with settings of services": {
			[]string{"--task-concurrency=7"},
			[]string{"BATON_LOG_LEVEL=warn", "BATON_SKIP_FULL_SYNC=true", "BATON_HEALTH_CHECK=false", "BATON_PROVISIONING=true"},
			[]string{`"keys":["skip-full-sync","task-concurrency"]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := launch.NewFolder(t, faults.Serve(t, twelve))
			f.Env = append(f.Env, test.env...)
			logged(t, f.Succeed(test.args...).Stderr.String(), test.texts...)
		})
	}
}
