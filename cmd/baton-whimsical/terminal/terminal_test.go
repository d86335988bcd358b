package terminal

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/pkg/connector"
)

var update = flag.Bool("update", false, "write the golden files")

// log writes what a run may log.
func log(l *zap.Logger) {
	const refused = "baton-whimsical: Whimsical refused to create the account, and nothing was changed"
	unavailable := status.Error(codes.Unavailable, "list resources failed: baton-whimsical: GET /scim-v2/Users answered 503 Service Unavailable: "+
		"Whimsical's API is failing at the moment: try again later")
	l.Info("starting session store server")
	l.Debug(connector.MessageReading, zap.String("grpc.method", "ListResources"), zap.Int("users", 100))
	l.Debug(connector.MessageReading, zap.Int("users", 3400), zap.Int("total", 50000))
	l.Warn("retrying operation", zap.Error(fmt.Errorf("sync: %w", unavailable)), zap.Int("wait", 1))
	l.Warn("finished unary call with code FailedPrecondition", zap.String("grpc.code", "FailedPrecondition"), zap.Error(errors.New("x")))
	l.Error("ratelimit: error running client request", zap.Error(errors.New("x")))
	l.Debug(connector.MessageReading, zap.Int("users", 50000), zap.Int("total", 50000))
	l.Info(connector.MessageRead, zap.Int("users", 50000), zap.Int("editors", 9700), zap.Int("viewers", 37815), zap.Int("inactive", 1515),
		zap.Int("without_role", 970), zap.Int("passes", 1), zap.Int("requests", 506), zap.Float64("seconds", 16.1))
	for _, missing := range [][2]int{{970, 0}, {2, 1500}, {0, 1}} {
		l.With(zap.String("grpc.start_time", "x")).Warn(connector.MessageNotReported,
			zap.Int("users", 50000), zap.Int("users_without_role", missing[0]), zap.Int("users_without_status", missing[1]))
	}
	l.Warn("baton-whimsical: the account's profile has keys that are not known (email, first_name, last_name and role are)", zap.Strings("keys", []string{"rol", "title"}))
	l.Warn("max attempts reached", zap.Error(status.Error(codes.Aborted, "disk full")))
	l.Info("Syncing grants...")
	for _, change := range [][3]string{
		{connector.OperationGrant, "u1", "editor"}, {connector.OperationRevoke, "u1", "viewer"}, {connector.OperationRevoke, "u1", "editor"},
		{connector.OperationCreate, "u1", "viewer"}, {connector.OperationCreate, connector.HiddenID, ""}, {connector.OperationActivate, "u1", "editor"},
		{connector.OperationDelete, "u1", ""}, {connector.OperationEnable, "u1", ""}, {connector.OperationDisable, "u1", ""},
		{"user renamed", "u1", ""}, {connector.OperationDelete, "an \u001b[31mid\nof two lines", ""},
	} {
		fields := []zap.Field{zap.String("operation", change[0]), zap.String("user_id", change[1])}
		if change[2] != "" {
			fields = append(fields, zap.String("role", change[2]))
		}
		l.Info(connector.MessageChanged, fields...)
	}
	l.Info(connector.MessageUnchanged, zap.String("operation", connector.OperationGrant), zap.String("user_id", "u1"), zap.String("reason", "is a Viewer already"))
	l.Info(connector.MessageUnchanged, zap.String("operation", connector.OperationCreate), zap.String("user_id", connector.HiddenID),
		zap.String("reason", "exists already as viewer, not editor (grant the role to change it)"))
	l.Warn(connector.MessageMissing, zap.String("operation", connector.OperationDelete), zap.String("user_id", "u9"), zap.String("reason", "there is no user with the ID u9"))
	l.Info(connector.MessageAccepted, zap.String("user_id", connector.HiddenID))
	l.Info(connector.MessagePending, zap.String("reason", "invited: waits for the first login"))
	l.Warn(refused, zap.String("reason", "seat limit reached"))
	l.Warn(refused, zap.String("reason", "a reason that was cut..."))
	l.Warn("fresh ingest filtered references to unsynced types", zap.Int("count", 3))
	l.Info("Sync complete.")
	l.Info(MessageWritten, zap.String("file", "sync.c1z"), zap.Float64("seconds", 12.34))
}

func TestALogAsAPersonReadsIt(t *testing.T) {
	var out bytes.Buffer
	screen := &Screen{out: &out, width: 80}
	log(zap.New(screen))
	screen.Show("Error: "+Sentence(status.Error(codes.Unavailable, "baton-whimsical: no connection")), "")

	// What a line shows one after the other stands on lines of their own here.
	got := regexp.MustCompile(`(?m)^ *(\n|$)| +$`).ReplaceAllString(strings.ReplaceAll(out.String(), "\r", "\n"), "")
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
	for width := range 90 {
		var out bytes.Buffer
		screen := &Screen{out: &out, width: width}
		entry := zapcore.Entry{Level: zapcore.WarnLevel, Message: "retrying operation"}
		if err := screen.Write(entry, []zapcore.Field{zap.String("error", strings.Repeat("long ", 50))}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(out.String(), "\r") {
			if len(line) > 0 && len(line) >= width {
				t.Fatalf("%d columns, in %d: %q", len(line), width, line)
			}
		}
	}
}

func TestAnErrorIsOneSentence(t *testing.T) {
	const said = "GET /scim-v2/Users answered 401 Unauthorized: the SCIM token was refused"
	answered := status.Error(codes.Unauthenticated, "validate failed: baton-whimsical: "+said)
	const quoted = "PATCH /Users/u answered 409 Conflict: "
	const of = "error closing store: pebble store close: save failed, store left open and unsaved data preserved under /tmp/x: "
	for err, want := range map[error]string{
		errors.New(said):                       said,
		errors.New("baton-whimsical: " + said): said,
		answered:                               said,
		fmt.Errorf("list resources failed: %w", answered):                              said,
		errors.Join(fmt.Errorf("sync: %w", answered), errors.New("store: not closed")): said,
		errors.New("baton-whimsical: " + quoted + `string_value:"\u001b[31m"`):         quoted + `string_value:"\u001b[31m"`,
		errors.New("baton-whimsical: " + quoted + "handler for action"):                quoted + "handler for action",
		errors.New("rpc: handler for action promote_user not found"):                   "there is no such action: the actions are enable_user and disable_user",
		errors.New("a \x1b[31mred\u202e id"):                                           "a [31mred id",
		errors.New("disk\nfull"):                                                       "disk full",
		errors.New(of + "open y.tmp: no space left"):                                   "open y.tmp: no space left",
	} {
		if got := Sentence(err); got != want {
			t.Errorf("%q becomes %q, want %q", err, got, want)
		}
	}
}
