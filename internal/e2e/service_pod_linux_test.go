package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// confinement runs the connector as the Deployment's pod does: its root file system
// is mounted read-only, with nothing in it but what the image holds and the runtime
// mounts, /tmp is the one place to write to, the user is 65532, without groups and capabilities, and nothing
// can add privileges.
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
	server, workspace := newC1(t), newWhimsical(t, sim.Config{Users: 3000})
	root := podRoot(t, server.Environment())
	port := freePort(t)
	env := append(server.Environment(), workspace.settings()...)
	s := &service{
		c1: server, whimsical: workspace,
		process: startProcess(t, "unshare", []string{"--mount", "--propagation", "private", "sh", "-c", confinement}, append(env,
			"PATH="+os.Getenv("PATH"), "ROOT="+root, "HOME=/tmp", "TMPDIR=/tmp", "SSL_CERT_FILE=/ca.pem", provisioning, "BATON_LOG_LEVEL=info",
			"BATON_HOST_ID=baton-whimsical", "BATON_HEALTH_CHECK=true", "BATON_HEALTH_CHECK_BIND_ADDRESS=127.0.0.1", "BATON_HEALTH_CHECK_PORT="+port,
		), []string{token, server.Secret()}),
	}
	s.sync(fullSync()).check(t, expected(workspace.Users()))
	viewer := workspace.person(t, isViewer)
	s.succeed(grantTask("editor", viewer.ID))
	s.sync(fullSync()).check(t, expected(workspace.Users()))

	status := s.proc("status")
	for _, line := range []string{
		"Uid:\t" + strings.Repeat(podUser+"\t", 3) + podUser, "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1",
	} {
		if !strings.Contains(status, line+"\n") {
			t.Errorf("the status of the process does not hold %q:\n%s", line, status)
		}
	}
	if mounts := s.proc("mountinfo"); !regexp.MustCompile(`(?m)^\S+ \S+ \S+ \S+ / ro,`).MatchString(mounts) {
		t.Errorf("the root file system is not read-only:\n%s", mounts)
	}
	if peak, limit := s.peakMemory(), memoryLimit(t); peak > limit {
		t.Errorf("the processes have taken %d MiB, of %d that the Deployment allows", peak>>20, limit>>20)
	}
}

// podRoot makes the files of the image, with the certificate authority of the
// stand-in in the place of the public ones.
func podRoot(t *testing.T, c1Environment []string) string {
	t.Helper()
	root := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(root, "baton-whimsical"), connectorPackage) //nolint:gosec // constants
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, variable := range c1Environment {
		if path, ok := strings.CutPrefix(variable, "SSL_CERT_FILE="); ok {
			authority, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(root, "ca.pem"), authority, 0o644); err != nil { //nolint:gosec // public
				t.Fatal(err)
			}
		}
	}
	for _, dir := range []string{"tmp", "etc", "proc", "dev"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Kubernetes writes this file; the SDK listens on localhost.
	if err := os.WriteFile(filepath.Join(root, "etc", "hosts"), []byte("127.0.0.1 localhost\n"), 0o644); err != nil { //nolint:gosec // public
		t.Fatal(err)
	}
	return root
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// proc reads a file of proc(5) about the process.
func (p *process) proc(name string) string {
	p.t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

var peakPattern = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peakMemory returns the sum of the peaks of the process and its children, the
// program itself included, in bytes.
func (p *process) peakMemory() int64 {
	p.t.Helper()
	var sum int64
	pids := []string{strconv.Itoa(p.cmd.Process.Pid)}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid)) // any thread may have started one
	if err != nil {
		p.t.Fatal(err)
	}
	for _, list := range lists {
		children, err := os.ReadFile(list)
		if err != nil {
			p.t.Fatal(err)
		}
		pids = append(pids, strings.Fields(string(children))...)
	}
	if len(pids) != 2 {
		p.t.Fatalf("the service has the processes %v, not two", pids)
	}
	for _, pid := range pids {
		status, err := os.ReadFile(filepath.Join("/proc", pid, "status")) //nolint:gosec // of proc(5)
		if err != nil {
			p.t.Fatal(err)
		}
		peak, err := strconv.ParseInt(string(peakPattern.FindSubmatch(status)[1]), 10, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		sum += peak << 10
	}
	return sum
}

// memoryLimit is what the Deployment allows, in bytes.
func memoryLimit(t *testing.T) int64 {
	t.Helper()
	manifest, err := os.ReadFile("../../deploy/kubernetes/deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`limits:\n(?:\s+cpu: .*\n)?\s+memory: (\d+)Mi\n`).FindSubmatch(manifest)
	if match == nil {
		t.Fatal("the Deployment has no memory limit in Mi")
	}
	limit, err := strconv.ParseInt(string(match[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return limit << 20
}
