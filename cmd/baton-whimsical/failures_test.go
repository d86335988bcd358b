package main

import (
	"os"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestTheFailureInALogLineKeepsItsTextAndCode(t *testing.T) {
	const refused = "validate failed: rpc error: code = Unauthenticated desc = baton-whimsical: GET /Users answered 401: code = Aborted desc = is its detail"
	for name, test := range map[string]struct {
		line string
		text string
		code codes.Code
	}{
		"as JSON": {`{"level":"error","msg":"runner: error processing on-demand task","error":"` + refused + `","task_id":""}` + "\n", refused, codes.Unauthenticated},
		"for people": {
			"2026-01-05T09:00:00Z\tERROR\trunner.go:1\trunner: error processing on-demand task\t" + `{"error": "` + refused + `", "task_id": ""}` + "\n",
			refused, codes.Unauthenticated,
		},
		"of the store": {
			`{"msg":"runner: error processing on-demand task","error":"runner: error processing task: pebble: not found"}`,
			"runner: error processing task: pebble: not found: " + adviceNotSynced, codes.NotFound,
		},
		"of an empty store": {
			`{"msg":"runner: error processing on-demand task","error":"pebble engine: no current sync"}`,
			"pebble engine: no current sync: the file holds no sync: run baton-whimsical without arguments first", codes.FailedPrecondition,
		},
		"without a code":           {`{"msg":"runner: error processing on-demand task","error":"disk full"}`, "disk full", codes.Unknown},
		"with an unknown code":     {`{"msg":"runner: error processing on-demand task","error":"code = Fine desc = x"}`, "code = Fine desc = x", codes.Unknown},
		"without an error":         {`{"msg":"runner: error processing on-demand task"}`, failureMessage, codes.Unknown},
		"in a form nobody foresaw": {`runner: error processing on-demand task`, failureMessage, codes.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			var got error
			n, err := watcher{report: func(failure error) { got = failure }}.Write([]byte(test.line))
			if n != len(test.line) || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			if got == nil || got.Error() != test.text || status.Code(got) != test.code {
				t.Errorf("got %v with %s, want %q with %s", got, status.Code(got), test.text, test.code)
			}
		})
	}
}

func TestOtherLinesAreNoFailure(t *testing.T) {
	w := watcher{report: func(err error) { t.Errorf("reported %v", err) }}
	for _, line := range []string{`{"level":"error","msg":"sync stats so far","error":"x"}`, "", "{"} {
		if _, err := w.Write([]byte(line)); err != nil {
			t.Error(err)
		}
	}
}

func TestTheWatcherComesAfterTheLogPathsThatAreSet(t *testing.T) {
	for name, test := range map[string]struct {
		arguments []string
		env, file string
		named     string
		want      []string
		wantEnv   string
	}{
		"none":                          {wantEnv: "stderr," + watcherPath},
		"in the environment":            {env: "mine.log", wantEnv: "mine.log," + watcherPath},
		"by a flag":                     {arguments: []string{"--log-path", "x"}, env: "mine.log", want: []string{"--log-path", "x", "--log-path=" + watcherPath}, wantEnv: "mine.log"},
		"by a flag, with the end":       {arguments: []string{"--log-path=x", "--", "y"}, want: []string{"--log-path=x", "--log-path=" + watcherPath, "--", "y"}},
		"in a file":                     {arguments: []string{"-f", "y"}, file: ".baton.yaml", want: []string{"-f", "y"}, wantEnv: "a.log,b.log," + watcherPath},
		"in a file of short name":       {file: ".baton", wantEnv: "a.log,b.log," + watcherPath},
		"in a file and the environment": {env: "mine.log", file: ".baton.yml", wantEnv: "mine.log," + watcherPath},
		"in a file that is named":       {file: "named.yaml", named: "named.yaml", wantEnv: "a.log,b.log," + watcherPath},
		"in another file":               {file: "other.yaml", wantEnv: "stderr," + watcherPath},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("BATON_LOG_PATH", test.env)
			if test.file != "" {
				if err := os.WriteFile(test.file, []byte("log-path: [a.log, b.log]\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := withWatcher(test.arguments, configurationFile(test.named), os.Getenv, os.Setenv)
			if err != nil || !slices.Equal(got, test.want) || os.Getenv("BATON_LOG_PATH") != test.wantEnv {
				t.Errorf("arguments %q, environment %q, error %v", got, os.Getenv("BATON_LOG_PATH"), err)
			}
		})
	}
}
