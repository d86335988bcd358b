// Package c1 stands in for ConductorOne, so that a connector can be run against the protocols that it meets
// in production without the SaaS. Use it where the way over ConductorOne matters: tasks, uploads, outages,
// refused credentials, calls of a lambda function. It is never linked into the connector.
//
// [Server] is what a connector in service mode talks to. [Lambda] is what surrounds
// one that is hosted as a lambda function. Both listen on a free port of 127.0.0.1.
//
//	server := c1.New(t)
//	cmd.Env = append(cmd.Env, server.Environment()...)
//	task := server.Enqueue(v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}}.Build())
//	result, err := task.Wait(ctx)
//	picture, err := batontest.Read(ctx, result.C1Z)
//
// Clients are held to the rules in the protocol buffers and to their token; how they prove to be who they are
// is the SDK's business and is not checked. There is one connector for each stand-in, and no leases: a task
// that was handed out is not handed out again. A connector is told to trust the server's certificate by
// SSL_CERT_FILE, which Go reads on Linux and the BSDs, not on macOS and Windows.
package c1

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/annotations"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Server is ConductorOne's side of one connector in service mode: c1.connectorapi.baton.v1.BatonService. All
// methods but Pause and Resume are safe for concurrent use.
type Server struct {
	v1.UnimplementedBatonServiceServer
	*endpoint

	uploads string // the folder for uploaded assets

	watched
	// The rest is guarded by watched. all are all tasks that ever were, pending are those to hand out, in order.
	all     map[string]*Task
	pending []*Task
	hellos  []*v1.BatonServiceHelloRequest
	// polls is the number of polls that wait for a task. While away is set, they get none: their connections are
	// about to be closed.
	polls int
	away  bool
}

// New starts a server with a credential of its own, which ends with the test.
func New(t *testing.T) *Server {
	t.Helper()
	s := &Server{uploads: t.TempDir(), all: map[string]*Task{}}
	s.endpoint = newEndpoint(t, "Bearer", func(services *grpc.Server) { v1.RegisterBatonServiceServer(services, s) })
	return s
}

// Environment returns the environment variables, as name=value, that make a
// connector run in service mode against this server.
func (s *Server) Environment() []string {
	return []string{
		"BATON_CLIENT_ID=" + s.id,
		"BATON_CLIENT_SECRET=" + s.secret,
		"BATON_C1_API_HOST=" + s.addr,
		"SSL_CERT_FILE=" + s.certificate,
	}
}

// Enqueue queues a task behind those that were queued before. The message is copied; its id and status are set.
func (s *Server) Enqueue(message *v1.Task) *Task {
	task := &Task{message: proto.CloneOf(message), state: &s.watched}
	s.update(func() {
		// The protocol wants 27 letters and digits.
		id := fmt.Sprintf("task%023d", len(s.all)+1)
		task.message.SetId(id)
		task.message.SetStatus(v1.Task_STATUS_PENDING)
		s.all[id] = task
		s.pending = append(s.pending, task)
	})
	return task
}

// Hellos returns the greetings of the connector so far. One that answers a hello task names the task.
func (s *Server) Hellos() []*v1.BatonServiceHelloRequest {
	var hellos []*v1.BatonServiceHelloRequest
	s.update(func() { hellos = slices.Clone(s.hellos) })
	return hellos
}

// WaitPoll returns once the connector waits for a task, which it does not do before it
// has started. It fails when ctx ends first.
func (s *Server) WaitPoll(ctx context.Context) error {
	if err := s.await(ctx, func() bool { return s.polls > 0 && len(s.pending) == 0 }); err != nil {
		return fmt.Errorf("c1: the connector does not ask for tasks: %w", err)
	}
	return nil
}

// Pause takes the server away: its listener and all connections are closed. Tasks can be queued meanwhile. An
// answer that is on its way at this moment is lost, and a task with it: see the limits of the package.
func (s *Server) Pause() {
	s.update(func() { s.away = true })
	s.pause()
}

