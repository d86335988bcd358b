// Package c1 stands in for ConductorOne, so that a connector can be run against
// the protocols that it meets in production without the SaaS. It is never linked
// into the connector.
//
// [Server] is what a connector in service mode talks to: the token endpoint and
// c1.connectorapi.baton.v1.BatonService on one TLS listener. [Lambda] is what a
// connector hosted as a lambda function needs: the lambda runtime API, the
// endpoint that hands out its configuration, the session store, and a client that
// invokes it.
//
// Both listen on a free port of 127.0.0.1, with a certificate authority made for
// the run, and hold their clients to the protocol: a request without a valid token,
// or whose message breaks the rules in the protocol buffers, is refused and noted,
// see [Server.Refusals].
//
// A test runs the connector with the environment of the server, and gives it tasks:
//
//	server, err := c1.New()
//	...
//	cmd.Env = append(cmd.Env, server.Environment()...)
//	...
//	task := server.Enqueue(v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}}.Build())
//	result, err := task.Wait(ctx)
//
// Limits: there is one connector for each stand-in, and no leases: a task that was
// handed out is handed out again only where the connector says that it does not
// have it, which it does in GetTasks and cannot do in GetTask. A connector is told
// to trust the authority by SSL_CERT_FILE, which Go reads on Linux and the BSDs,
// not on macOS and Windows.
package c1
