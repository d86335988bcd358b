//go:build unix

package launch

import (
	"testing"

	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
)

// Service starts a connector in service mode with additional environment variables.
func Service(t testing.TB, server *c1.Server, w *faults.Workspace, env ...string) *Process {
	t.Helper()
	all := append(server.Environment(), Settings(w)...)
	return Start(t, Command{Path: Binary(t, Connector), Dir: t.TempDir(), Env: append(all, env...)})
}

// Function starts an execution environment of a lambda function.
func Function(t testing.TB, lambda *c1.Lambda) *Process {
	t.Helper()
	path := Binary(t, Connector, "baton_lambda_support")
	return Start(t, Command{Path: path, Args: []string{"lambda"}, Dir: t.TempDir(), Env: lambda.Environment()})
}
