package c1_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"

	"github.com/conductorone/baton-whimsical/internal/c1"
)

func syncTask() *v1.Task {
	return v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}}.Build()
}

func helloTask() *v1.Task {
	return v1.Task_builder{Hello: &v1.Task_HelloTask{}}.Build()
}

// result waits for a task that must be finished.
func result(ctx context.Context, t *testing.T, task *c1.Task) *c1.Result {
	t.Helper()
	got, err := task.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTasksAreHandedOutInOrder(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)

	message := syncTask()
	first, second := server.Enqueue(message), server.Enqueue(helloTask())
	if message.GetId() != "" {
		t.Error("the caller's message was changed")
	}
	for _, want := range []*c1.Task{first, second} {
		if got := getTask(ctx, t, service); got.GetId() != want.ID() {
			t.Errorf("got task %s, want %s", got.GetId(), want.ID())
		}
	}
}

func TestPollWaitsForATask(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)

	polled := make(chan *v1.Task, 1)
	go func() {
		resp, err := service.GetTask(ctx, v1.BatonServiceGetTaskRequest_builder{HostId: "host"}.Build())
		if err != nil {
			t.Error(err)
		}
		polled <- resp.GetTask()
	}()
	if err := server.WaitPoll(ctx); err != nil {
		t.Fatal(err)
	}
	task := server.Enqueue(syncTask())
	if got := <-polled; got.GetId() != task.ID() {
		t.Errorf("got task %q, want %q", got.GetId(), task.ID())
	}
}

func TestFinishedTaskHasItsResult(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)
	task := server.Enqueue(syncTask())
	getTask(ctx, t, service)

	response, err := anypb.New(&v2.GrantManagerServiceGrantResponse{})
	if err != nil {
		t.Fatal(err)
	}
	note, err := anypb.New(&v2.GrantAlreadyExists{})
	if err != nil {
		t.Fatal(err)
	}
	finish := v1.BatonServiceFinishTaskRequest_builder{
		HostId: "host",
		TaskId: task.ID(),
		Success: v1.BatonServiceFinishTaskRequest_Success_builder{
			Response:    response,
			Annotations: []*anypb.Any{note},
		}.Build(),
	}.Build()
	if _, err := service.FinishTask(ctx, finish); err != nil {
		t.Fatal(err)
	}

	got := result(ctx, t, task)
	if got.Err() != nil || got.NonRetryable || got.C1Z != "" {
		t.Errorf("result is %+v, want success", got)
	}
	if !proto.Equal(got.Response, &v2.GrantManagerServiceGrantResponse{}) {
		t.Errorf("response is %v", got.Response)
	}
	if !got.Annotations.Contains(&v2.GrantAlreadyExists{}) {
		t.Errorf("annotations are %v", got.Annotations)
	}
	if _, err := service.FinishTask(ctx, finish); status.Code(err) != codes.NotFound {
		t.Errorf("the second FinishTask ended with %v, want NotFound", err)
	}
}

func TestFailedTaskHasItsError(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)
	task := server.Enqueue(syncTask())
	getTask(ctx, t, service)

	failure := status.New(codes.FailedPrecondition, "not today").Proto()
	request := v1.BatonServiceFinishTaskRequest_builder{
		HostId: "host",
		TaskId: task.ID(),
		Status: failure,
		Error:  v1.BatonServiceFinishTaskRequest_Error_builder{NonRetryable: true}.Build(),
	}
	contradiction := request
	contradiction.Status = nil
	if _, err := service.FinishTask(ctx, contradiction.Build()); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an error without a status ended with %v, want InvalidArgument", err)
	}
	if _, err := service.FinishTask(ctx, request.Build()); err != nil {
		t.Fatal(err)
	}
	got := result(ctx, t, task)
	if status.Code(got.Err()) != codes.FailedPrecondition || got.Status.Message() != "not today" || !got.NonRetryable {
		t.Errorf("result is %+v", got)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := server.Enqueue(syncTask()).Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait ended with %v, want context.Canceled", err)
	}
}

func TestHelloAnswersItsTask(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)
	task := server.Enqueue(helloTask())
	getTask(ctx, t, service)

	hello := v1.BatonServiceHelloRequest_builder{
		HostId:            "host",
		TaskId:            task.ID(),
		ConnectorMetadata: v2.ConnectorMetadata_builder{DisplayName: "Connector"}.Build(),
	}.Build()
	if _, err := service.Hello(ctx, hello); err != nil {
		t.Fatal(err)
	}
	if got := result(ctx, t, task); got.Err() != nil {
		t.Errorf("result is %+v, want success", got)
	}
	if err := server.WaitHello(ctx, 1); err != nil {
		t.Fatal(err)
	}
	if hellos := server.Hellos(); len(hellos) != 1 || !proto.Equal(hellos[0], hello) {
		t.Errorf("hellos are %v", hellos)
	}
}

