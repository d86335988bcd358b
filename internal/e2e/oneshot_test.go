//go:build unix

package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestOneShotSyncHoldsTheWorkspaceWhateverItsSize(t *testing.T) {
	t.Parallel()
	for _, users := range []int{0, 1, 100, 101, 10000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			t.Parallel()
			w, f := served(t, sim.Config{Users: users})
			f.Syncs(w.Users())
			if got, budget := len(w.TakeRequests()), (users+98)/99+3; got > budget {
				t.Errorf("%d requests, want at most %d", got, budget)
			}
		})
	}
}

// targeted returns a user of every kind, and what a sync of those alone has to say: entitlements come with the role
// that has them.
func targeted(t *testing.T, w *faults.Workspace) ([]sim.User, batontest.Access) {
	t.Helper()
	users := []sim.User{person(t, w, isEditor), person(t, w, isViewer), person(t, w, isInactive), person(t, w, hasNoRole)}
	want := batontest.Expected(users)
	maps.DeleteFunc(want, func(thing, _ string) bool { return strings.HasPrefix(thing, "entitlement ") })
	return users, want
}

func TestTargetedSyncHoldsTheUsersAndTheirGrants(t *testing.T) {
	t.Parallel()
	w, f := served(t, leaving)
	users, want := targeted(t, w)
	var ids []string
	for _, user := range users {
		ids = append(ids, "bid:r:user/"+user.ID)
	}
	f.Succeed("--sync-resources", strings.Join(ids, ","))
	launch.Holds(t, f.File, want)
}

func TestSyncThatCannotWorkSaysWhyAndSealsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env   string
		rules []faults.Rule
		code  codes.Code
		says  string
	}{
		"a wrong token":    {"BATON_WHIMSICAL_TOKEN=wrong", nil, codes.Unauthenticated, "reveal it again in Whimsical's Workspace settings"},
		"an open URL":      {"BATON_BASE_URL=http://whimsical.example.com/scim-v2/", nil, codes.InvalidArgument, "use https"},
		"nothing there":    {"", []faults.Rule{{Fault: faults.Named("404 as HTML")}}, codes.FailedPrecondition, "check base-url"},
		"a web page there": {"", []faults.Rule{{Fault: faults.Named("HTML with 200")}}, codes.FailedPrecondition, "it is a web page"},
		"another API":      {"", []faults.Rule{{Fault: faults.Named("another API")}}, codes.FailedPrecondition, "no SCIM ListResponse"},
		"a refusal midway": {"", []faults.Rule{{Fault: faults.Named("403"), After: 4}}, codes.PermissionDenied, "nothing was written"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, f := served(t, paged, test.env)
			w.Set(test.rules...)
			f.Fail(test.code, test.says)
			holdsOnly(t, f.Dir)
		})
	}
}

// paged is a workspace whose listing takes ten requests.
var paged = sim.Config{Users: 40, PageSize: 5}

// holdsOnly fails the test unless a folder holds these files and nothing else.
func holdsOnly(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	same := func(entry fs.DirEntry, name string) bool { return entry.Name() == name }
	if err != nil || !slices.EqualFunc(entries, names, same) {
		t.Errorf("%s holds %v (%v), want %q", folder, entries, err, names)
	}
}

// good returns a folder with the file of a sync, what is in it, and the workspace, whose
// users have changed since.
func good(t *testing.T, env ...string) (*launch.Folder, []byte, *faults.Workspace) {
	t.Helper()
	w, f := served(t, paged, env...)
	f.Succeed()
	content, err := os.ReadFile(f.File)
	if err != nil {
		t.Fatal(err)
	}
	w.Add(sim.User{UserName: "new@example.com", Email: "new@example.com", DisplayName: "New", Active: true})
	return f, content, w
}

// unchanged fails the test unless the file of a folder is as it was.
func unchanged(t *testing.T, f *launch.Folder, content []byte) {
	t.Helper()
	if now, err := os.ReadFile(f.File); err != nil || !bytes.Equal(now, content) {
		t.Errorf("the file has changed: %v", err)
	}
}

