//go:build unix

package launch

import (
	"runtime"
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/c1"
	"github.com/conductorone/baton-whimsical/internal/faults"
)

// NewC1 starts a stand-in for ConductorOne that ends with the test.
func NewC1(t testing.TB) *c1.Server {
	t.Helper()
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("Go takes no certificate from the environment here")
	}
	server, err := c1.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Service starts a connector in service mode with additional environment variables.
func Service(t testing.TB, server *c1.Server, w *faults.Workspace, env ...string) *Process {
	t.Helper()
	all := append(server.Environment(), Settings(w)...)
	return Start(t, Command{Path: Binary(t, Connector), Dir: t.TempDir(), Env: append(all, env...)})
}

// NewLambda starts the surroundings of a lambda function that end with the test. The
// test fails when the function has broken the protocol.
func NewLambda(t testing.TB, settings map[string]any) *c1.Lambda {
	t.Helper()
	lambda, err := c1.NewLambda(settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		Accepted(t, lambda.Refusals())
		if err := lambda.Close(); err != nil {
			t.Error(err)
		}
	})
	return lambda
}

// Function starts an execution environment of a lambda function.
func Function(t testing.TB, lambda *c1.Lambda) *Process {
	t.Helper()
	path := Binary(t, Connector, "baton_lambda_support")
	return Start(t, Command{Path: path, Args: []string{"lambda"}, Dir: t.TempDir(), Env: lambda.Environment()})
}

// Accepted fails the test when ConductorOne has refused requests.
func Accepted(t testing.TB, refusals []string) {
	t.Helper()
	if len(refusals) > 0 {
		t.Errorf("ConductorOne has refused requests of the connector:\n%s", strings.Join(refusals, "\n"))
	}
}