func TestHeartbeats(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)
	task := server.Enqueue(syncTask())
	getTask(ctx, t, service)

	beat := func() bool {
		t.Helper()
		resp, err := service.Heartbeat(ctx, v1.BatonServiceHeartbeatRequest_builder{HostId: "host", TaskId: task.ID()}.Build())
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetCancelled()
	}
	if beat() {
		t.Error("the task is cancelled, and nobody said so")
	}
	task.Cancel()
	if !beat() {
		t.Error("the task is not cancelled")
	}
	if err := task.WaitHeartbeats(ctx, 2); err != nil {
		t.Error(err)
	}
	if err := succeed(ctx, service, task.ID()); err != nil {
		t.Fatal(err)
	}
	if beat() {
		t.Error("a finished task is cancelled")
	}
	if got := task.Heartbeats(); got != 2 {
		t.Errorf("%d heartbeats, want the 2 before the end", got)
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)
	asset := bytes.Repeat([]byte("c1z"), 1000)
	task := server.Enqueue(syncTask())
	getTask(ctx, t, service)

	if err := upload(ctx, service, "task99999999999999999999999", asset, checksum(asset)); status.Code(err) != codes.NotFound {
		t.Errorf("an upload for a task that is not under way ended with %v, want NotFound", err)
	}
	if err := upload(ctx, service, task.ID(), asset, checksum(asset[1:])); status.Code(err) != codes.DataLoss {
		t.Errorf("an upload with another checksum ended with %v, want DataLoss", err)
	}
	if err := upload(ctx, service, task.ID(), asset, []byte("short")); status.Code(err) != codes.InvalidArgument {
		t.Errorf("an upload with a malformed checksum ended with %v, want InvalidArgument", err)
	}
	if err := upload(ctx, service, task.ID(), asset, checksum(asset)); err != nil {
		t.Fatal(err)
	}
	if err := succeed(ctx, service, task.ID()); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(result(ctx, t, task).C1Z)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, asset) {
		t.Errorf("the stored asset has %d bytes and is another one", len(got))
	}
}

func TestPauseLosesNoTask(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)
	out := server.Enqueue(syncTask())
	getTask(ctx, t, service)

	polled := make(chan error, 1)
	go func() {
		_, err := service.GetTask(ctx, v1.BatonServiceGetTaskRequest_builder{HostId: "host"}.Build())
		polled <- err
	}()
	if err := server.WaitPoll(ctx); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	queued := server.Enqueue(helloTask())
	if err := <-polled; status.Code(err) != codes.Unavailable {
		t.Errorf("the poll ended with %v, want Unavailable", err)
	}
	if err := succeed(ctx, service, out.ID()); status.Code(err) != codes.Unavailable {
		t.Errorf("FinishTask ended with %v, want Unavailable", err)
	}

	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	// A connection of its own, since the other one backs off.
	service = client.service(client.token())
	if err := succeed(ctx, service, out.ID()); err != nil {
		t.Errorf("the task that was under way: %v", err)
	}
	if got := getTask(ctx, t, service); got.GetId() != queued.ID() {
		t.Errorf("got task %q, want the queued one", got.GetId())
	}
}

func TestBatchPollRecoversLostTasks(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	service := client.service(client.token())
	ctx := testContext(t)
	kept, lost, next := server.Enqueue(syncTask()), server.Enqueue(syncTask()), server.Enqueue(syncTask())

	poll := func(size uint32, known ...string) []string {
		t.Helper()
		resp, err := service.GetTasks(ctx, v1.BatonServiceGetTasksRequest_builder{
			HostId: "host", PageSize: size, KnownTaskIds: known,
		}.Build())
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, task := range resp.GetTasks() {
			ids = append(ids, task.GetId())
		}
		return ids
	}
	if got := poll(2); len(got) != 2 || got[0] != kept.ID() || got[1] != lost.ID() {
		t.Fatalf("the first poll got %q", got)
	}
	if got := poll(2, kept.ID()); len(got) != 2 || got[0] != lost.ID() || got[1] != next.ID() {
		t.Errorf("the second poll got %q, want the task that got lost and the next one", got)
	}
}

func TestMessagesAreValidated(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	client := newClient(t, server)
	_, err := client.service(client.token()).GetTask(testContext(t), &v1.BatonServiceGetTaskRequest{})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a poll without a host ended with %v, want InvalidArgument", err)
	}
	if refusals := server.Refusals(); len(refusals) != 1 {
		t.Errorf("refusals are %q, want one", refusals)
	}
}
