package terminal

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// seconds are what differs between two runs.
var seconds = regexp.MustCompile(`[0-9.]+ seconds`)

func TestALogAsAPersonReadsIt(t *testing.T) {
	log, err := os.Open(filepath.Join("testdata", "log.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	var out bytes.Buffer
	show(log, &out, "sync.c1z", 80)

	// What a line shows one after the other stands on lines of their own here.
	got := regexp.MustCompile(`(?m)^ *(\n|$)| +$`).ReplaceAllString(strings.ReplaceAll(out.String(), "\r", "\n"), "")
	got = seconds.ReplaceAllString(got, "N seconds")
	golden := filepath.Join("testdata", "screen.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the screen shows\n%s\nwant\n%s", got, want)
	}
}

func TestTheProgressFitsTheTerminal(t *testing.T) {
	log := `{"msg":"retrying operation","error":"` + strings.Repeat("long ", 50) + `"}` + "\n" + endOfLog
	for width := range 90 {
		var out bytes.Buffer
		show(strings.NewReader(log), &out, "sync.c1z", width)
		for line := range strings.SplitSeq(out.String(), "\r") {
			if len(line) > 0 && len(line) >= width {
				t.Fatalf("%d columns, in %d: %q", len(line), width, line)
			}
		}
	}
}

func TestAnErrorIsOneSentence(t *testing.T) {
	const sentence = "GET /scim-v2/Users answered 401 Unauthorized: the SCIM token was refused"
	for _, text := range []string{
		sentence,
		"baton-whimsical: " + sentence,
		"runner: error processing task: rpc error: code = Unauthenticated desc = validate failed: baton-whimsical: " + sentence,
		`runner: error processing task: action invoke failed: fields:{key:"error"  value:{string_value:"rpc error: code = Unauthenticated desc = baton-whimsical: ` + sentence + `"}}`,
	} {
		if got := Sentence(text); got != sentence {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	if got, want := Sentence(`action invoke failed: fields:{key:"error" value:{string_value:"he said \"no\""}}`), `he said "no"`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	const quoted = "baton-whimsical: PATCH /Users/u answered 409 Conflict: "
	for text, want := range map[string]string{
		quoted + `string_value:"\u001b[31m"`: "PATCH /Users/u answered 409 Conflict: " + `string_value:"\u001b[31m"`,
		quoted + "pebble: not found: here ^": "PATCH /Users/u answered 409 Conflict: pebble: not found: here ^",
		quoted + "handler for action":        "PATCH /Users/u answered 409 Conflict: handler for action",
		"a \x1b[31mred\u202e id":             "a [31mred id",
		"c1z: invalid file":                  "the file that --file names is no .c1z file",
		"error closing store: pebble store close: save failed, store left open and unsaved data preserved under /tmp/x: open y.tmp: no space left": "open y.tmp: no space left",
		"error parsing baton id 'user:u1' at location 4: invalid prefix: 'user'\n       ^":                                                         "--sync-resources takes IDs such as bid:r:user/ID",
		"runner: error processing task: disk\nfull":                                                                                                "disk full",
		"runner: error processing task: pebble engine: no current sync: the file holds no sync":                                                    "the file holds no sync",
		"runner: error processing task: pebble: not found: the last sync holds no such user":                                                       "the last sync holds no such user",
		"runner: error processing task: sql: no rows in result set: the last sync holds no such":                                                   "the last sync holds no such",
	} {
		if got := Sentence(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
