//go:build unix

package e2e

import (
	"fmt"
	"net/http"
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
	w, f := served(t, sim.Config{})
	t.Cleanup(func() {
		if requests := w.TakeRequests(); len(requests) != 0 {
			t.Errorf("%d requests were made, want none", len(requests))
		}
	})
	return f
}

// refusal is a run that ends before any request.
type refusal struct {
	args, env []string
	text      map[string]string // of a file in the folder of the run, by its name, where it has one
	// code is that of the exit, InvalidArgument where it is OK: with that one, all that the run says is one line.
	code codes.Code
	says string
}

const secret = "SECRET-TOKEN" // part of a configuration file, which no error shows

func (r refusal) test(t *testing.T, name string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		f := unasked(t)
		f.Env = append(f.Env, r.env...)
		for name, text := range r.text {
			write(t, f, name, text)
		}
		if r.code != codes.OK {
			f.Fail(r.code, r.says, r.args...)
			return
		}
		code, p := f.Run(r.args...)
		output := p.Stderr.String()
		if code != int(codes.InvalidArgument) || !strings.Contains(output, r.says) || strings.Count(output, "\n") != 1 || p.Stdout.String() != "" {
			t.Errorf("exit %d, want %d and one line with %q:\n%s", code, codes.InvalidArgument, r.says, output)
		}
		if strings.Contains(output, secret[:5]) {
			t.Errorf("the error shows what is in the file:\n%s", output)
		}
		if _, err := os.Stat(f.File); err == nil {
			t.Error("a sync has run")
		}
	})
}

func write(t *testing.T, f *launch.Folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// configured returns a configuration file that is found without being named.
func configured(text string) map[string]string { return map[string]string{".baton.yaml": text} }

var asAService = []string{"BATON_CLIENT_ID=an-id", "BATON_CLIENT_SECRET=a-secret"}

func TestAnEmptyNameIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	for others, flags := range map[string]string{
		"": "revoke-grant sync-resources sync-resource-types",
		"--grant-principal=u --grant-principal-type=user":                      "grant-entitlement",
		"--grant-entitlement=role:editor:assigned --grant-principal-type=user": "grant-principal",
		"--grant-entitlement=role:editor:assigned --grant-principal=u":         "grant-principal-type",
		"--create-account-profile={}":                                          "create-account-email",
		"--create-account-email=ada@example.com":                               "create-account-login create-account-profile create-account-resource-type",
		"--delete-resource-type=user":                                          "delete-resource",
		"--delete-resource=u":                                                  "delete-resource-type",
		`--invoke-action-args={"user_id":"u"}`:                                 "invoke-action",
	} {
		for flag := range strings.FieldsSeq(flags) {
			variable := "BATON_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
			for form, r := range map[string]refusal{
				"in the next argument": {args: []string{"--" + flag, ""}},
				"with an equals sign":  {args: []string{"--" + flag + "="}},
				"blank":                {args: []string{"--" + flag, "  "}},
				"in a variable":        {env: []string{variable + "="}},
				"in a file":            {text: configured(flag + `: ""`)},
				"null in a file":       {text: configured(flag + ":")},
			} {
				r.args, r.says = append(r.args, strings.Fields(others)...), "--"+flag+" ("+variable+") is empty"
				r.test(t, flag+" "+form)
			}
		}
	}
}

func TestWhatCannotWorkIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	const (
		none    = "--task-concurrency must be 1 to 100"
		noToken = "BATON_WHIMSICAL_TOKEN is not set: set it to the SCIM OAuth token, which Whimsical's Workspace settings"
	)
	for name, r := range map[string]refusal{
		"arguments of no action": {says: "--invoke-action-args names no action", args: []string{`--invoke-action-args={"user_id":"u"}`}},
		"a file in no folder":    {says: "--file names a folder that cannot be used", args: []string{"--file=missing/sync.c1z"}},
		"no tasks":               {says: none, args: []string{"--task-concurrency", "0"}},
		"less than no tasks":     {says: none, args: []string{"--task-concurrency=-1"}},
		"no tasks of a service":  {says: none, args: []string{"--task-concurrency", "0"}, env: asAService},
		"no token":               {says: noToken, env: []string{"BATON_WHIMSICAL_TOKEN="}},
		"a blank token":          {says: noToken, env: []string{"BATON_WHIMSICAL_TOKEN= "}},
		"no token of a service":  {says: noToken, env: slices.Concat(asAService, []string{"BATON_WHIMSICAL_TOKEN="})},
	} {
		r.test(t, name)
	}
	for _, part := range []string{"--delete-resource-type=user", "--grant-principal=u", "--grant-principal-type=user", "--grant-entitlement=e"} {
		refusal{code: codes.Unknown, says: "must all be set", args: []string{part}}.test(t, part+" alone")
	}
	for _, unsupported := range []string{ // the flag that is named comes first
		"--event-feed=true", "--create-ticket --ticket-template-path=x", "--list-ticket-schemas", "--ticketing", "--list-resource-actions=user",
		"--rotate-credentials=u --rotate-credentials-type=user", "--external-resource-c1z=x.c1z", "--invoke-resource-action=x",
		"--compact-file-paths=x --compact-syncs --compact-sync-ids=x --compact-output-path=x",
		`--invoke-action-resource-type=user --invoke-action=disable_user --invoke-action-args={"user_id":"u"}`,
	} {
		args := strings.Fields(unsupported)
		flag, _, _ := strings.Cut(args[0], "=")
		refusal{code: codes.Unimplemented, says: flag + " (BATON_", args: args}.test(t, flag)
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
			refusal{code: codes.Unknown, says: "none of the others can be", args: slices.Concat(one, other)}.test(t, one[0]+" and "+other[0])
		}
	}
}

