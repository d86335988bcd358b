package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	sdksync "github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/types"

	"github.com/conductorone/baton-whimsical/internal/c1"
)

// function is a connector as a lambda function, between the stand-ins for the
// lambda runtime and ConductorOne and a simulated workspace.
type function struct {
	*process

	c1        *c1.Lambda
	connector types.ConnectorClient
	whimsical *whimsical
}

// startFunction starts a function that is configured with the given SCIM token. The
// test fails when the function has broken the protocol in the end.
func startFunction(t *testing.T, workspace *whimsical, scimToken string) *function {
	t.Helper()
	surroundings, err := c1.NewLambda(map[string]any{"whimsical-token": scimToken, "base-url": workspace.url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if refusals := surroundings.Refusals(); len(refusals) > 0 {
			t.Errorf("ConductorOne has refused requests of the function:\n%s", strings.Join(refusals, "\n"))
		}
		if err := surroundings.Close(); err != nil {
			t.Error(err)
		}
	})
	p := startInstance(t, surroundings, scimToken)
	return &function{process: p, c1: surroundings, connector: surroundings.Connector(p.ctx), whimsical: workspace}
}

// startInstance starts an execution environment of a function.
func startInstance(t *testing.T, surroundings *c1.Lambda, scimToken string) *process {
	t.Helper()
	path := binary(t, connectorPackage, "baton_lambda_support")
	return startProcess(t, path, []string{"lambda"}, surroundings.Environment(), []string{scimToken, surroundings.Secret()})
}

// sync runs the SDK's syncer over the lambda transport, as ConductorOne does, and
// returns what it has read.
func (f *function) sync() census {
	f.t.Helper()
	path := filepath.Join(f.t.TempDir(), "sync.c1z")
	syncer, err := sdksync.NewSyncer(f.ctx, f.connector, sdksync.WithC1ZPath(path), sdksync.WithTmpDir(f.t.TempDir()))
	if err != nil {
		f.t.Fatal(err)
	}
	if err := syncer.Sync(f.ctx); err != nil {
		f.t.Fatal(err)
	}
	if err := syncer.Close(f.ctx); err != nil {
		f.t.Fatal(err)
	}
	return count(f.ctx, f.t, path)
}
