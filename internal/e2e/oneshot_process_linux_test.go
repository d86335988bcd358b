package e2e

import (
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

// TestASyncNeedsNoIPv4LocalHost runs where localhost is ::1 alone.
func TestASyncNeedsNoIPv4LocalHost(t *testing.T) {
	t.Parallel()
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

// TestAFullFolderEndsASync needs root, and the right to mount.
func TestAFullFolderEndsASync(t *testing.T) {
	t.Parallel()
	small := t.TempDir()
	if err := syscall.Mount("tmpfs", small, "tmpfs", 0, "size=8m,mode=700"); err != nil {
		t.Skipf("nobody here can mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(small, 0); err != nil {
			t.Error(err)
		}
	})
	w := faults.Serve(t, sim.Config{Users: 300})
	for _, args := range [][]string{{"-f", filepath.Join(small, "sync.c1z")}, {"--c1z-temp-dir", small}} {
		f := launch.NewFolder(t, w)
		f.Fail(codes.ResourceExhausted, "no space left in "+small, args...)
		f.Fail(codes.ResourceExhausted, "nothing was written", args...)
		for _, dir := range []string{f.Dir, small} {
			holdsOnly(t, dir)
		}
	}
}

func TestARunIsOneProcess(t *testing.T) {
	t.Parallel()
	for name, grants := range map[string]bool{"a sync": false, "a grant": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, twelve)
			var args []string
			if grants {
				args = grantArgs(editorRole, person(t, w, isViewer).ID)
			}
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

// The second signal does not wait for what the first one has asked for.
func TestASecondSignalEndsARunAtOnce(t *testing.T) {
	t.Parallel()
	for fate, args := range map[string][]string{"nothing was written": nil, "the change may have been made": actionArgs("disable_user", "u")} {
		w := faults.Serve(t, twelve)
		w.Set(faults.Rule{Fault: faults.Named("hang before the work")})
		p := launch.NewFolder(t, w).Start(args...)
		p.Until(w.Struck())
		if err := p.Cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if code := p.Signal(syscall.SIGTERM, false); code != 128+int(syscall.SIGINT) {
			t.Errorf("exit code %d", code)
		}
		if said := p.Stderr.String(); !strings.Contains(said, "interrupted: "+fate) {
			t.Errorf("it says %s", said)
		}
	}
}
