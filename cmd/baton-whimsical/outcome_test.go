package main

import (
	"testing"

	"google.golang.org/grpc/codes"
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
		"without a code":           {`{"error":"disk full"}`, "disk full", codes.Unknown},
		"with an unknown code":     {`{"error":"code = Fine desc = x"}`, "code = Fine desc = x", codes.Unknown},
		"without an error":         {`{"msg":"runner: error processing on-demand task"}`, failedLog, codes.Unknown},
		"in a form nobody foresaw": {failedLog, failedLog, codes.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if code, text := failureIn([]byte(test.line)); code != test.code || text != test.text {
				t.Errorf("%s, %q, want %s, %q", code, text, test.code, test.text)
			}
		})
	}
}
