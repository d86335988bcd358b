package c1

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	lambdagrpc "github.com/conductorone/baton-sdk/pkg/lambda/grpc"
)

const (
	// The limits of AWS Lambda for the answer of a synchronous invocation.
	invokeLimit  = 6 << 20
	invokeExpiry = 15 * time.Minute

	functionARN = "arn:aws:lambda:us-east-1:000000000000:function:stand-in"
)

// lambdaRuntime is the runtime API of AWS Lambda, version 2018-06-01, for one
// function. Every process that asks it for invocations is an execution environment of
// the function, and takes them one after the other.
type lambdaRuntime struct {
	invocations chan *invocation

	state *watched
	// The rest is guarded by state. idle is the number of execution environments that
	// wait for an invocation.
	idle    int
	count   int
	running map[string]*invocation
}

// invocation is one call of the function.
type invocation struct {
	payload []byte
	// done receives the outcome, once.
	done chan outcome
}

type outcome struct {
	payload []byte
	err     error
}

func newLambdaRuntime() *lambdaRuntime {
	return &lambdaRuntime{invocations: make(chan *invocation), state: newWatched(), running: make(map[string]*invocation)}
}

// handler serves the runtime API.
func (r *lambdaRuntime) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", func(w http.ResponseWriter, req *http.Request) {
		r.finish(w, req, func(body []byte) outcome { return outcome{payload: body} })
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", func(w http.ResponseWriter, req *http.Request) {
		r.finish(w, req, func(body []byte) outcome { return outcome{err: fmt.Errorf("the function failed: %s", body)} })
	})
	return mux
}

// transport is the SDK's lambda transport on top of the runtime.
type transport struct {
	runtime *lambdaRuntime
}

// RoundTrip calls the function with a request and returns its response. It fails when
// ctx ends first, when the function reports an error, and when its answer is too long.
func (t transport) RoundTrip(ctx context.Context, req *lambdagrpc.Request) (*lambdagrpc.Response, error) {
	payload, err := json.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("c1: request: %w", err)
	}
	call := &invocation{payload: payload, done: make(chan outcome, 1)}
	select {
	case t.runtime.invocations <- call:
	case <-ctx.Done():
		return nil, fmt.Errorf("c1: the function does not take the call: %w", context.Cause(ctx))
	}
	var result outcome
	select {
	case result = <-call.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("c1: the function does not answer: %w", context.Cause(ctx))
	}
	if result.err != nil {
		return nil, fmt.Errorf("c1: %w", result.err)
	}
	response := &lambdagrpc.Response{}
	if err := json.Unmarshal(result.payload, response); err != nil {
		return nil, fmt.Errorf("c1: response: %w", err)
	}
	return response, nil
}

// next hands the function its next invocation, and waits for one.
func (r *lambdaRuntime) next(w http.ResponseWriter, req *http.Request) {
	r.state.update(func() { r.idle++ })
	defer r.state.update(func() { r.idle-- })
	var call *invocation
	select {
	case call = <-r.invocations:
	case <-req.Context().Done():
		return
	}
	var id string
	r.state.update(func() {
		r.count++
		id = strconv.Itoa(r.count)
		r.running[id] = call
	})
	header := w.Header()
	header.Set("Lambda-Runtime-Aws-Request-Id", id)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(invokeExpiry).UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
	header.Set("Content-Type", "application/json")
	if _, err := w.Write(call.payload); err != nil {
		call.done <- outcome{err: fmt.Errorf("the function is gone: %w", err)}
	}
}

// finish ends an invocation with what the function says of it.
func (r *lambdaRuntime) finish(w http.ResponseWriter, req *http.Request, read func([]byte) outcome) {
	var call *invocation
	r.state.update(func() {
		call = r.running[req.PathValue("id")]
		delete(r.running, req.PathValue("id"))
	})
	if call == nil {
		writeJSON(w, http.StatusBadRequest, map[string]any{"errorType": "InvalidRequestID"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, invokeLimit))
	if err != nil { // it is over the limit, or breaks off
		call.done <- outcome{err: fmt.Errorf("the answer of the function: %w", err)}
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]any{"errorType": "RequestEntityTooLarge"})
		return
	}
	call.done <- read(body)
	writeJSON(w, http.StatusAccepted, map[string]any{"status": "OK"})
}
