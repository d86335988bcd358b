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
	"context"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
)

// Server is ConductorOne's side of one connector in service mode: c1.connectorapi.baton.v1.BatonService. All
// methods are safe for concurrent use.
type Server struct {
	v1.UnimplementedBatonServiceServer
	*endpoint

	// uploads is the folder for uploaded assets.
	uploads string

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

// Enqueue queues a task behind those that were queued before. The message is copied;
// its id and status are set.
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
