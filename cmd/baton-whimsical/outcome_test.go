package main

import (
	"bytes"
	"testing"

	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestTheFailureInALogLineKeepsItsTextAndCode(t *testing.T) {
	const (
		refused   = "validate failed: rpc error: code = Unauthenticated desc = baton-whimsical: GET /Users answered 401: code = Aborted desc = is its detail"
		notSynced = ": the last sync holds no such user, role or grant: check the ids, or sync again"
	)
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
		"of a store on Pebble": {`{"error":"runner: error processing task: pebble: not found"}`, "runner: error processing task: pebble: not found" + notSynced, codes.NotFound},
		"of a store on SQLite": {`{"error":"sql: no rows in result set"}`, "sql: no rows in result set" + notSynced, codes.NotFound},
		"of an empty store": {
			`{"error":"pebble engine: no current sync"}`,
			"pebble engine: no current sync: the file holds no sync: run baton-whimsical without arguments first", codes.FailedPrecondition,
		},
		"of an API that quotes the store": {
			`{"error":"rpc error: code = AlreadyExists desc = baton-whimsical: PATCH /Users/u answered 409 Conflict: pebble: not found"}`,
			"rpc error: code = AlreadyExists desc = baton-whimsical: PATCH /Users/u answered 409 Conflict: pebble: not found", codes.AlreadyExists,
		},
		"without a code":           {`{"error":"disk full"}`, "disk full", codes.Unknown},
		"with an unknown code":     {`{"error":"code = Fine desc = x"}`, "code = Fine desc = x", codes.Unknown},
		"without an error":         {`{"msg":"runner: error processing on-demand task"}`, failedLog, codes.Unknown},
		"in a form nobody foresaw": {failedLog, failedLog, codes.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if failure := status.Convert(failureIn([]byte(test.line))); failure.Code() != test.code || failure.Message() != test.text {
				t.Errorf("%s, %q, want %s, %q", failure.Code(), failure.Message(), test.code, test.text)
			}
		})
	}
}

func TestTheLogKeepsTheLevelThatIsAskedFor(t *testing.T) {
	for line, level := range map[string]zapcore.Level{
		`{"level":"debug","ts":1,"msg":"error"}` + "\n":    zapcore.DebugLevel,
		`{"level":"warn","ts":1,"msg":"x\ty"}` + "\n":      zapcore.WarnLevel,
		"2026-01-05T09:00:00Z\tINFO\tx.go:1\tdebug\n":      zapcore.InfoLevel,
		"2026-01-05T09:00:00Z\tERROR\tx.go:1\ta\tb\n":      zapcore.ErrorLevel,
		"a line in a form nobody foresaw\n":                zapcore.FatalLevel,
		`{"ts":1,"level":"debug","msg":"\tINFO\t"}` + "\n": zapcore.FatalLevel,
	} {
		for asked := zapcore.DebugLevel; asked <= zapcore.FatalLevel; asked++ {
			var log bytes.Buffer
			if n, err := (&oneShot{log: &log, level: asked}).Write([]byte(line)); n != len(line) || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			if kept := log.String() == line; kept != (level >= asked) {
				t.Errorf("at level %s, %q is kept: %t", asked, line, kept)
			}
		}
	}
}
