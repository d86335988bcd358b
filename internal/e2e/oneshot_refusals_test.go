//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// unasked returns a folder for runs against a workspace that nobody may ask.
func unasked(t *testing.T) *launch.Folder {
	t.Helper()
	w := faults.Serve(t, sim.Config{})
	t.Cleanup(func() {
		if requests := w.TakeRequests(); len(requests) != 0 {
			t.Errorf("%d requests were made, want none", len(requests))
		}
	})
	return launch.NewFolder(t, w)
}

// refuses runs the connector, which must end with InvalidArgument, one line, which
// it returns, and no file.
func refuses(t *testing.T, f *launch.Folder, says string, args ...string) string {
	t.Helper()
	code, p := f.Run(args...)
	output := p.Stderr.String()
	if code != int(codes.InvalidArgument) || !strings.Contains(output, says) || strings.Count(output, "\n") != 1 || p.Stdout.String() != "" {
		t.Errorf("exit %d, want %d and one line with %q:\n%s", code, codes.InvalidArgument, says, output)
	}
	if _, err := os.Stat(f.File); err == nil {
		t.Error("a sync has run")
	}
	return output
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
			"null in a file":       {file: flag + ":"},
		} {
			t.Run(flag+" "+form, func(t *testing.T) {
				t.Parallel()
				f := unasked(t)
				if test.env != "" {
					f.Env = append(f.Env, test.env)
				}
				write(t, f, ".baton.yaml", test.file)
				refuses(t, f, "--"+flag+" ("+variable+") is empty", append(test.args, others...)...)
			})
		}
	}
}

// write writes a file into a folder, unless there is nothing to write.
func write(t *testing.T, f *launch.Folder, name, text string) {
	t.Helper()
	if text == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(f.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCannotWorkIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	service := []string{"BATON_CLIENT_ID=an-id", "BATON_CLIENT_SECRET=a-secret"}
	const (
		half    = "must all be set" // of a change
		none    = "--task-concurrency must be 1 to 100"
		noToken = "BATON_WHIMSICAL_TOKEN is not set: set it to the SCIM OAuth token, which Whimsical's Workspace settings" //nolint:gosec // no token
	)
	for name, test := range map[string]struct {
		code      codes.Code
		says      string
		args, env []string
	}{
		"a type to delete alone":   {codes.Unknown, half, []string{"--delete-resource-type=user"}, nil},
		"a principal alone":        {codes.Unknown, half, []string{"--grant-principal=u"}, nil},
		"a principal's type alone": {codes.Unknown, half, []string{"--grant-principal-type=user"}, nil},
		"an entitlement alone":     {codes.Unknown, half, []string{"--grant-entitlement=e"}, nil},
		"arguments of no action":   {codes.InvalidArgument, "--invoke-action-args names no action", []string{`--invoke-action-args={"user_id":"u"}`}, nil},
		"a file in no folder":      {codes.InvalidArgument, "--file names a folder that cannot be used", []string{"--file=missing/sync.c1z"}, nil},
		"no tasks":                 {codes.InvalidArgument, none, []string{"--task-concurrency", "0"}, nil},
		"less than no tasks":       {codes.InvalidArgument, none, []string{"--task-concurrency=-1"}, nil},
		"no tasks of a service":    {codes.InvalidArgument, none, []string{"--task-concurrency", "0"}, service},
		"no token":                 {codes.InvalidArgument, noToken, nil, []string{"BATON_WHIMSICAL_TOKEN="}},
		"a blank token":            {codes.InvalidArgument, noToken, nil, []string{"BATON_WHIMSICAL_TOKEN= "}},
		"no token of a service":    {codes.InvalidArgument, noToken, nil, append(service, "BATON_WHIMSICAL_TOKEN=")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := unasked(t)
			f.Env = append(f.Env, test.env...)
			if test.code == codes.InvalidArgument {
				refuses(t, f, test.says, test.args...)
			} else { // by the library, which shows the usage as well
				f.Fail(test.code, test.says, test.args...)
			}
		})
	}
}

func TestTwoChangesAtOnceAreRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	changes := [][]string{
		{"--create-account-email=ada@example.com"}, {`--create-account-profile={"email":"ada@example.com"}`}, {"--create-account-login=ada@example.com"},
		deleteArgs("u"), grantArgs(editorRole, "u"), {"--revoke-grant=role:editor:assigned:user:u"}, actionArgs("disable_user", "u"), {"--sync-resources=bid:r:user/u"},
	}
	for i, one := range changes {
		for _, other := range changes[max(i+1, 3):] {
			t.Run(one[0]+" and "+other[0], func(t *testing.T) {
				t.Parallel()
				unasked(t).Fail(codes.Unknown, "none of the others can be", slices.Concat(one, other)...)
			})
		}
	}
}

func TestAConfigurationFileThatCannotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	const secret = "SECRET-TOKEN"
	for name, test := range map[string]struct {
		named, file, text string
	}{
		"missing":                 {named: "settings.yaml"},
		"missing, beside another": {named: "settings.yaml", file: "settings.json", text: "{}"},
		"of another kind":         {named: "settings.json", file: "settings.json", text: "{}"},
		"no YAML":                 {named: "settings.yaml", file: "settings.yaml", text: "whimsical-token: [" + secret},
		"no settings":             {named: "settings.yaml", file: "settings.yaml", text: secret},
		"a list":                  {named: "settings.yaml", file: "settings.yaml", text: "- " + secret},
		"found, and no YAML":      {file: ".baton.yaml", text: "whimsical-token: '" + secret},
		"found, and only one":     {file: ".baton.yaml", text: secret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := unasked(t)
			write(t, f, test.file, test.text)
			says := test.file
			if test.named != "" {
				says = filepath.Join(f.Dir, test.named)
				f.Env = append(f.Env, "BATON_CONFIG_PATH="+says)
			}
			if line := refuses(t, f, says+" cannot be used: "); strings.Contains(line, secret[:5]) {
				t.Errorf("the error shows what is in the file:\n%s", line)
			}
		})
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
