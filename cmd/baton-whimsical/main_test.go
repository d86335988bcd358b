package main

import (
	"testing"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	cfg "github.com/conductorone/baton-whimsical/pkg/config"
)

func TestAnEgressPolicyReachesTheConnector(t *testing.T) {
	settings := &cfg.Whimsical{WhimsicalToken: "test-token"}
	if _, _, err := newConnector(t.Context(), settings, cli.RunTimeOpts{}); err != nil {
		t.Errorf("without a policy: %v", err)
	}
	_, _, err := newConnector(t.Context(), settings, cli.RunTimeOpts{EgressPolicy: &cli.EgressPolicy{Enforce: true}})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("with a policy that allows no host: %v, want FailedPrecondition", err)
	}
}
