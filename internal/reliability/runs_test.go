//go:build unix

package reliability

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
	if err := filepath.WalkDir(f.Dir, func(path string, entry fs.DirEntry, err error) error {
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
	}); err != nil {
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
	text := ""
	for _, resource := range picture.Resources {
		text += protojson.Format(resource)
	}
	for _, grant := range picture.Grants { // with their entitlements
		text += protojson.Format(grant)
	}
	if part := leaks.PartOfToken(text); part != "" {
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
			w, f := served(t, thirty, "BATON_LOG_LEVEL=debug")
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
			if _, err := batontest.Read(t.Context(), f.File); err == nil {
				t.Error("the file holds a completed sync")
			}
			w.Set()
			f.Syncs(w.Users())
		})
	}
}

// listing returns a rule for the requests of a listing, but for so many at its start.
func listing(fault string, after int) faults.Rule {
	return faults.Rule{Fault: faults.Named(fault), Operations: []faults.Operation{faults.List}, After: after}
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
	w, f := served(t, sim.Config{Users: people}, "BATON_LOG_LEVEL=debug")
	f.Succeed()
	w.Set(faults.Rule{Fault: faults.Named("400 that echoes")})
	for name, command := range map[string][]string{
		"create": {"--create-account-login", newcomer, "--create-account-email", newcomer, "--create-account-profile",
			fmt.Sprintf(`{"email":%q,"first_name":"Grace","role":"viewer"}`, newcomer)},
		"create somebody who is there": {"--create-account-login", viewer.UserName},
		"grant":                        {"--grant-entitlement", batontest.Entitlement(editorRole).GetId(), "--grant-principal", viewer.ID, "--grant-principal-type", "user"},
		"revoke":                       {"--revoke-grant", batontest.Grant(editorRole, editor.ID).GetId()},
		"disable":                      {"--invoke-action", "disable_user", "--invoke-action-args", fmt.Sprintf(`{"user_id":%q}`, viewer.ID)},
		"delete":                       {"--delete-resource", viewer.ID, "--delete-resource-type", "user"},
	} {
		if code, _ := f.Run(command...); code == 0 {
			t.Errorf("%s: the command has succeeded", name)
		}
	}
	checkFiles(t, f)
}

// The SDK by itself reports one failure in a hundred as a success, and more on a busy machine.
func TestAFailureAlwaysShowsInTheExitCode(t *testing.T) {
	t.Parallel()
	refused, midway := faults.Rule{Fault: faults.Named("401")}, listing("HTML with 200", 1)
	for name, test := range map[string]struct {
		rule faults.Rule
		args []string
		code codes.Code
	}{
		"at the first request":       {refused, nil, codes.Unauthenticated},
		"in the middle of a listing": {midway, nil, codes.FailedPrecondition},
		"with a log file":            {refused, []string{"--log-path", "sync.log"}, codes.Unauthenticated},
	} {
		for i := range 15 {
			t.Run(fmt.Sprintf("%s, %d", name, i), func(t *testing.T) {
				t.Parallel()
				w, f := served(t, thirty, "BATON_LOG_LEVEL=debug")
				w.Set(test.rule)
				if code, _ := f.Run(test.args...); code != int(test.code) {
					t.Errorf("exit code %d, want %d (%s)", code, test.code, test.code)
				}
				if logs, _ := filepath.Glob(filepath.Join(f.Dir, "*.log")); len(logs) != len(test.args)/2 {
					t.Errorf("log files: %q", logs)
				}
			})
		}
	}
}

func TestASignalEndsASyncAtOnceAndTheNextSyncIsWhole(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]faults.Rule{
		"while the first request hangs":        {Fault: faults.Named("hang before the work")},
		"while a page hangs":                   listing("hang before the work", 1),
		"while an answer drips":                listing("slow drip", 0),
		"while the SDK waits to try a page":    listing("503", 1),
		"while the SDK waits for a rate reset": listing("429 for years", 1),
	} {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
			for to, group := range map[string]bool{"the process": false, "the process group, over an earlier sync": true} {
				t.Run(sig.String()+" to "+to+" "+name, func(t *testing.T) {
					t.Parallel()
					w, f := served(t, thirty)
					if group {
						f.Succeed()
					}
					before, _ := os.ReadFile(f.File) // which is there, or not
					w.Add(sim.User{UserName: newcomer, Email: newcomer, DisplayName: "New", Active: true})
					w.Set(rule)
					p := f.Start()
					p.Until(w.Struck())
					if code, want := p.Signal(sig, group), 128+int(sig); code != want {
						t.Errorf("exit code %d, want %d", code, want)
					}
					if after, err := os.ReadFile(f.File); !bytes.Equal(before, after) || group != (err == nil) {
						t.Errorf("the file has changed: %v", err)
					}
					w.Set()
					f.Syncs(w.Users())
				})
			}
		}
	}
}
