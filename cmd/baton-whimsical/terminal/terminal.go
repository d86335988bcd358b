// Package terminal shows a one-shot run to a person: its progress on one line, and a sentence for each thing to
// know. It uses no control sequences, which not every terminal knows: progress is written over with spaces.
package terminal

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

const echo = "^C" // what a terminal shows of Ctrl-C, behind the progress

// Screen shows what is logged of a run, as a zapcore.Core. It is safe for concurrent use.
type Screen struct {
	out   io.Writer
	width int

	mu    sync.Mutex
	shown int // the length of the progress on the last line
}

// Open returns a screen on a terminal, or nil where the file is none.
func Open(file *os.File) *Screen {
	descriptor := int(file.Fd()) //nolint:gosec // a file descriptor is a small number
	if !term.IsTerminal(descriptor) {
		return nil
	}
	width, _, _ := term.GetSize(descriptor)
	return &Screen{out: file, width: cmp.Or(width, 80)} // 80 where a terminal does not report it
}

// Show shows a line that stays, and below it what is going on, until something else is
// shown. Either may be empty. Without a screen, it does nothing.
func (s *Screen) Show(line, progress string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if line != "" {
		line = plain(line) + "\n"
	}
	progress = plain(progress)
	progress = progress[:min(len(progress), max(0, s.width-1-len(echo)))]
	_, _ = fmt.Fprint(s.out, "\r", strings.Repeat(" ", s.shown), "\r", line, progress) // there is nowhere else to say that it failed
	if s.shown = 0; progress != "" {
		s.shown = len(progress) + len(echo)
	}
}

// Enabled implements zapcore.Core: entries of every level may tell of progress.
func (s *Screen) Enabled(zapcore.Level) bool { return true }

// With implements zapcore.Core. The fields of a logger are about the SDK, and not shown.
func (s *Screen) With([]zapcore.Field) zapcore.Core { return s }

// Check implements zapcore.Core.
func (s *Screen) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if sentenceFor(entry) != nil {
		return checked.AddCore(entry, s)
	}
	return checked
}

// Write implements zapcore.Core.
func (s *Screen) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	said := zapcore.NewMapObjectEncoder()
	for _, field := range fields {
		if err, ok := field.Interface.(error); ok {
			said.AddString(field.Key, Sentence(err))
		} else {
			field.AddTo(said)
		}
	}
	said.AddString("msg", sentence(entry.Message))
	var text strings.Builder
	err := sentenceFor(entry).Execute(&text, said.Fields)
	if progress, found := strings.CutPrefix(text.String(), "..."); found {
		s.Show("", progress+"...")
	} else if text.Len() > 0 {
		s.Show(text.String(), "")
	}
	return err
}

// Sync implements zapcore.Core: nothing is buffered.
func (s *Screen) Sync() error { return nil }

// reworded are errors and warnings of the SDK that name its parts, and what they mean here.
var reworded = map[string]string{
	"invalid AccountInfo_Email.Address": "the account's email is not an e-mail address: give it in the form person@example.com",
	"dotc1z: WithEngine overridden":     "the file keeps the storage engine that it was begun with",
	"fresh ingest filtered references":  "what refers to a type that is not synced was left out",
	"skipping resource due to":          "there is no such user or role, so it is not in the file",
	"handler for action":                "there is no such action: the actions are enable_user and disable_user",
}

// layers are what the SDK puts in front of an error of the store.
var layers = regexp.MustCompile(`^(?:error closing store: |pebble store close: |save failed, store left open and unsaved data preserved under [^:]*: )+`)

// Sentence returns an error on one line, in words of this connector where it has some,
// and without the layers of the SDK that it came through.
func Sentence(err error) string {
	var answered interface{ GRPCStatus() *status.Status }
	if errors.As(err, &answered) {
		return sentence(answered.GRPCStatus().Message())
	}
	return sentence(err.Error())
}

func sentence(text string) string {
	text = strings.Join(strings.Fields(plain(text)), " ")
	if _, own, found := strings.Cut(text, whimsical.Prefix); found { // own may quote the server
		return strings.ReplaceAll(own, whimsical.Prefix, "")
	}
	for sign, meaning := range reworded {
		if strings.Contains(text, sign) {
			return meaning
		}
	}
	return layers.ReplaceAllString(text, "")
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
