//go:build unix

package reliability

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	formatv3 "github.com/conductorone/baton-sdk/pkg/dotc1z/format/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/leaks"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// checkFiles checks all files that runs have left for the token, and the logs among
// them for addresses as well. What the processes have written is checked by launch.
func checkFiles(t *testing.T, f *launch.Folder) {
	t.Helper()
	unpack(t, f)
	err := filepath.WalkDir(f.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // in the test's own folder
		if part := leaks.PartOfToken(string(content)); part != "" {
			t.Errorf("the file %s holds %q of the token", path, part)
		}
		if filepath.Ext(path) == ".log" {
			for _, leak := range leaks.InLog(string(content)) {
				t.Error(leak)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// unpack writes the files of the .c1z file into the folder, and checks everything that the SDK reads from it.
func unpack(t *testing.T, f *launch.Folder) {
	t.Helper()
	file, err := os.Open(f.File)
	if err != nil {
		return // the sync has failed
	}
	defer func() { _ = file.Close() }()
	unpacked := filepath.Join(f.Dir, "unpacked")
	if err := os.Mkdir(unpacked, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := formatv3.ExtractEnvelopePayload(file, unpacked); err != nil {
		t.Fatal(err)
	}
	picture, err := batontest.Read(t.Context(), f.File)
	if err != nil {
		return // it holds no completed sync
	}
	var text strings.Builder
	for _, resource := range picture.Resources {
		_, _ = text.WriteString(protojson.Format(resource))
	}
	for _, grant := range picture.Grants { // with their entitlements
		_, _ = text.WriteString(protojson.Format(grant))
	}
	if part := leaks.PartOfToken(text.String()); part != "" {
		t.Errorf("the .c1z file holds %q of the token", part)
	}
}

// TestASyncEndsAsTheMatrixSaysAndEmitsNoSecret runs the real connector with each
// fault in the middle of a sync, and with none.
func TestASyncEndsAsTheMatrixSaysAndEmitsNoSecret(t *testing.T) {
	t.Parallel()
	for _, fault := range append(faults.Table(), faults.Fault{Name: "no fault"}) {
		if fault.Name == "429 for years" {
			continue // the SDK would wait for a minute
		}
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, thirty)
			f := launch.NewFolder(t, w)
			f.Env = append(f.Env, "BATON_LOG_LEVEL=debug")
			if fault.Slow {
				f.Env = append(f.Env, "BATON_HTTP_TIMEOUT_SECONDS=1")
			}
			strikes, want := 0, codes.OK
			if fault.Name != "no fault" {
				w.Set(faults.Rule{Fault: fault, Operations: []faults.Operation{faults.List}, After: 1, Times: 1})
				strikes, want = 1, listedOnce(t, fault.Name)
			}
			code, _ := f.Run("--log-path", filepath.Join(f.Dir, "sync.log"))
			if w.Strikes() != strikes || code != int(want) {
				t.Errorf("%d strikes, want %d; exit code %d, want %d (%s)", w.Strikes(), strikes, code, want, want)
			}
			checkFiles(t, f)
			if code == 0 {
				f.Holds(w.Users())
				return
			}
			f.HoldsNothing()
			w.Set()
			f.Syncs(w.Users())
		})
	}
}

// listedOnce returns the code with which the matrix says that a listing ends when
// a fault strikes one of its requests.
func listedOnce(t *testing.T, fault string) codes.Code {
	t.Helper()
	column := slices.IndexFunc(operations(), func(o operation) bool { return o.name == "list" })
	outcome, _, _ := strings.Cut(matrix(t)[fault][column], " / ")
	code, ok := outcomes[outcome]
	if !ok {
		t.Fatalf("the matrix says %q", outcome)
	}
	return code
}

// TestProvisioningEmitsNoSecret runs the commands that change something before a server that echoes the request
// in its errors. With a healthy server internal/e2e runs them.
func TestProvisioningEmitsNoSecret(t *testing.T) {
	t.Parallel()
	viewer, editor := sim.Person(aViewer), sim.Person(anEditor)
	w := faults.Serve(t, sim.Config{Users: people})
	f := launch.NewFolder(t, w)
	f.Env = append(f.Env, "BATON_LOG_LEVEL=debug")
	f.Succeed()
	w.Set(faults.Rule{Fault: faults.Named("400 that echoes")})
	for name, command := range map[string][]string{
		"create": {
			"--create-account-login", newcomer, "--create-account-email", newcomer,
			"--create-account-profile", fmt.Sprintf(`{"email":%q,"first_name":"Grace","role":"viewer"}`, newcomer),
		},
		"create somebody who is there": {"--create-account-login", viewer.UserName},
		"grant": {
			"--grant-entitlement", batontest.Entitlement(editorRole).GetId(), "--grant-principal", viewer.ID, "--grant-principal-type", "user",
		},
		"revoke":  {"--revoke-grant", batontest.Grant(editorRole, editor.ID).GetId()},
		"disable": {"--invoke-action", "disable_user", "--invoke-action-args", fmt.Sprintf(`{"user_id":%q}`, viewer.ID)},
		"delete":  {"--delete-resource", viewer.ID, "--delete-resource-type", "user"},
	} {
		if code, _ := f.Run(command...); code == 0 {
			t.Errorf("%s: the command has succeeded", name)
		}
	}
	checkFiles(t, f)
}