// Resume brings the server back on the same port, unless another process has taken it: the test fails then.
func (s *Server) Resume() {
	s.start()
	// The contexts of all polls from before have ended, so those take nothing.
	s.update(func() { s.away = false })
}

// pollHold bounds how long a poll waits for a task. Holding it spares the busy loop
// that a tiny poll interval would be otherwise.
const pollHold = 20 * time.Second

// nextHeartbeat is the shortest interval that the SDK accepts.
var nextHeartbeat = durationpb.New(time.Second)

// change runs fn on a task that is not finished, under the lock. It fails with NotFound for any other id.
func (s *Server) change(id string, fn func(*Task)) error {
	err := status.Errorf(codes.NotFound, "task %q is not under way", id)
	s.update(func() {
		if task := s.all[id]; task != nil && task.result == nil {
			fn(task)
			err = nil
		}
	})
	return err
}

// Hello records the greeting, which also ends the hello task that asked for it: in one
// step, so that who waits for the task finds the greeting.
func (s *Server) Hello(_ context.Context, req *v1.BatonServiceHelloRequest) (*v1.BatonServiceHelloResponse, error) {
	record := func() { s.hellos = append(s.hellos, req) }
	if req.GetTaskId() == "" {
		s.update(record)
		return &v1.BatonServiceHelloResponse{}, nil
	}
	return &v1.BatonServiceHelloResponse{}, s.change(req.GetTaskId(), func(task *Task) {
		task.result = &Result{Status: status.New(codes.OK, "")}
		record()
	})
}

// GetTask hands out the next task. It waits for one, and answers without a task after a while.
func (s *Server) GetTask(ctx context.Context, _ *v1.BatonServiceGetTaskRequest) (*v1.BatonServiceGetTaskResponse, error) {
	held, cancel := context.WithTimeout(ctx, pollHold)
	defer cancel()
	s.update(func() { s.polls++ })
	defer s.update(func() { s.polls-- })
	var task *v1.Task
	err := s.await(held, func() bool {
		if s.away || len(s.pending) == 0 {
			return false
		}
		task, s.pending = s.pending[0].message, s.pending[1:]
		return true
	})
	if err != nil && ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return v1.BatonServiceGetTaskResponse_builder{Task: task, NextPoll: durationpb.New(time.Millisecond), NextHeartbeat: nextHeartbeat}.Build(), nil
}

// Heartbeat counts a sign of life for each named task, and tells which of them were
// cancelled. The connector beats on its own clock, so a beat may come after the end.
func (s *Server) Heartbeat(_ context.Context, req *v1.BatonServiceHeartbeatRequest) (*v1.BatonServiceHeartbeatResponse, error) {
	answer := v1.BatonServiceHeartbeatResponse_builder{NextHeartbeat: nextHeartbeat}
	for _, id := range append(req.GetTaskIds(), req.GetTaskId()) {
		_ = s.change(id, func(task *Task) {
			task.heartbeats++
			if task.cancelled {
				answer.Cancelled = id == req.GetTaskId()
				answer.CancelledTaskIds = append(answer.CancelledTaskIds, id)
			}
		})
	}
	return answer.Build(), nil
}

// FinishTask records the outcome of a task. It fails with InvalidArgument when the answer of the connector is
// of an unknown type, and with NotFound for a task that is not under way.
func (s *Server) FinishTask(_ context.Context, req *v1.BatonServiceFinishTaskRequest) (*v1.BatonServiceFinishTaskResponse, error) {
	result := &Result{
		Status: status.FromProto(req.GetStatus()), NonRetryable: req.GetError().GetNonRetryable(),
		Annotations: slices.Concat(req.GetSuccess().GetAnnotations(), req.GetError().GetAnnotations()), // of the one that is there
	}
	if response := cmp.Or(req.GetSuccess().GetResponse(), req.GetError().GetResponse()); response != nil {
		message, err := response.UnmarshalNew()
		if err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "response: %v", err)
		}
		result.Response = message
	}
	err := s.change(req.GetTaskId(), func(task *Task) {
		result.C1Z = task.upload
		task.result = result
	})
	return &v1.BatonServiceFinishTaskResponse{}, err
}

