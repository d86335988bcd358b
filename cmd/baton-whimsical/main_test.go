package main

import (
	"context"
	"strings"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/config"
	"github.com/conductorone/baton-sdk/pkg/types"
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

func TestTheErrorOfAnActionKeepsItsCode(t *testing.T) {
	coded := func(code codes.Code, message string) string { return status.Error(code, message).Error() }
	for text, want := range map[string]error{
		coded(codes.NotFound, "baton-whimsical: nobody"):             status.Error(codes.NotFound, "baton-whimsical: nobody"),
		coded(codes.Unauthenticated, "two\nlines"):                   status.Error(codes.Unauthenticated, "two\nlines"),
		coded(codes.Aborted, coded(codes.NotFound, "of its detail")): status.Error(codes.Aborted, coded(codes.NotFound, "of its detail")),
		coded(codes.Code(99), "x"):                                   status.Error(codes.Unknown, "the action failed: "+coded(codes.Code(99), "x")),
		"he said " + coded(codes.NotFound, "x"):                      status.Error(codes.Unknown, "the action failed: he said "+coded(codes.NotFound, "x")),
		"":                                                           status.Error(codes.Unknown, "the action failed: "),
	} {
		got, expected := status.Convert(actionError(text)), status.Convert(want)
		if got.Code() != expected.Code() || got.Message() != expected.Message() {
			t.Errorf("%q becomes %s, %q", text, got.Code(), got.Message())
		}
	}
}

func TestTheHelpShowsAnExampleOfEachChange(t *testing.T) {
	newServer := func(context.Context, *cfg.Whimsical, cli.RunTimeOpts) (types.ConnectorServer, error) { return nil, nil }
	_, command, err := config.DefineConfigurationV2(t.Context(), "baton-whimsical", newServer, cfg.Config)
	if err != nil {
		t.Fatal(err)
	}
	describe(command)
	shown := command.UsageString()
	_, examples, _ := strings.Cut(shown, "\nExamples:\n")
	for _, example := range []string{
		"baton-whimsical\n", "--grant-entitlement role:editor:assigned --grant-principal ada@example.com\n",
		"--revoke-grant role:editor:assigned:user:ada@example.com\n", `--create-account-profile '{"email":"ada@example.com",`,
		"--delete-resource ada@example.com\n", `--invoke-action disable_user --invoke-action-args '{"user_id":"ada@example.com"}'`,
		"--invoke-action enable_user ",
	} {
		if !strings.Contains(examples, example) {
			t.Errorf("no example of %q in\n%s", example, shown)
		}
	}
}
