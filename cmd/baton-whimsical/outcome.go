package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/conductorone/baton-sdk/pkg/exit"
	"github.com/conductorone/baton-sdk/pkg/tempdir"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/cmd/baton-whimsical/terminal"
)

// A workaround for SDK v0.26.0, in which a one-shot run ends in a race: its runner
// returns the error, and by returning kills the second process, at whose end the SDK
// exits with 0. So the run ends where the runner logs its outcome, before the race: its
// log comes here, down to the debug lines, and goes on to where it is wanted. Once the
// SDK waits for its child, the error of Execute is enough, and Write and its sink can go.
const (
	outcomeSink = "baton-whimsical"
	failedLog   = "runner: error processing on-demand task"
	doneLog     = "runner: no tasks to process"
)

// oneShot is a one-shot run.
type oneShot struct {
	stderr *os.File
	screen func() // closes the screen; nil unless a person looks on
	temp   string
	log    io.Writer
	level  zapcore.Level
}

// start prepares the run before the SDK reads the settings. A folder of its own keeps
// what the SDK leaves when a grant or revoke fails: an unpacked copy of the sync file.
func (o *oneShot) start(settings *viper.Viper, flags *pflag.FlagSet) error {
	var err error
	if o.temp, err = os.MkdirTemp(tempdir.Resolve(""), "baton-whimsical-"); err == nil {
		for _, name := range []string{tempdir.EnvVar, "TMPDIR", "TMP", "TEMP"} {
			_ = os.Setenv(name, o.temp)
		}
	}
	if o.screen, err = terminal.Open(settings, flags, o.stderr); err != nil {
		return err
	}
	if len(settings.GetStringSlice("log-path")) == 0 {
		settings.Set("log-path", "stderr")
	}
	if o.log, _, err = zap.Open(settings.GetStringSlice("log-path")...); err != nil {
		return err
	}
	o.level, _ = zapcore.ParseLevel(settings.GetString("log-level")) // info where it is none, as for the SDK
	settings.Set("log-level", zapcore.DebugLevel.String())
	settings.Set("log-path", []string{outcomeSink + ":"})
	return zap.RegisterSink(outcomeSink, func(*url.URL) (zap.Sink, error) { return o, nil })
}

func (o *oneShot) Sync() error  { return nil }
func (o *oneShot) Close() error { return nil }

// levelPattern finds the level in a line of the log, in either of the SDK's formats.
var levelPattern = regexp.MustCompile(`^(?:\{"level":"|[^\t{]*\t)(\w+)`)

// Write gets each line of this process's log.
func (o *oneShot) Write(line []byte) (int, error) {
	level := zapcore.FatalLevel
	if match := levelPattern.FindSubmatch(line); match != nil {
		_ = level.Set(string(match[1]))
	}
	if level >= o.level {
		_, _ = o.log.Write(line) // there is nowhere else to say that it failed
	}
	if bytes.Contains(line, []byte(failedLog)) {
		o.fail(failureIn(line))
	}
	if bytes.Contains(line, []byte(doneLog)) {
		o.clean()
	}
	return len(line), nil
}

// fail ends the process with the code of an error, whose message it prints.
func (o *oneShot) fail(err error) {
	o.clean()
	text := status.Convert(err).Message()
	if o.screen != nil {
		text = "Error: " + terminal.Sentence(text)
	}
	_, _ = fmt.Fprintln(o.stderr, text)
	exit.Exit(err)
}

// clean ends what is shown, and removes the temporary files.
func (o *oneShot) clean() {
	if o.screen != nil {
		o.screen()
	}
	if o.temp != "" {
		_ = os.RemoveAll(o.temp)
	}
}

// failureIn returns the error that a line of the log holds, in either of the SDK's
// formats. The errors of the SDK's store have no code of their own.
func failureIn(line []byte) error {
	var fields struct{ Error string }
	if _ = json.Unmarshal(line[max(0, bytes.IndexByte(line, '{')):], &fields); fields.Error == "" {
		return errors.New(failedLog)
	}
	text := fields.Error
	switch {
	case strings.Contains(text, "baton-whimsical: "): // which may quote the server
	case strings.HasSuffix(text, "pebble: not found"), strings.HasSuffix(text, "sql: no rows in result set"):
		return status.Error(codes.NotFound, text+": the last sync holds no such user, role or grant: check the ids, or sync again")
	case strings.HasSuffix(text, "no current sync"):
		return status.Error(codes.FailedPrecondition, text+": the file holds no sync: run baton-whimsical without arguments first")
	}
	_, coded, _ := strings.Cut(text, "code = ") // as gRPC writes an error
	for code := codes.Unauthenticated; code > codes.OK; code-- {
		if strings.HasPrefix(coded, code.String()+" desc = ") {
			return status.Error(code, text)
		}
	}
	return errors.New(text)
}
