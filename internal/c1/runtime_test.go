package c1_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"

	"github.com/conductorone/baton-whimsical/internal/c1"
)

// function is a lambda function reduced to its requests to the runtime.
type function struct {
	t    *testing.T
	base string
}

// do sends a request and returns the status, the header and the body of the answer.
func (f function) do(method, path string, body []byte) (int, http.Header, []byte) {
	f.t.Helper()
	target := "http://" + f.base + "/2018-06-01/runtime/invocation/" + path
	req, err := http.NewRequestWithContext(testContext(f.t), method, target, bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, answer
}

// next takes an invocation and returns its id.
func (f function) next() string {
	f.t.Helper()
	code, header, payload := f.do(http.MethodGet, "next", nil)
	id := header.Get("Lambda-Runtime-Aws-Request-Id")
	if code != http.StatusOK || id == "" || header.Get("Lambda-Runtime-Deadline-Ms") == "" {
		f.t.Fatalf("next answered %d %v", code, header)
	}
	if !bytes.Contains(payload, []byte(v2.ConnectorService_Validate_FullMethodName)) {
		f.t.Errorf("the payload does not name the method: %s", payload)
	}
	return id
}

// invoke calls the function, and returns a channel with the error of the call.
func invoke(ctx context.Context, lambda *c1.Lambda) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := lambda.Connector(ctx).Validate(ctx, &v2.ConnectorServiceValidateRequest{})
		ended <- err
	}()
	return ended
}

func TestRuntimeReportsWhatTheFunctionSays(t *testing.T) {
	lambda := newLambda(t, nil)
	ctx := testContext(t)
	f := function{t: t, base: variable(t, lambda.Environment(), "AWS_LAMBDA_RUNTIME_API")}
	for name, test := range map[string]struct {
		path string
		body []byte
		code int
		text string
	}{
		"an error":           {"/error", []byte(`{"errorType":"Panic","errorMessage":"no idea"}`), http.StatusAccepted, "Panic: no idea"},
		"an unclear error":   {"/error", []byte(`?`), http.StatusAccepted, "does not say how"},
		"no answer":          {"/response", nil, http.StatusAccepted, "empty"},
		"an unclear answer":  {"/response", []byte(`?`), http.StatusAccepted, "response"},
		"too long an answer": {"/response", bytes.Repeat([]byte("x"), 6<<20+1), http.StatusRequestEntityTooLarge, "over"},
	} {
		ended := invoke(ctx, lambda)
		id := f.next()
		if code, _, body := f.do(http.MethodPost, id+test.path, test.body); code != test.code {
			t.Errorf("%s: the runtime answered %d %s, want %d", name, code, body, test.code)
		}
		if err := <-ended; err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: the call ended with %v, want an error with %q", name, err, test.text)
		}
		if code, _, _ := f.do(http.MethodPost, id+test.path, test.body); code != http.StatusBadRequest {
			t.Errorf("%s: the second answer was answered %d, want 400", name, code)
		}
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	lambda := newLambda(t, nil)
	ctx, cancel := context.WithCancel(testContext(t))
	ended := invoke(ctx, lambda)
	cancel()
	if err := <-ended; err == nil {
		t.Error("the call has succeeded, and there is no function")
	}
}
