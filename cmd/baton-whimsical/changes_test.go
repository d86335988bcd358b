package main

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestTheErrorOfAnActionKeepsItsCode(t *testing.T) {
	for text, want := range map[string]struct {
		code codes.Code
		says string
	}{
		"rpc error: code = NotFound desc = baton-whimsical: nobody":            {codes.NotFound, "baton-whimsical: nobody"},
		"rpc error: code = Unauthenticated desc = two\nlines":                  {codes.Unauthenticated, "two\nlines"},
		"rpc error: code = Fine desc = x":                                      {codes.Unknown, "the action failed: rpc error: code = Fine desc = x"},
		"he said rpc error: code = NotFound desc = x":                          {codes.Unknown, "the action failed: he said rpc error: code = NotFound desc = x"},
		"rpc error: code = Aborted desc = rpc error: code = NotFound desc = x": {codes.Aborted, "rpc error: code = NotFound desc = x"},
		"": {codes.Unknown, "the action failed: "},
	} {
		if got := status.Convert(actionError(text)); got.Code() != want.code || got.Message() != want.says {
			t.Errorf("%q becomes %s, %q", text, got.Code(), got.Message())
		}
	}
}
