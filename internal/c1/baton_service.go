package c1

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

const (
	// pollHold bounds how long a poll waits for a task. Holding it spares the busy
	// loop that a tiny poll interval would be otherwise.
	pollHold = 20 * time.Second
	// nextPoll is the poll interval that the connector is told.
	nextPoll = time.Millisecond
	// nextHeartbeat is the shortest interval that the SDK accepts.
	nextHeartbeat = time.Second
)

// batonService is c1.connectorapi.baton.v1.BatonService for one connector.
type batonService struct {
	v1.UnimplementedBatonServiceServer

	ledger *ledger
	// uploads is the folder for uploaded assets.
	uploads string
}

// Hello records the greeting.
func (s *batonService) Hello(_ context.Context, req *v1.BatonServiceHelloRequest) (*v1.BatonServiceHelloResponse, error) {
	if err := s.ledger.greet(req); err != nil {
		return nil, err
	}
	return &v1.BatonServiceHelloResponse{}, nil
}

// GetTask hands out the next task. It waits for one, and answers without a task
// after a while.
func (s *batonService) GetTask(ctx context.Context, _ *v1.BatonServiceGetTaskRequest) (*v1.BatonServiceGetTaskResponse, error) {
	tasks, err := s.poll(ctx, 1)
	if err != nil {
		return nil, err
	}
	answer := v1.BatonServiceGetTaskResponse_builder{
		NextPoll:      durationpb.New(nextPoll),
		NextHeartbeat: durationpb.New(nextHeartbeat),
	}
	if len(tasks) > 0 {
		answer.Task = tasks[0]
	}
	return answer.Build(), nil
}

// GetTasks is GetTask for several tasks. It begins with those that were handed out
// before and that the connector does not name as known.
func (s *batonService) GetTasks(ctx context.Context, req *v1.BatonServiceGetTasksRequest) (*v1.BatonServiceGetTasksResponse, error) {
	s.ledger.recover(req.GetKnownTaskIds())
	tasks, err := s.poll(ctx, int(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	return v1.BatonServiceGetTasksResponse_builder{
		Tasks:         tasks,
		NextPoll:      durationpb.New(nextPoll),
		NextHeartbeat: durationpb.New(nextHeartbeat),
	}.Build(), nil
}

// errNoTask ends a poll that was held long enough.
var errNoTask = errors.New("no task")

func (s *batonService) poll(ctx context.Context, limit int) ([]*v1.Task, error) {
	held, cancel := context.WithTimeoutCause(ctx, pollHold, errNoTask)
	defer cancel()
	tasks, err := s.ledger.take(held, limit)
	if err != nil && !errors.Is(err, errNoTask) {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	return tasks, nil
}

// Heartbeat counts a sign of life for each named task, and tells which of them were
// cancelled. It fails with NotFound for an id that no task has.
func (s *batonService) Heartbeat(_ context.Context, req *v1.BatonServiceHeartbeatRequest) (*v1.BatonServiceHeartbeatResponse, error) {
	answer := v1.BatonServiceHeartbeatResponse_builder{NextHeartbeat: durationpb.New(nextHeartbeat)}
	var err error
	if answer.Cancelled, err = s.ledger.beat(req.GetTaskId()); err != nil {
		return nil, err
	}
	for _, id := range req.GetTaskIds() {
		cancelled, err := s.ledger.beat(id)
		if err != nil {
			return nil, err
		}
		if cancelled {
			answer.CancelledTaskIds = append(answer.CancelledTaskIds, id)
		}
	}
	return answer.Build(), nil
}

// FinishTask records the outcome of a task. It fails with InvalidArgument when the
// answer of the connector is of an unknown type, and with NotFound for a task that
// is not under way.
func (s *batonService) FinishTask(_ context.Context, req *v1.BatonServiceFinishTaskRequest) (*v1.BatonServiceFinishTaskResponse, error) {
	result, err := resultOf(req)
	if err != nil {
		return nil, err
	}
	if err := s.ledger.finish(req.GetTaskId(), result); err != nil {
		return nil, err
	}
	return &v1.BatonServiceFinishTaskResponse{}, nil
}

// resultOf reads a FinishTask request.
func resultOf(req *v1.BatonServiceFinishTaskRequest) (*Result, error) {
	result := &Result{Status: status.FromProto(req.GetStatus())}
	response := req.GetSuccess().GetResponse()
	if req.HasError() {
		response = req.GetError().GetResponse()
		result.NonRetryable = req.GetError().GetNonRetryable()
		result.Annotations = req.GetError().GetAnnotations()
	} else {
		result.Annotations = req.GetSuccess().GetAnnotations()
	}
	if failed := result.Status.Code() != codes.OK; failed != req.HasError() {
		return nil, status.Errorf(codes.InvalidArgument, "status %s does not fit the final state", result.Status.Code())
	}
	if response != nil {
		message, err := response.UnmarshalNew()
		if err != nil {
			return nil, status.Errorf(codes.InvalidArgument, "response: %v", err)
		}
		result.Response = message
	}
	return result, nil
}
