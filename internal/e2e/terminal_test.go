//go:build unix

package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// screen is a run of the connector before somebody's eyes.
type screen struct {
	t        *testing.T
	cmd      *exec.Cmd
	terminal *os.File
}

// look runs the connector in a terminal of 80 columns, without the log setting of a folder.
func look(t *testing.T, f *launch.Folder, args ...string) *screen {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), launch.Binary(t, launch.Connector), args...) //nolint:gosec // the binary under test
	cmd.Dir = f.Dir
	cmd.Env = append([]string{"HOME=" + f.Dir, "TMPDIR=" + f.Dir}, f.Env...)
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "BATON_LOG_LEVEL=") })
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return &screen{t: t, cmd: cmd, terminal: terminal}
}

var seconds = regexp.MustCompile(`[0-9.]+ seconds`)

// sees returns the exit code, the lines that stay, and all that was ever written.
func (p *screen) sees() (int, []string, string) {
	p.t.Helper()
	output, err := io.ReadAll(p.terminal)
	if err != nil && !errors.Is(err, syscall.EIO) { // which is how Linux ends a terminal
		p.t.Fatal(err)
	}
	var failed *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	var stays []string
	for line := range strings.SplitSeq(strings.ReplaceAll(string(output), "\r\n", "\n"), "\n") {
		var cells []rune
		for part := range strings.SplitSeq(line, "\r") {
			over := []rune(part)
			cells = append(over, cells[min(len(over), len(cells)):]...)
		}
		if text := strings.TrimRight(string(cells), " "); text != "" {
			stays = append(stays, seconds.ReplaceAllString(text, "N seconds"))
		}
	}
	if strings.ContainsRune(string(output), '\x1b') {
		p.t.Errorf("control sequences in %q", output)
	}
	return p.cmd.ProcessState.ExitCode(), stays, string(output)
}

func TestATerminalShowsASyncAndItsChanges(t *testing.T) {
	t.Parallel()
	w, f := served(t, sim.Config{Users: 12, DeactivationKeeps: true})
	editor, viewer := person(t, w, isEditor).ID, person(t, w, isViewer).ID
	for _, test := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"Users: 12 (Editors: 3, Viewers: 7, inactive: 1, without a role: 1).", "Warning: ", "Written to sync.c1z in N seconds."}},
		{grantArgs(editorRole, viewer), []string{"User " + viewer + " is an Editor now."}},
		{grantArgs(editorRole, viewer), []string{"User " + viewer + " is an Editor already: nothing changed."}},
		{revokeArgs(editorRole, editor), []string{"User " + editor + " is no longer an Editor."}},
		{actionArgs("disable_user", editor), []string{"User " + editor + " was deactivated, and has left the workspace."}},
		{actionArgs("enable_user", editor), []string{"User " + editor + " is active now."}},
		{[]string{"--sync-resource-types", "role", "-f", "role.c1z"}, []string{
			"Warning: roles are synced without users", "Users: 12 ", "Warning: ", "Warning: what refers to a type that is not synced was left out.", "Written to role.c1z",
		}},
		{[]string{"--sync-resources", "bid:r:user/nobody", "-f", "one.c1z"}, []string{"Warning: there is no such user or role, so it is not in the file: nobody.", "Written to one.c1z"}},
		{deleteArgs(editor), []string{"User " + editor + " was deleted."}},
		{deleteArgs(editor), []string{"Warning: there is no user with the ID " + editor + ": nothing changed."}},
	} {
		code, stays, all := look(t, f, test.args...).sees()
		if code != 0 || !slices.EqualFunc(stays, test.want, strings.HasPrefix) {
			t.Errorf("%q: exit %d, the terminal shows\n%s\nwant\n%s", test.args, code, strings.Join(stays, "\n"), strings.Join(test.want, "\n"))
		}
		if test.args == nil && !strings.Contains(all, "Reading users: 12") {
			t.Errorf("no progress in %q", all)
		}
	}
	code, stays, _ := look(t, f, "--create-account-email", ada).sees()
	if code != 0 || len(stays) != 1 || strings.Contains(stays[0], "@") || !strings.Contains(stays[0], "was created") {
		t.Errorf("exit %d, a creation shows %q", code, stays)
	}
}

