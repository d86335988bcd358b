//go:build unix

package reliability

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	formatv3 "github.com/conductorone/baton-sdk/pkg/dotc1z/format/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/sim"
	"github.com/conductorone/baton-whimsical/internal/synctest"
)

// checkEmitted checks everything that a run has written but its .c1z file.
func (s *shell) checkEmitted(r *run) {
	s.t.Helper()
	outputs := map[string]string{"stdout": r.stdout.String(), "stderr": r.stderr.String()}
	logs, err := filepath.Glob(filepath.Join(s.dir, "*.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range logs {
		log, err := os.ReadFile(path) //nolint:gosec // in the test's own folder
		if err != nil {
			s.t.Fatal(err)
		}
		outputs[filepath.Base(path)] = string(log)
	}
	for name, output := range outputs {
		for _, leak := range leaksOfLog(output) {
			s.t.Errorf("%s: %s", name, leak)
		}
	}
}

// checkFiles checks all files that a run has left for the token.
func (s *shell) checkFiles() {
	s.t.Helper()
	s.unpack()
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // in the test's own folder
		if part := partOfToken(string(content)); part != "" {
			s.t.Errorf("the file %s holds %q of the token", path, part)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// unpack writes what the .c1z file holds beside it: its files, and everything
// that the SDK reads from it.
func (s *shell) unpack() {
	s.t.Helper()
	file, err := os.Open(s.file)
	if err != nil {
		return // the sync has failed
	}
	defer func() { _ = file.Close() }()
	unpacked := filepath.Join(s.dir, "unpacked")
	if err := os.Mkdir(unpacked, 0o700); err != nil {
		s.t.Fatal(err)
	}
	if _, _, err := formatv3.ExtractEnvelopePayload(file, unpacked); err != nil {
		s.t.Fatal(err)
	}
	picture, err := synctest.Read(s.t.Context(), s.file)
	if err != nil {
		return // it holds no completed sync
	}
	var text bytes.Buffer
	for _, resource := range picture.Resources {
		text.WriteString(protojson.Format(resource))
	}
	for _, entitlement := range picture.Entitlements {
		text.WriteString(protojson.Format(entitlement))
	}
	for _, grant := range picture.Grants {
		text.WriteString(protojson.Format(grant))
	}
	if err := os.WriteFile(filepath.Join(unpacked, "picture.json"), text.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// TestASyncEndsAsTheMatrixSaysAndEmitsNoSecret runs the real connector with each
// fault in the middle of a sync, and with none.
func TestASyncEndsAsTheMatrixSaysAndEmitsNoSecret(t *testing.T) {
	var strangers atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	t.Cleanup(func() {
		elsewhere.Close()
		if n := strangers.Load(); n != 0 {
			t.Errorf("%d requests reached another host by a redirect", n)
		}
	})
	t.Run("no fault", func(t *testing.T) {
		t.Parallel()
		s := newShell(t, sim.Config{Users: 30, PageSize: 10}, elsewhere.URL)
		s.checkEmitted(s.succeeds("--log-path", filepath.Join(s.dir, "sync.log")))
		s.checkFiles()
	})
	for _, fault := range faults.Table() {
		if fault.Name == "429 for years" {
			continue // the SDK would wait for a minute
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, sim.Config{Users: 30, PageSize: 10}, elsewhere.URL)
			s.env = []string{"BATON_HTTP_TIMEOUT_SECONDS=1"}
			s.injector.Set(faults.Rule{Fault: fault, Operations: []faults.Operation{faults.List}, After: 1, Times: 1})
			code, r := s.runs("--log-path", filepath.Join(s.dir, "sync.log"))
			if s.injector.Strikes() != 1 {
				t.Errorf("the fault struck %d times", s.injector.Strikes())
			}
			if want := listedOnce(t, fault.Name); code != int(want) {
				t.Errorf("exit code %d, want %d (%s)", code, want, want)
			}
			if code == 0 {
				s.checkWhole(30)
			} else if _, err := synctest.Read(t.Context(), s.file); err == nil {
				t.Error("the sync has failed, and the file holds a completed one")
			}
			s.checkEmitted(r)
			s.checkFiles()
		})
	}
}

// listedOnce returns the code with which the matrix says that a listing ends when
// a fault strikes one of its requests.
func listedOnce(t *testing.T, fault string) codes.Code {
	t.Helper()
	column := slices.IndexFunc(operations(), func(o operation) bool { return o.name == "list" })
	outcome, _, _ := strings.Cut(parseMatrix(t, matrixFile)[fault][column], " / ")
	for code, name := range codeNames {
		if name == outcome {
			return code
		}
	}
	if outcome != truth {
		t.Fatalf("the matrix says %q", outcome)
	}
	return codes.OK
}

// TestProvisioningEmitsNoSecret runs the commands that change
// something, before a healthy server and one that echoes the request in its
// errors.
func TestProvisioningEmitsNoSecret(t *testing.T) {
	viewer, editor := sim.Person(aViewer), sim.Person(anEditor)
	commands := map[string][]string{
		"create": {
			"--create-account-login", newcomer, "--create-account-email", newcomer,
			"--create-account-profile", fmt.Sprintf(`{"email":%q,"first_name":"Grace","role":"viewer"}`, newcomer),
		},
		"create somebody who is there": {"--create-account-login", viewer.UserName},
		"grant": {
			"--grant-entitlement", "role:editor:assigned", "--grant-principal", viewer.ID, "--grant-principal-type", "user",
		},
		"revoke":  {"--revoke-grant", "role:editor:assigned:user:" + editor.ID},
		"disable": {"--invoke-action", "disable_user", "--invoke-action-args", fmt.Sprintf(`{"user_id":%q}`, viewer.ID)},
		"delete":  {"--delete-resource", viewer.ID, "--delete-resource-type", "user"},
	}
	echo, _ := faults.Named("400 that echoes")
	for name, command := range commands {
		for _, healthy := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, healthy %t", name, healthy), func(t *testing.T) {
				t.Parallel()
				s := newShell(t, sim.Config{Users: people}, "")
				s.checkEmitted(s.succeeds())
				if !healthy {
					s.injector.Set(faults.Rule{Fault: echo})
				}
				code, r := s.runs(command...)
				if (code == 0) != healthy {
					t.Errorf("exit code %d:\n%s", code, r.stderr.String())
				}
				s.checkEmitted(r)
				s.checkFiles()
			})
		}
	}
}
