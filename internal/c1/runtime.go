package c1

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	// The limits of AWS Lambda for a synchronous invocation.
	invokeLimit  = 6 << 20
	invokeExpiry = 15 * time.Minute

	functionARN = "arn:aws:lambda:" + cloudRegion + ":000000000000:function:stand-in"
)

// lambdaRuntime is the runtime API of AWS Lambda, version 2018-06-01, for one
// function. Every process that asks it for invocations is an execution environment of
// the function, and takes them one after the other.
type lambdaRuntime struct {
	invocations chan *invocation

	state *monitor
	// The rest is guarded by state. idle is the number of execution environments that
	// wait for an invocation.
	idle    int
	count   int
	running map[string]*invocation
}

// invocation is one call of the function.
type invocation struct {
	ctx     context.Context
	payload []byte
	// done receives the outcome, once.
	done chan outcome
}

type outcome struct {
	payload []byte
	err     error
}

func newLambdaRuntime() *lambdaRuntime {
	return &lambdaRuntime{
		invocations: make(chan *invocation),
		state:       newMonitor(),
		running:     make(map[string]*invocation),
	}
}

// handler serves the runtime API.
func (r *lambdaRuntime) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", r.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", r.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", r.failure)
	return mux
}

// invoke calls the function and waits for its answer. It fails when ctx ends first,
// when the function reports an error, and when either payload is over the limit.
func (r *lambdaRuntime) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > invokeLimit {
		return nil, fmt.Errorf("the request of %d bytes is too large", len(payload))
	}
	call := &invocation{ctx: ctx, payload: payload, done: make(chan outcome, 1)}
	select {
	case r.invocations <- call:
	case <-ctx.Done():
		return nil, fmt.Errorf("the function does not take the call: %w", context.Cause(ctx))
	}
	select {
	case result := <-call.done:
		return result.payload, result.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the function does not answer: %w", context.Cause(ctx))
	}
}

// waitIdle returns once n execution environments wait for an invocation.
func (r *lambdaRuntime) waitIdle(ctx context.Context, n int) error {
	return r.state.await(ctx, func() bool { return r.idle >= n })
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
	deadline := time.Now().Add(invokeExpiry)
	if earlier, ok := call.ctx.Deadline(); ok && earlier.Before(deadline) {
		deadline = earlier
	}
	header := w.Header()
	header.Set("Lambda-Runtime-Aws-Request-Id", r.track(call))
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
	header.Set("Content-Type", "application/json")
	if _, err := w.Write(call.payload); err != nil {
		call.done <- outcome{err: fmt.Errorf("the function is gone: %w", err)}
	}
}

func (r *lambdaRuntime) track(call *invocation) string {
	var id string
	r.state.update(func() {
		r.count++
		id = strconv.Itoa(r.count)
		r.running[id] = call
	})
	return id
}

func (r *lambdaRuntime) untrack(id string) (*invocation, bool) {
	var call *invocation
	var ok bool
	r.state.update(func() {
		call, ok = r.running[id]
		delete(r.running, id)
	})
	return call, ok
}

func (r *lambdaRuntime) response(w http.ResponseWriter, req *http.Request) {
	r.finish(w, req, func(body []byte) outcome { return outcome{payload: body} })
}

func (r *lambdaRuntime) failure(w http.ResponseWriter, req *http.Request) {
	r.finish(w, req, func(body []byte) outcome {
		var report struct {
			Type    string `json:"errorType"`
			Message string `json:"errorMessage"`
		}
		if err := json.Unmarshal(body, &report); err != nil {
			return outcome{err: fmt.Errorf("the function failed and does not say how: %w", err)}
		}
		return outcome{err: fmt.Errorf("the function failed: %s: %s", report.Type, report.Message)}
	})
}

// finish ends an invocation with what the function says of it.
func (r *lambdaRuntime) finish(w http.ResponseWriter, req *http.Request, read func([]byte) outcome) {
	call, ok := r.untrack(req.PathValue("id"))
	if !ok {
		writeJSON(w, http.StatusBadRequest, map[string]any{"errorType": "InvalidRequestID"})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, invokeLimit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		call.done <- outcome{err: fmt.Errorf("the answer is over %d bytes", tooLarge.Limit)}
		writeJSON(w, http.StatusRequestEntityTooLarge, map[string]any{"errorType": "RequestEntityTooLarge"})
	case err != nil:
		call.done <- outcome{err: fmt.Errorf("the answer breaks off: %w", err)}
	default:
		call.done <- read(body)
		writeJSON(w, http.StatusAccepted, map[string]any{"status": "OK"})
	}
}