// The next sync does not go on with what the one that failed has read: somebody may have left since.
func TestASyncThatFailsLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	start := []faults.Rule{{Fault: faults.Named("401")}}
	midway := []faults.Rule{{Fault: faults.Named("403"), Operations: []faults.Operation{faults.List}, After: 4}}
	for name, test := range map[string]struct {
		rules     []faults.Rule
		env, flag string
		code      codes.Code
		says      string
	}{
		"at the start":    {start, "", "", codes.Unauthenticated, "sync.c1z is as it was"},
		"midway":          {midway, "", "", codes.PermissionDenied, "sync.c1z is as it was"},
		"midway, Pebble":  {midway, "BATON_STORAGE_ENGINE=pebble", "", codes.PermissionDenied, "is as it was"},
		"midway, SQLite":  {midway, "BATON_STORAGE_ENGINE=sqlite", "", codes.PermissionDenied, "is as it was"},
		"a misspelt type": {nil, "", "--sync-resource-types=users", codes.InvalidArgument, "there is no resource type users: the types are user and role"},
		"one of two":      {nil, "", "--sync-resource-types=user,roles", codes.InvalidArgument, "no resource type roles"},
		"one to target":   {nil, "", "--sync-resources=bid:r:users/u", codes.InvalidArgument, "no resource type users"},
		"a malformed ID":  {nil, "", "--sync-resources=user:u", codes.InvalidArgument, "takes IDs such as bid:r:user/ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, content, w := good(t, test.env)
			w.Set(test.rules...)
			f.Fail(test.code, test.says, strings.Fields(test.flag)...)
			unchanged(t, f, content)
			holdsOnly(t, f.Dir, "sync.c1z")
			w.Set()
			w.Remove(w.Users()[0].ID)
			f.Syncs(w.Users())
			holdsOnly(t, f.Dir, "sync.c1z")
		})
	}
}

// killed kills a sync at the request that comes after so many others.
func killed(t *testing.T, w *faults.Workspace, f *launch.Folder, after int) {
	t.Helper()
	p, release := held(w, f, after)
	if code := p.Signal(syscall.SIGKILL, false); code == 0 {
		t.Error("the killed sync exited with 0")
	}
	release()
}

// That two which begin at the same moment never overlap is tested in the package draft.
func TestSyncKilledAtAnyMomentEndsWithTheSameResult(t *testing.T) {
	t.Parallel()
	for _, at := range []int{1, 2, 3, 5, 8, 12, 16, 19, 21, 22} {
		t.Run(fmt.Sprintf("at request %d", at), func(t *testing.T) {
			t.Parallel()
			w, f := served(t, sim.Config{Users: 2000})
			killed(t, w, f, at-1)
			f.Syncs(w.Users())
			holdsOnly(t, f.Dir, "sync.c1z")
		})
	}
}

// busy tells whether a run ends as it has to while another one writes the file: with one line.
func busy(p *launch.Process) bool {
	code, said := p.Wait(), p.Stderr.String()
	return code == int(codes.Aborted) && strings.Count(said, "\n") == 1 && strings.Contains(said, "another run is writing sync.c1z")
}

func TestSyncsOfOneFileAtATime(t *testing.T) {
	t.Parallel()
	f, _, w := good(t)
	first, release := held(w, f, 5)
	for range 4 {
		if p := f.Start(); !busy(p) {
			t.Errorf("exit code %d, the run says %q", p.Wait(), p.Stderr.String())
		}
	}
	release()
	if code := first.Wait(); code != 0 {
		t.Errorf("the first run: exit code %d", code)
	}
	f.Holds(w.Users())
	holdsOnly(t, f.Dir, "sync.c1z")
}

func TestSyncsOfOneFileThatBeginTogether(t *testing.T) {
	t.Parallel()
	f, _, w := good(t)
	for round := range 10 {
		var running []*launch.Process
		for range 5 {
			running = append(running, f.Start())
		}
		synced := 0
		for _, p := range running {
			if p.Wait() == 0 {
				synced++
			} else if !busy(p) {
				t.Errorf("round %d: exit code %d, the run says %q", round, p.Wait(), p.Stderr.String())
			}
		}
		if synced == 0 {
			t.Errorf("round %d: no run has synced", round)
		}
		f.Holds(w.Users())
		holdsOnly(t, f.Dir, "sync.c1z")
	}
}

func TestASyncKilledAtAnyMomentLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	for at := range 10 {
		t.Run(fmt.Sprintf("at request %d", at+1), func(t *testing.T) {
			t.Parallel()
			f, content, w := good(t)
			killed(t, w, f, at)
			unchanged(t, f, content)
			f.Syncs(w.Users())
			holdsOnly(t, f.Dir, "sync.c1z")
		})
	}
}

func TestWhatIsNoFileIsRefusedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	f := unasked(t)
	fifo := filepath.Join(f.Dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, f, "blocked.c1z.part", "")
	for _, name := range []string{os.DevNull, "fifo", "."} {
		f.Fail(codes.InvalidArgument, name+" is no regular file", "-f", name)
	}
	f.Fail(codes.FailedPrecondition, "blocked.c1z cannot be written, and stays as it is", "-f", "blocked.c1z")
	if info, err := os.Lstat(fifo); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the FIFO has become %v, %v", info, err)
	}
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	f, _, _ := good(t)
	for _, before := range []os.FileMode{0o600, 0o644} {
		if err := os.Chmod(f.File, before); err != nil {
			t.Fatal(err)
		}
		f.Succeed()
		if info, err := os.Stat(f.File); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v, %v", info.Mode(), err)
		}
	}
}

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
