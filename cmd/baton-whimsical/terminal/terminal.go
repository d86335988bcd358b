// Package terminal shows a one-shot run to a person: the progress on one line, and a
// sentence for each thing to know. It reads the log that the run writes anyway.
package terminal

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"golang.org/x/term"
)

//go:embed sentences.tmpl
var sentencesTemplate string

var sentences = template.Must(template.New("").Funcs(template.FuncMap{
	"comma": humanize.Commaf, "sentence": Sentence,
}).Parse(sentencesTemplate))

// endOfLog comes behind all lines that are to be shown.
const endOfLog = "end of the log\n"

// Open starts to show a run on a terminal, out: a pipe takes the place of standard
// error, so that the log of both processes comes here. The function that it returns
// shows what has been logged so far, and nothing from then on. It is nil where nobody
// looks on, or where the log itself is asked for.
func Open(settings *viper.Viper, flags *pflag.FlagSet, out *os.File) (func(), error) {
	asked := flags.Changed("log-path") || flags.Changed("log-level") || flags.Changed("log-format") || flags.Changed("list-action-schemas")
	if asked || !term.IsTerminal(int(out.Fd())) { //nolint:gosec // a file descriptor is a small number
		return nil, nil
	}
	log, stderr, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	os.Stderr = stderr
	for name, value := range map[string]string{"level": "debug", "format": "json"} {
		settings.Set("log-"+name, value)
		_ = os.Setenv("BATON_LOG_"+strings.ToUpper(name), value) // for the second process
	}
	closed := make(chan struct{})
	file := settings.GetString("file")
	width, _, _ := term.GetSize(int(out.Fd())) //nolint:gosec // see above
	if width == 0 {
		width = 80 // where a terminal does not report it
	}
	go func() {
		defer close(closed)
		show(log, out, file, width)
	}()
	return func() { _, _ = stderr.WriteString(endOfLog); <-closed }, nil
}

// show shows the lines of a log until it ends. Progress is written over with spaces:
// not every terminal knows control sequences.
func show(log io.Reader, out io.Writer, file string, width int) {
	started, synced, shown, before := time.Now(), false, 0, map[string]bool{}
	put := func(progress, line string) {
		progress = progress[:min(len(progress), max(0, width-1))]
		_, _ = fmt.Fprint(out, "\r", strings.Repeat(" ", shown), "\r", line, progress)
		shown = len(progress)
	}
	put("Connecting to Whimsical...", "")
	defer put("", "")
	for lines := bufio.NewReader(log); ; {
		line, err := lines.ReadString('\n')
		if err != nil || strings.HasSuffix(line, endOfLog) {
			return
		}
		entry := map[string]any{}
		if json.Unmarshal([]byte(line), &entry) != nil {
			put("", line) // of a crash
			continue
		}
		synced = synced || entry["msg"] == "Sync complete."
		entry["synced"], entry["file"], entry["elapsed"] = synced, file, time.Since(started).Seconds()
		var said strings.Builder
		_ = sentences.Execute(&said, entry) // an odd line is cut short
		text := plain(said.String())
		if progress, found := strings.CutPrefix(text, "..."); found {
			put(progress+"...", "")
		} else if text != "" && !before[text] { // both processes give some warnings
			before[text] = true
			put("", text+"\n")
		}
	}
}

var (
	// actionError is how the SDK prints the answer of an action that failed.
	actionError = regexp.MustCompile(`^(?:runner: error processing task: )?action invoke failed: .*?string_value:\s*("(?:[^"\\]|\\.)*")`)
	// layers are what the layers of the SDK put in front of an error.
	layers = regexp.MustCompile(`^.*?baton-whimsical: |rpc error: code = \w+ desc = |baton-whimsical: ` +
		`|^(?:runner: error processing task: |pebble: not found: |sql: no rows in result set: |(?:pebble engine: )?no current sync: ` +
		`|error closing store: |pebble store close: |save failed, store left open and unsaved data preserved under [^:]*: )+`)
)

// reworded are errors and warnings of the SDK that name its parts, and what they
// mean here.
var reworded = map[string]string{
	"invalid AccountInfo_Email.Address": "the account's email is not an e-mail address: give it in the form person@example.com",
	"c1zPath must be set":               "the file has no name: give it one with --file",
	"dotc1z: WithEngine overridden":     "the file keeps the storage engine that it was begun with",
	"fresh ingest filtered references":  "what refers to a type that is not synced was left out",
	"skipping resource due to":          "there is no such user or role, so it is not in the file",
	"c1z: invalid file":                 "the file that --file names is no .c1z file",
	"error parsing baton id":            "--sync-resources takes IDs such as bid:r:user/ID",
	"handler for action":                "there is no such action: the actions are enable_user and disable_user",
	"unknown provisioning action":       "the account has no e-mail address: give one in --create-account-profile",
}

// Sentence returns an error without the layers that it came through.
func Sentence(text string) string {
	if match := actionError.FindStringSubmatch(text); match != nil {
		if quoted, err := strconv.Unquote(match[1]); err == nil {
			text = quoted
		}
	}
	own := strings.Contains(text, "baton-whimsical: ") // which may quote the server
	for sign, meaning := range reworded {
		if !own && strings.Contains(text, sign) {
			return meaning
		}
	}
	return layers.ReplaceAllString(strings.Join(strings.Fields(plain(text)), " "), "")
}

// plain replaces what a terminal does not print but acts on.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