func TestATerminalShowsAnErrorOnce(t *testing.T) {
	t.Parallel()
	const (
		refused = "BATON_WHIMSICAL_TOKEN=another"
		away    = "BATON_BASE_URL=http://127.0.0.1:1/scim-v2/"
		profile = "--create-account-profile"
	)
	for name, test := range map[string]struct {
		code codes.Code
		says string
		env  string
		args []string
	}{
		"a sync":             {codes.Unauthenticated, "Error: GET /scim-v2/Users answered 401", refused, nil},
		"an action":          {codes.Unauthenticated, "Error: GET /scim-v2/Users/u answered 401", refused, actionArgs("disable_user", "u")},
		"a grant to nobody":  {codes.NotFound, "Error: the account is gone from the Whimsical workspace", "", grantArgs(editorRole, "nobody")},
		"an unknown action":  {codes.NotFound, "Error: there is no such action", "", actionArgs("frobnicate", "u")},
		"an empty name":      {codes.InvalidArgument, "Error: --revoke-grant", "", []string{"--revoke-grant="}},
		"no connection":      {codes.Unavailable, "Error: GET /scim-v2/Users: the connection was refused", away, nil},
		"no e-mail address":  {codes.InvalidArgument, "Error: the account's email is not an e-mail address", "", []string{profile, `{"email":"ada"}`}},
		"no e-mail at all":   {codes.InvalidArgument, "Error: the account has no e-mail address", "", []string{profile, `{"first_name":"Ada"}`}},
		"a flag of no sense": {codes.Unknown, "unknown flag: --nonsense", "", []string{"--nonsense"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, f := served(t, sim.Config{Users: 12}, test.env)
			code, stays, _ := look(t, f, test.args...).sees()
			shown := strings.Join(stays, "\n")
			if code != int(test.code) || !strings.HasPrefix(shown, test.says) {
				t.Errorf("exit %d, want %d, the terminal shows\n%s", code, test.code, shown)
			}
			if n := strings.Count(shown, "rror"); n > 1 || strings.Contains(shown, "Warning") {
				t.Errorf("%d errors:\n%s", n, shown)
			}
		})
	}
}

func TestATerminalSaysWhatBecomesOfAnInterruptedRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		earlier bool
		args    []string
		says    string
	}{
		"a sync":                             {false, nil, "Error: interrupted: nothing was written"},
		"a sync over a file":                 {true, nil, "Error: interrupted: sync.c1z is as it was"},
		"a grant":                            {false, grantArgs(editorRole, "u"), "Error: interrupted: the change may have been made"},
		"an action, which goes on by itself": {false, actionArgs("disable_user", "u"), "Error: interrupted: the change may have been made"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := served(t, sim.Config{})
			if test.earlier {
				f.Succeed()
			}
			w.Set(faults.Rule{Fault: faults.Named("hang before the work")})
			p := look(t, f, test.args...)
			<-w.Struck()
			if _, err := p.terminal.WriteString("\x03"); err != nil {
				t.Fatal(err)
			}
			code, stays, _ := p.sees()
			if code != 130 || len(stays) != 1 || !strings.HasPrefix(stays[0], test.says) {
				t.Errorf("exit %d, the terminal shows %q", code, stays)
			}
			if !strings.Contains(strings.Join(stays, ""), "working files are left") { // as they are on a disk that is slow
				holdsOnly(t, f.Dir, map[bool][]string{true: {"sync.c1z"}}[test.earlier]...)
			}
		})
	}
}

func TestATerminalShowsWhichTryAnOutageIsAt(t *testing.T) {
	t.Parallel()
	w, f := served(t, sim.Config{Users: 12})
	w.Set(faults.Rule{Fault: faults.Named("reset before the answer"), Operations: []faults.Operation{faults.List}, Times: 4})
	if code, _, all := look(t, f).sees(); code != 0 || !strings.Contains(all, "Trying again: try 1 failed, the sync gives up in ") {
		t.Errorf("exit %d, the terminal shows %q", code, all)
	}
}

func TestALogSettingKeepsTheLogAtATerminal(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"--log-level=info", "--log-format=json", "--log-path=stderr"} {
		_, f := served(t, sim.Config{Users: 12})
		code, stays, _ := look(t, f, setting).sees()
		if log := strings.Join(stays, "\n"); code != 0 || !strings.Contains(log, "Sync complete.") {
			t.Errorf("%s: exit %d, the terminal shows\n%s", setting, code, log)
		}
	}
}

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
	log := filepath.Join(t.TempDir(), "sync.log")
	w, f := served(t, twelve, "BATON_LOG_LEVEL=debug", "BATON_LOG_PATH="+log)
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
	forServices := []string{"BATON_LOG_LEVEL=warn", "BATON_SKIP_FULL_SYNC=true", "BATON_HEALTH_CHECK=false", "BATON_PROVISIONING=true"}
	for name, test := range map[string]struct{ args, env, texts []string }{
		"of a sync":                 {nil, []string{"BATON_LOG_LEVEL="}, []string{"Sync complete."}},
		"with an empty path":        {[]string{"--log-path="}, []string{"BATON_LOG_LEVEL="}, []string{"Sync complete."}},
		"with the schemas":          {[]string{"--list-action-schemas"}, []string{"BATON_LOG_LEVEL=info"}, []string{"enable_user", "disable_user"}},
		"with settings of services": {[]string{"--task-concurrency=7"}, forServices, []string{`"keys":["skip-full-sync","task-concurrency"]`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, f := served(t, twelve, test.env...)
			logged(t, f.Succeed(test.args...).Stderr.String(), test.texts...)
		})
	}
}
