package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// unshared starts a script in a mount namespace of its own.
func unshared(t *testing.T, script, dir string, env ...string) *launch.Process {
	t.Helper()
	return launch.Start(t, launch.Command{
		Path: "unshare", Args: []string{"--mount", "--propagation", "private", "sh", "-c", script}, Dir: dir,
		Env: append(env, "PATH="+os.Getenv("PATH")),
	})
}

// TestASyncNeedsNoIPv4LocalHost runs where localhost is ::1 alone.
func TestASyncNeedsNoIPv4LocalHost(t *testing.T) {
	t.Parallel()
	w, f := served(t, twelve)
	write(t, f, "hosts", "::1 localhost\n")
	p := unshared(t, `mount --bind hosts /etc/hosts || exit 99; exec "$CONNECTOR"`, f.Dir, append(f.Env, "CONNECTOR="+launch.Binary(t, launch.Connector))...)
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
			w, f := served(t, twelve)
			var args []string
			if grants {
				args = grantArgs(editorRole, person(t, w, isViewer).ID)
			}
			p, release := held(w, f, 0, args...)
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

// The second signal does not wait for what the first one has asked for, and takes no file from under a run that
// goes on: the next sync removes what is left of it.
func TestASecondSignalEndsARunAtOnce(t *testing.T) {
	t.Parallel()
	for round := range 10 {
		w, f := served(t, twelve)
		fate, args := "nothing was written", []string(nil)
		if round == 0 {
			fate, args = "the change may have been made", actionArgs("disable_user", "u")
		}
		w.Set(faults.Rule{Fault: faults.Named("hang before the work")})
		p := f.Start(args...)
		p.Until(w.Struck())
		if err := p.Cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = p.Cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		code, said := p.Wait(), p.Stderr.String()
		// The system delivers two signals in any order.
		if code != 128+int(syscall.SIGINT) && code != 128+int(syscall.SIGTERM) || !strings.Contains(said, "interrupted: "+fate) || strings.Contains(said, "goroutine ") {
			t.Errorf("exit code %d, it says %s", code, said)
		}
		if !strings.Contains(said, "working files are left in "+f.File+".part, which the next sync removes") {
			holdsOnly(t, f.Dir)
		}
		w.Set()
		f.Succeed()
		holdsOnly(t, f.Dir, "sync.c1z")
	}
}

// confinement runs the connector as the Deployment's pod does: its root file system is mounted read-only, with
// nothing in it but what the image holds and the runtime mounts, /tmp is the one place to write to, the user is
// 65532, without groups and capabilities, and nothing can add privileges. The certificate authority of the stand-in
// is in the place of the public ones, and the file of hosts, which Kubernetes writes, has what the SDK listens on.
const confinement = `set -e
umask 022
mkdir "$ROOT/tmp" "$ROOT/etc" "$ROOT/proc" "$ROOT/dev"
ln "$CONNECTOR" "$ROOT/baton-whimsical"
cat "$SSL_CERT_FILE" >"$ROOT/ca.pem"
echo 127.0.0.1 localhost >"$ROOT/etc/hosts"
mount --bind "$ROOT" "$ROOT"
mount --rbind /proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$ROOT/tmp"
mount -o remount,bind,ro "$ROOT"
export SSL_CERT_FILE=/ca.pem
exec setpriv --no-new-privs chroot --userspec=65532:65532 --groups= "$ROOT" /baton-whimsical`

// TestServiceRunsAsInThePod needs root, which is what makes a pod, too, and the
// right to mount, which containers don't have.
func TestServiceRunsAsInThePod(t *testing.T) {
	probe := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", t.TempDir()) //nolint:gosec // constants
	if out, err := probe.CombinedOutput(); os.Geteuid() != 0 || err != nil {
		t.Skipf("nobody here can mount a read-only root file system and change the user: %v\n%s", err, out)
	}
	t.Parallel()
	server, workspace := newC1(t), faults.Serve(t, sim.Config{Users: 3000})
	env := append(server.Environment(), launch.Settings(workspace)...)
	env = append(env, "ROOT="+t.TempDir(), "CONNECTOR="+launch.Binary(t, launch.Connector), "HOME=/tmp", "TMPDIR=/tmp", provisioning, "BATON_LOG_LEVEL=info",
		"BATON_HOST_ID=baton-whimsical", "BATON_HEALTH_CHECK=true", "BATON_HEALTH_CHECK_BIND_ADDRESS=127.0.0.1", "BATON_HEALTH_CHECK_PORT=0")
	s := &service{t: t, c1: server, Workspace: workspace, Process: unshared(t, confinement, t.TempDir(), env...)}
	watched := make(chan int64, 1)
	go func() { watched <- s.PeakMemory() }()
	s.syncs()
	s.succeed(grantTask(editorRole, person(t, workspace, isViewer).ID))
	s.syncs()

	for file, lines := range map[string][]string{
		"status":    {"Uid:" + strings.Repeat("\t65532", 4), "CapPrm:\t0{16}", "CapEff:\t0{16}", "NoNewPrivs:\t1"},
		"mountinfo": {`\S+ \S+ \S+ \S+ / ro,.*`},
	} {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.Cmd.Process.Pid, file))
		for _, line := range lines {
			if err != nil || !regexp.MustCompile("(?m)^"+line+"$").Match(content) {
				t.Errorf("the %s of the process does not hold %q: %v\n%s", file, line, err, content)
			}
		}
	}
	s.Signal(syscall.SIGTERM, false)
	if peak, limit := <-watched, memoryLimit(t); peak > limit || peak == 0 {
		t.Errorf("the processes have taken %d MiB, of %d that the Deployment allows", peak>>20, limit>>20)
	}
}

// memoryLimit is what the Deployment allows, in bytes.
func memoryLimit(t *testing.T) int64 {
	t.Helper()
	manifest, err := os.ReadFile("../../deploy/kubernetes/deployment.yaml")
	_, limits, _ := strings.Cut(string(manifest), "limits:\n")
	_, memory, _ := strings.Cut(limits, " memory: ")
	var limit int64
	if _, failed := fmt.Sscanf(memory, "%dMi\n", &limit); failed != nil {
		t.Fatalf("the Deployment has no memory limit in Mi: %v, %v", failed, err)
	}
	return limit << 20
}
