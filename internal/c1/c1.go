// Package c1 stands in for ConductorOne, so that a connector can be run against
// the protocols that it meets in production without the SaaS. Use it where the way
// over ConductorOne matters: tasks, uploads, outages, refused credentials, calls of
// a lambda function. It is never linked into the connector.
//
// [Server] is what a connector in service mode talks to. [Lambda] is what surrounds
// one that is hosted as a lambda function. Both listen on a free port of 127.0.0.1.
//
//	server, err := c1.New()
//	cmd.Env = append(cmd.Env, server.Environment()...)
//	task := server.Enqueue(v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}}.Build())
//	result, err := task.Wait(ctx)
//	picture, err := synctest.Read(ctx, result.C1Z)
//
// Clients are held to the rules in the protocol buffers and to their token; how they
// prove to be who they are is the SDK's business and is not checked. There is one
// connector for each stand-in, and no leases: a task that was handed out is not handed
// out again. A connector is told to trust the server's certificate by SSL_CERT_FILE,
// which Go reads on Linux and the BSDs, not on macOS and Windows.
package c1
