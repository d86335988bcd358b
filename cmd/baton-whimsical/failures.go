package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/conductorone/baton-sdk/pkg/exit"
	"github.com/spf13/viper"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A one-shot process of SDK v0.26.0 that fails ends in a race: the runner returns
// the error, whose code becomes the exit code, and by returning kills the second
// process, at whose end the SDK exits with 0. One failure in a hundred was
// reported as a success, one in twenty-five on a busy machine. So the process
// ends where the SDK's runner reports the failure to its log, before the race.

const (
	watcherScheme = "baton-whimsical"
	watcherPath   = watcherScheme + ":failures"
	logPath       = "log-path"
	// failureMessage is what the runner logs of a failure in one-shot mode.
	failureMessage = "runner: error processing on-demand task"
)

// watchFailures registers the watcher and returns the arguments to go on with.
func watchFailures(arguments []string, file *viper.Viper) ([]string, error) {
	err := zap.RegisterSink(watcherScheme, func(*url.URL) (zap.Sink, error) {
		return watcher{report: exit.LogExit}, nil
	})
	if err != nil {
		return nil, err
	}
	return withWatcher(arguments, file, os.Getenv, os.Setenv)
}

// withWatcher adds the watcher to the paths that the SDK logs to, after all
// others: those of the flag, else of the environment, else of the configuration
// file.
func withWatcher(arguments []string, file *viper.Viper, getenv func(string) string, setenv func(name, value string) error) ([]string, error) {
	if _, given := flagValues(arguments, logPath)[logPath]; given {
		return withFlag(arguments, logPath, watcherPath), nil
	}
	paths := cmp.Or(getenv("BATON_LOG_PATH"), strings.Join(file.GetStringSlice(logPath), ","), "stderr")
	return arguments, setenv("BATON_LOG_PATH", paths+","+watcherPath)
}

// watcher is a log that keeps nothing. It reports the failure of a one-shot
// process, which is to end with it.
type watcher struct {
	report func(error)
}

// Write implements io.Writer.
func (w watcher) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(failureMessage)) {
		w.report(failureIn(line))
	}
	return len(line), nil
}

// Sync implements zap.Sink.
func (watcher) Sync() error { return nil }

// Close implements zap.Sink.
func (watcher) Close() error { return nil }

// storeFailures are what the SDK's store says where a grant or revoke names
// something that the last sync does not hold. The log does not tell their codes.
var storeFailures = []struct {
	says   string
	code   codes.Code
	advice string
}{
	{"pebble: not found", codes.NotFound, adviceNotSynced},
	{"sql: no rows in result set", codes.NotFound, adviceNotSynced},
	{"pebble engine: no current sync", codes.FailedPrecondition, "the file holds no sync: run baton-whimsical without arguments first"},
}

const adviceNotSynced = "the last sync holds no such user, role or grant: check the ids, or sync again"

// codePattern is how gRPC spells the code of an error.
var codePattern = regexp.MustCompile(`code = (\w+) desc = `)

// failureIn returns the error that a line of the log tells, with its code. Both
// of the SDK's formats have the fields as JSON.
func failureIn(line []byte) error {
	var fields struct {
		Error string `json:"error"`
	}
	start := bytes.IndexByte(line, '{')
	if start < 0 || json.Unmarshal(line[start:], &fields) != nil || fields.Error == "" {
		fields.Error = failureMessage
	}
	for _, known := range storeFailures {
		if strings.HasSuffix(fields.Error, known.says) {
			return failed{text: fields.Error + ": " + known.advice, code: known.code}
		}
	}
	code := codes.Unknown
	if match := codePattern.FindStringSubmatch(fields.Error); match != nil {
		for candidate := codes.OK + 1; candidate <= codes.Unauthenticated; candidate++ {
			if candidate.String() == match[1] {
				code = candidate
			}
		}
	}
	return failed{text: fields.Error, code: code}
}

// failed is an error that keeps the text that the SDK would print.
type failed struct {
	text string
	code codes.Code
}

// Error implements error.
func (f failed) Error() string { return f.text }

// GRPCStatus lets the exit code be the error's code.
func (f failed) GRPCStatus() *status.Status { return status.New(f.code, f.text) }
