package c1

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

// pollHold bounds how long a poll waits for a task. Holding it spares the busy loop
// that a tiny poll interval would be otherwise.
const pollHold = 20 * time.Second

var (
	// nextPoll is the poll interval that the connector is told.
	nextPoll = durationpb.New(time.Millisecond)
	// nextHeartbeat is the shortest interval that the SDK accepts.
	nextHeartbeat = durationpb.New(time.Second)
)

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
	return v1.BatonServiceGetTaskResponse_builder{Task: task, NextPoll: nextPoll, NextHeartbeat: nextHeartbeat}.Build(), nil
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
	result := &Result{Status: status.FromProto(req.GetStatus()), Annotations: req.GetSuccess().GetAnnotations()}
	response := req.GetSuccess().GetResponse()
	if req.HasError() {
		response = req.GetError().GetResponse()
		result.NonRetryable = req.GetError().GetNonRetryable()
		result.Annotations = req.GetError().GetAnnotations()
	}
	if response != nil {
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
	var stored error
	err = s.change(id, func(task *Task) {
		task.upload = path
		stored = os.WriteFile(path, asset.Bytes(), 0o600)
	})
	if err := errors.Join(err, stored); err != nil {
		return err
	}
	return stream.SendAndClose(&v1.BatonServiceUploadAssetResponse{})
}
