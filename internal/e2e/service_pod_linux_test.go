package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// confinement runs the connector as the Deployment's pod does: its root file system is mounted read-only, with
// nothing in it but what the image holds and the runtime mounts, /tmp is the one place to write to, the user is
// 65532, without groups and capabilities, and nothing can add privileges.
const confinement = `set -e
mount --bind "$ROOT" "$ROOT"
mount --rbind /proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$ROOT/tmp"
mount -o remount,bind,ro "$ROOT"
exec setpriv --no-new-privs chroot --userspec=65532:65532 --groups= "$ROOT" /baton-whimsical`

const podUser = "65532"

// TestServiceRunsAsInThePod needs root, which is what makes a pod, too, and the
// right to mount, which containers don't have.
func TestServiceRunsAsInThePod(t *testing.T) {
	probe := exec.CommandContext(t.Context(), "unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", t.TempDir()) //nolint:gosec // constants
	if out, err := probe.CombinedOutput(); os.Geteuid() != 0 || err != nil {
		t.Skipf("nobody here can mount a read-only root file system and change the user: %v\n%s", err, out)
	}
	t.Parallel()
	server, workspace := newC1(t), faults.Serve(t, sim.Config{Users: 3000})
	root := podRoot(t, server.Environment())
	env := append(server.Environment(), launch.Settings(workspace)...)
	s := &service{t: t, c1: server, Workspace: workspace, Process: launch.Start(t, launch.Command{
		Path: "unshare", Args: []string{"--mount", "--propagation", "private", "sh", "-c", confinement}, Dir: t.TempDir(),
		Env: append(env, "PATH="+os.Getenv("PATH"), "ROOT="+root, "HOME=/tmp", "TMPDIR=/tmp", "SSL_CERT_FILE=/ca.pem", provisioning, "BATON_LOG_LEVEL=info",
			"BATON_HOST_ID=baton-whimsical", "BATON_HEALTH_CHECK=true", "BATON_HEALTH_CHECK_BIND_ADDRESS=127.0.0.1", "BATON_HEALTH_CHECK_PORT=0"),
	})}
	watched := make(chan int64, 1)
	go func() { watched <- s.PeakMemory() }()
	s.syncs()
	s.succeed(grantTask(editorRole, person(t, workspace, isViewer).ID))
	s.syncs()

	for file, lines := range map[string][]string{
		"status":    {"Uid:" + strings.Repeat("\t"+podUser, 4), "CapPrm:\t0{16}", "CapEff:\t0{16}", "NoNewPrivs:\t1"},
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

// podRoot makes the files of the image, with the certificate authority of the stand-in in the place of the public
// ones, and the file of hosts that Kubernetes writes: the SDK listens on localhost.
func podRoot(t *testing.T, c1Environment []string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.Link(launch.Binary(t, launch.Connector), filepath.Join(root, "baton-whimsical")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"tmp", "etc", "proc", "dev"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	named := slices.IndexFunc(c1Environment, func(variable string) bool { return strings.HasPrefix(variable, "SSL_CERT_FILE=") })
	authority, err := os.ReadFile(strings.TrimPrefix(c1Environment[named], "SSL_CERT_FILE="))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"ca.pem": string(authority), "etc/hosts": "127.0.0.1 localhost\n"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil { //nolint:gosec // public
			t.Fatal(err)
		}
	}
	return root
}

// memoryLimit is what the Deployment allows, in bytes.
func memoryLimit(t *testing.T) int64 {
	t.Helper()
	manifest, err := os.ReadFile("../../deploy/kubernetes/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, limits, _ := strings.Cut(string(manifest), "limits:\n")
	_, memory, _ := strings.Cut(limits, " memory: ")
	var limit int64
	if _, err := fmt.Sscanf(memory, "%dMi\n", &limit); err != nil {
		t.Fatalf("the Deployment has no memory limit in Mi: %v", err)
	}
	return limit << 20
}
