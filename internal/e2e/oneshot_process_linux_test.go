package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
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
