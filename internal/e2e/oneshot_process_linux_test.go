package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestARunIsOneProcess(t *testing.T) {
	w := faults.Serve(t, twelve)
	viewer := person(t, w, isViewer).ID
	for name, args := range map[string][]string{"a sync": nil, "a grant": grantArgs("editor", viewer)} {
		t.Run(name, func(t *testing.T) {
			hold, release := faults.Hold()
			w.Set(faults.Rule{Fault: hold, Times: 1})
			p := launch.NewFolder(t, w).Start(args...)
			p.Until(w.Struck())
			if children := p.Children(); len(children) != 0 {
				t.Errorf("the children %v", children)
			}
			release()
			if code := p.Wait(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestASyncNeedsNoIPv4LocalHost runs where localhost is ::1 alone.
func TestASyncNeedsNoIPv4LocalHost(t *testing.T) {
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("::1 localhost\n"), 0o644); err != nil { //nolint:gosec // as /etc/hosts
		t.Fatal(err)
	}
	p := launch.Start(t, launch.Command{
		Path: "unshare", Args: []string{"--mount", "--propagation", "private", "sh", "-c", `mount --bind "$HOSTS" /etc/hosts || exit 99; exec "$CONNECTOR"`},
		Dir: f.Dir, Env: append(f.Env, "HOSTS="+hosts, "CONNECTOR="+launch.Binary(t, launch.Connector), "PATH="+os.Getenv("PATH")),
	})
	switch code := p.Wait(); code {
	case 0:
		f.Holds(w.Users())
	case 1, 99:
		t.Skipf("nobody here can mount: %s", p.Stderr.String())
	default:
		t.Errorf("exit code %d", code)
	}
}

func TestTheLogGoesToItsFileWhole(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	f := launch.NewFolder(t, w)
	log := filepath.Join(f.Dir, "sync.log")
	f.Env = append(f.Env, "BATON_LOG_LEVEL=debug", "BATON_LOG_PATH="+log)
	f.Succeed()
	if p := f.Succeed(grantArgs("editor", person(t, w, isViewer).ID)...); p.Stderr.String() != "" || p.Stdout.String() != "" {
		t.Errorf("beside the file, the log is %q", p.Stderr.String()+p.Stdout.String())
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"baton-whimsical: request", "baton-whimsical: users read", "baton-whimsical: file written", "baton-whimsical: workspace changed"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("%q is not in the file", line)
		}
	}
	for lines := bufio.NewScanner(strings.NewReader(string(text))); lines.Scan(); {
		if !json.Valid(lines.Bytes()) {
			t.Errorf("no JSON: %s", lines.Text())
		}
	}
}

func TestTheActionSchemasAreListed(t *testing.T) {
	t.Parallel()
	f := launch.NewFolder(t, faults.Serve(t, twelve))
	f.Env = append(f.Env, "BATON_LOG_LEVEL=info")
	output := f.Succeed("--list-action-schemas").Stderr.String()
	for _, name := range []string{"enable_user", "disable_user"} {
		if !strings.Contains(output, name) {
			t.Errorf("%s is not in %s", name, output)
		}
	}
}

func TestWhatThisCommandDoesNotDoIsRefused(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"event-feed": {"--event-feed=true"}, "create-ticket": {"--create-ticket", "--ticket-template-path=x"}, "list-ticket-schemas": {"--list-ticket-schemas"}, "ticketing": {"--ticketing"},
		"rotate-credentials": {"--rotate-credentials=u", "--rotate-credentials-type=user"}, "external-resource-c1z": {"--external-resource-c1z=x.c1z"},
		"compact-file-paths":    {"--compact-syncs", "--compact-file-paths=x", "--compact-sync-ids=x", "--compact-output-path=x"},
		"list-resource-actions": {"--list-resource-actions=user"}, "invoke-resource-action": {"--invoke-resource-action=x"},
		"invoke-action-resource-type": append(actionArgs("disable_user", "u"), "--invoke-action-resource-type=user"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unasked(t).Fail(codes.Unimplemented, "--"+name+" (BATON_", args...)
		})
	}
}

func TestSettingsOfServicesAreNamedInAOneShotRun(t *testing.T) {
	t.Parallel()
	f := launch.NewFolder(t, faults.Serve(t, twelve))
	f.Env = append(f.Env, "BATON_LOG_LEVEL=warn", "BATON_SKIP_FULL_SYNC=true", "BATON_HEALTH_CHECK=false", "BATON_PROVISIONING=true")
	output := f.Succeed("--task-concurrency=7").Stderr.String()
	if !strings.Contains(output, `"keys":["skip-full-sync","task-concurrency"]`) {
		t.Errorf("the log is %s", output)
	}
}

func TestABooleanThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env, file string
	}{
		"in quotes": {env: `BATON_PROVISIONING="true"`}, "yes": {env: "BATON_PROVISIONING=yes"}, "on": {env: "BATON_PROVISIONING=on"},
		"with a blank": {env: "BATON_PROVISIONING=true "}, "with a carriage return": {env: "BATON_PROVISIONING=true\r"}, "in a file": {file: `provisioning: "yes"`},
	} {
		for mode, env := range map[string][]string{"one-shot": nil, "service": {"BATON_CLIENT_ID=an-id", "BATON_CLIENT_SECRET=a-secret"}} {
			t.Run(name+", "+mode, func(t *testing.T) {
				t.Parallel()
				f := unasked(t)
				f.Env = append(append(f.Env, env...), test.env)
				write(t, f, ".baton.yaml", test.file)
				refuses(t, f, "--provisioning (BATON_PROVISIONING) is ")
			})
		}
	}
	for _, taken := range []string{"true", "1", "T", "FALSE", ""} {
		f := launch.NewFolder(t, faults.Serve(t, sim.Config{Users: 1}))
		f.Env = append(f.Env, "BATON_PROVISIONING="+taken)
		f.Succeed()
	}
}

func TestAMissingTokenIsNamed(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"one-shot": nil, "blank": {"BATON_WHIMSICAL_TOKEN= "}, "service": {"BATON_CLIENT_ID=an-id", "BATON_CLIENT_SECRET=a-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := unasked(t)
			f.Env = append(append(f.Env, "BATON_WHIMSICAL_TOKEN="), env...)
			line := refuses(t, f, "BATON_WHIMSICAL_TOKEN is not set")
			if !strings.Contains(line, "Workspace settings") {
				t.Errorf("it does not say where a token comes from: %s", line)
			}
		})
	}
}

// The second signal does not wait for what the first one has asked for.
func TestASecondSignalEndsARunAtOnce(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	w.Set(faults.Rule{Fault: faults.Named("hang before the work")})
	f := launch.NewFolder(t, w)
	p := f.Start(actionArgs("disable_user", "u")...)
	p.Until(w.Struck())
	if err := p.Cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if code := p.Signal(syscall.SIGTERM, false); code != 128+int(syscall.SIGINT) {
		t.Errorf("exit code %d", code)
	}
	if said := p.Stderr.String(); !strings.Contains(said, "interrupted: the change may have been made") {
		t.Errorf("it says %s", said)
	}
}
