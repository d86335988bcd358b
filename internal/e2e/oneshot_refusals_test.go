package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
)

// unasked serves an API that nobody may ask.
func unasked(t *testing.T) (url string) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(func() {
		server.Close()
		if n := requests.Load(); n != 0 {
			t.Errorf("%d requests were made, want none", n)
		}
	})
	return server.URL
}

// refuses runs a command, which must end with InvalidArgument, one line, which it
// returns, and no file.
func (s *shell) refuses(cmd *exec.Cmd, says string) (line string) {
	s.t.Helper()
	o := finished(s.t, cmd)
	if o.code != int(codes.InvalidArgument) || !strings.Contains(o.stderr, says) || strings.Count(o.stderr, "\n") != 1 || o.stdout != "" {
		s.t.Errorf("exit %d, want %d and one line with %q:\n%s", o.code, codes.InvalidArgument, says, o.stderr+o.stdout)
	}
	if _, err := os.Stat(s.file); err == nil {
		s.t.Error("a sync has run")
	}
	return o.stderr
}

func TestAnEmptyNameIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	for flag, others := range map[string][]string{
		"grant-entitlement":            {"--grant-principal=u", "--grant-principal-type=user"},
		"grant-principal":              {"--grant-entitlement=role:editor:assigned", "--grant-principal-type=user"},
		"grant-principal-type":         {"--grant-entitlement=role:editor:assigned", "--grant-principal=u"},
		"revoke-grant":                 nil,
		"create-account-email":         {"--create-account-profile={}"},
		"create-account-login":         {"--create-account-email=ada@example.com"},
		"create-account-profile":       {"--create-account-email=ada@example.com"},
		"create-account-resource-type": {"--create-account-email=ada@example.com"},
		"delete-resource":              {"--delete-resource-type=user"},
		"delete-resource-type":         {"--delete-resource=u"},
		"invoke-action":                {`--invoke-action-args={"user_id":"u"}`},
		"sync-resources":               nil,
		"sync-resource-types":          nil,
	} {
		variable := "BATON_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
		for form, test := range map[string]struct {
			args []string
			env  string
			file string
		}{
			"in the next argument": {args: []string{"--" + flag, ""}},
			"with an equals sign":  {args: []string{"--" + flag + "="}},
			"blank":                {args: []string{"--" + flag, "  "}},
			"in a variable":        {env: variable + "="},
			"in a file":            {file: flag + `: ""`},
		} {
			t.Run(flag+" "+form, func(t *testing.T) {
				t.Parallel()
				s := newShell(t, unasked(t))
				cmd := s.command(t.Context(), append(test.args, others...)...)
				if test.env != "" {
					cmd.Env = append(cmd.Env, test.env)
				}
				s.write(".baton.yaml", test.file)
				s.refuses(cmd, "--"+flag+" ("+variable+") is empty")
			})
		}
	}
}

// write writes a file into the shell's folder, unless there is nothing to write.
func (s *shell) write(name, text string) {
	s.t.Helper()
	if text == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func TestAScriptWithAnUnsetVariableStops(t *testing.T) {
	t.Parallel()
	s := newShell(t, unasked(t))
	connector := s.command(t.Context())
	script := exec.CommandContext(t.Context(), "/bin/sh", "-c",
		`set -e; ID=; "$CONNECTOR" --delete-resource "$ID" --delete-resource-type user; echo goes on`)
	script.Dir, script.Env = s.dir, append(connector.Env, "CONNECTOR="+connector.Path)
	s.refuses(script, "--delete-resource (BATON_DELETE_RESOURCE) is empty")
}

func TestHalfAChangeIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{
		"--delete-resource=u", "--delete-resource-type=user", "--grant-principal=u", "--grant-principal-type=user", "--grant-entitlement=e",
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, unasked(t))
			if o := s.run(flag); o.code != int(codes.Unknown) || !strings.Contains(o.stderr, "must all be set") {
				t.Errorf("exit %d:\n%s", o.code, o.stderr)
			}
		})
	}
}

func TestTasksOfWhichNoneWouldRunAreRefused(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"none": {"--task-concurrency", "0"}, "less": {"--task-concurrency=-1"},
		"as a service": {"--task-concurrency", "0", "--client-id", "an-id", "--client-secret", "a-secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, unasked(t))
			s.refuses(s.command(t.Context(), args...), "--task-concurrency must be 1 to 100")
		})
	}
}

func TestAConfigurationFileThatCannotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	const secret = "SECRET-TOKEN"
	for name, test := range map[string]struct {
		named, file, text string
	}{
		"missing":             {named: "settings.yaml"},
		"of another kind":     {named: "settings.json", file: "settings.json", text: "{}"},
		"no YAML":             {named: "settings.yaml", file: "settings.yaml", text: "whimsical-token: [" + secret},
		"no settings":         {named: "settings.yaml", file: "settings.yaml", text: secret},
		"a list":              {named: "settings.yaml", file: "settings.yaml", text: "- " + secret},
		"found, and no YAML":  {file: ".baton.yaml", text: "whimsical-token: '" + secret},
		"found, and only one": {file: ".baton.yaml", text: secret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, unasked(t))
			if test.file != "" {
				s.write(test.file, test.text)
			}
			cmd := s.command(t.Context())
			says := test.file
			if test.named != "" {
				says = filepath.Join(s.dir, test.named)
				cmd.Env = append(cmd.Env, "BATON_CONFIG_PATH="+says)
			}
			if line := s.refuses(cmd, says+" cannot be used: "); strings.Contains(line, secret[:5]) {
				t.Errorf("the error shows what is in the file:\n%s", line)
			}
		})
	}
}