func TestAConfigurationFileThatCannotBeUsedIsNamed(t *testing.T) {
	t.Parallel()
	named := []string{"BATON_CONFIG_PATH=settings.yaml"}
	for name, r := range map[string]refusal{
		"missing":                 {env: named},
		"missing, beside another": {env: named, text: map[string]string{"settings.json": "{}"}},
		"of another kind":         {env: []string{"BATON_CONFIG_PATH=settings.json"}, text: map[string]string{"settings.json": "{}"}},
		"no YAML":                 {env: named, text: map[string]string{"settings.yaml": "whimsical-token: [" + secret}},
		"no settings":             {env: named, text: map[string]string{"settings.yaml": secret}},
		"a list":                  {env: named, text: map[string]string{"settings.yaml": "- " + secret}},
		"found, and no YAML":      {text: configured("whimsical-token: '" + secret)},
		"found, and only one":     {text: configured(secret)},
	} {
		file := ".baton.yaml"
		if r.env != nil {
			file = strings.TrimPrefix(r.env[0], "BATON_CONFIG_PATH=")
		}
		r.says = file + " cannot be used: "
		r.test(t, name)
	}
}

func TestABooleanThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]refusal{
		"in quotes":              {env: []string{`BATON_PROVISIONING="true"`}},
		"yes":                    {env: []string{"BATON_PROVISIONING=yes"}},
		"on":                     {env: []string{"BATON_PROVISIONING=on"}},
		"with a blank":           {env: []string{"BATON_PROVISIONING=true "}},
		"with a carriage return": {env: []string{"BATON_PROVISIONING=true\r"}},
		"in a file":              {text: configured(`provisioning: "yes"`)},
	} {
		r.says = "--provisioning (BATON_PROVISIONING) is "
		r.test(t, name+", one-shot")
		r.env = slices.Concat(r.env, asAService)
		r.test(t, name+", service")
	}
	for _, taken := range []string{"true", "1", "T", "FALSE", ""} {
		_, f := served(t, sim.Config{Users: 1}, "BATON_PROVISIONING="+taken)
		f.Succeed()
	}
}

// Whatever a run is for, its exit code is the gRPC code of what went wrong, and it
// leaves nothing in the folder for temporary files.
func TestEveryOperationEndsWithTheCodeOfItsError(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, twelve)
	viewer, editor := person(t, w, isViewer).ID, person(t, w, isEditor).ID
	all := [][]string{
		nil, // a sync
		grantArgs(editorRole, viewer), revokeArgs(editorRole, editor),
		actionArgs("disable_user", viewer), actionArgs("enable_user", person(t, w, isInactive).ID),
		{"--create-account-email", ada}, deleteArgs(viewer),
	}
	// A sync goes on trying for ten minutes; a grant and a revoke for two, unless the server says how long to wait.
	changes, soon := all[1:], all[3:]
	for _, test := range []struct {
		fault  faults.Fault
		runs   [][]string
		code   codes.Code
		struck []faults.Operation
	}{
		{faults.Named("429 in seconds"), changes, codes.Unavailable, nil},
		{faults.Named("reset before the answer"), soon, codes.Unavailable, nil},
		{faults.Named("hang before the work"), soon, codes.DeadlineExceeded, nil},
		{faults.Named("400"), all, codes.InvalidArgument, nil},
		{faults.Named("401"), all, codes.Unauthenticated, nil},
		{faults.Named("403"), all, codes.PermissionDenied, nil},
		{faults.Refusal(http.StatusConflict), all, codes.AlreadyExists, nil},
		{faults.Named("HTML with 200"), all, codes.FailedPrecondition, nil},
		{faults.Named("501"), all, codes.FailedPrecondition, nil},
		{faults.Named("501"), all[1:5], codes.Unimplemented, []faults.Operation{faults.Patch}},
	} {
		for _, args := range test.runs {
			t.Run(fmt.Sprintf("%.40q, %s, %s", args, test.fault.Name, test.code), func(t *testing.T) {
				t.Parallel()
				tmp := t.TempDir()
				w, f := served(t, twelve, "TMPDIR="+tmp)
				if args == nil { // no other operation looks at the file
					f.Succeed()
				}
				w.Set(faults.Rule{Fault: test.fault, Operations: test.struck})
				if test.code == codes.DeadlineExceeded {
					f.Env = append(f.Env, "BATON_HTTP_TIMEOUT_SECONDS=1")
				}
				f.Fail(test.code, "", args...)
				holdsOnly(t, tmp)
			})
		}
	}
}