// UploadAsset stores the asset of a task: its metadata, the data, the checksum. It fails with DataLoss when
// the checksum is not that of the data, and with NotFound for a task that is not under way.
func (s *Server) UploadAsset(stream grpc.ClientStreamingServer[v1.BatonServiceUploadAssetRequest, v1.BatonServiceUploadAssetResponse]) error {
	message, err := stream.Recv()
	if err != nil {
		return err
	}
	id := message.GetMetadata().GetTaskId()
	var asset bytes.Buffer
	for !message.HasEof() {
		if message, err = stream.Recv(); err != nil {
			return err
		}
		_, _ = asset.Write(message.GetData().GetData())
	}
	if sum := sha256.Sum256(asset.Bytes()); !bytes.Equal(message.GetEof().GetSha256Checksum(), sum[:]) {
		return status.Error(codes.DataLoss, "the checksum is not that of the data")
	}
	// An id that is known is a safe name.
	path := filepath.Join(s.uploads, id+".c1z")
	err = s.change(id, func(task *Task) { task.upload = path })
	if err == nil {
		err = os.WriteFile(path, asset.Bytes(), 0o600)
	}
	if err != nil {
		return err
	}
	return stream.SendAndClose(&v1.BatonServiceUploadAssetResponse{})
}

// watched is a mutex whose holders can wait for a change of what it guards, so that nobody has to poll.
type watched struct {
	mu      sync.Mutex
	changed sync.Cond // await sets its lock
}

// update runs change under the lock and wakes everybody in [watched.await].
func (w *watched) update(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	w.changed.Broadcast()
}

// await returns once condition is true, or with the context's error. condition runs under the lock, never
// after ctx has ended, and may change what the lock guards.
func (w *watched) await(ctx context.Context, condition func() bool) error {
	defer context.AfterFunc(ctx, func() { w.update(func() {}) })()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed.L = &w.mu
	for ctx.Err() == nil {
		if condition() {
			return nil
		}
		w.changed.Wait()
	}
	return context.Cause(ctx)
}

// Task is a task that was given to [Server.Enqueue]. All methods are safe for concurrent use.
type Task struct {
	message *v1.Task
	state   *watched

	// The rest is guarded by state.
	heartbeats int
	cancelled  bool
	upload     string
	result     *Result
}

// Result is what the connector said in FinishTask, or in Hello for a hello task.
type Result struct {
	Status       *status.Status          // the outcome, with the details that the connector sent
	NonRetryable bool                    // set on a failed task that is not to be tried again
	Annotations  annotations.Annotations // those of the outcome
	// Response is the connector's answer, for example a
	// *v2.GrantManagerServiceGrantResponse. It is nil when there is none.
	Response proto.Message
	// C1Z is the path of the file that was uploaded for the task, or empty. The file lives until the test ends.
	C1Z string
}

// ID returns the identifier that the task was given.
func (t *Task) ID() string { return t.message.GetId() }

// Wait returns the result of the task once the connector has finished it. It fails when ctx ends first.
func (t *Task) Wait(ctx context.Context) (*Result, error) {
	if err := t.state.await(ctx, func() bool { return t.result != nil }); err != nil {
		return nil, fmt.Errorf("task %s is not finished: %w", t.ID(), err)
	}
	return t.result, nil
}

// Cancel tells the connector with the answer to its next heartbeat that the task is
// no longer wanted. Only syncs send heartbeats.
func (t *Task) Cancel() { t.state.update(func() { t.cancelled = true }) }

// Heartbeats returns how many heartbeats the connector has sent for the task.
func (t *Task) Heartbeats() int {
	var n int
	t.state.update(func() { n = t.heartbeats })
	return n
}
