package connector_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/cli"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
)

func TestAnEgressPolicyDecidesWhereRequestsGo(t *testing.T) {
	const whimsicalHost = "api.whimsical.com"
	enforced := func(hosts ...string) *cli.EgressPolicy {
		return &cli.EgressPolicy{AllowedHosts: hosts, HTTPSOnly: true, Enforce: true}
	}
	for name, test := range map[string]struct {
		baseURL string
		policy  *cli.EgressPolicy
		// refused is what the error says; "" where the policy allows the base URL.
		refused string
	}{
		"without a policy every host is allowed":       {"https://scim.example.com/", nil, ""},
		"the default host is allowed":                  {"", enforced("example.com", whimsicalHost), ""},
		"another allowed host is":                      {"https://scim.example.com/", enforced("scim.example.com"), ""},
		"a port does not matter":                       {"https://scim.example.com:8443/", enforced("scim.example.com"), ""},
		"the case of letters and a last dot don't":     {"https://SCIM.example.com./", enforced("scim.example.com"), ""},
		"a policy that is not enforced refuses nobody": {"https://scim.example.com/", &cli.EgressPolicy{HTTPSOnly: true}, ""},
		"a policy without hosts refuses the default":   {"", enforced(), "does not allow requests to api.whimsical.com: allow this host in C1, or correct base-url"},
		"a host that is not allowed is refused":        {"https://scim.example.com/", enforced(whimsicalHost), "does not allow requests to scim.example.com"},
		"a subdomain is another host":                  {"https://a.scim.example.com/", enforced("scim.example.com"), "does not allow requests to a.scim.example.com"},
		"http is refused to an allowed host":           {"http://localhost:8099/scim-v2/", enforced("localhost"), "allows https alone: correct base-url"},
		"http is refused where hosts are not enforced": {"http://127.0.0.1:8099/", &cli.EgressPolicy{HTTPSOnly: true}, "allows https alone: correct base-url"},
	} {
		t.Run(name, func(t *testing.T) {
			settings := &config.Whimsical{WhimsicalToken: scimscript.Token, BaseUrl: test.baseURL}
			_, _, err := connector.New(t.Context(), settings, &cli.ConnectorOpts{EgressPolicy: test.policy})
			allowed := err == nil && test.refused == ""
			if !allowed && (status.Code(err) != codes.FailedPrecondition || test.refused == "" || !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("%v, want FailedPrecondition with %q", err, test.refused)
			}
		})
	}
}

func TestWhatASettingHasLogged(t *testing.T) {
	const host = "info: baton-whimsical: base-url is not the default: host="
	const empty = "warn: baton-whimsical: roles are synced without users: the SDK drops their grants, so both roles will look empty:"
	for name, test := range map[string]struct {
		baseURL, types string
		options        []func(*connector.Connector)
		want           []string
	}{
		"no base URL":                          {"", "", nil, nil},
		"the default base URL":                 {"https://api.whimsical.com/scim-v2/", "", nil, nil},
		"the default base URL without a slash": {"https://api.whimsical.com/scim-v2", "", nil, nil},
		"another base URL":                     {"https://scim.example.com/private/", "", nil, []string{host + "scim.example.com"}},
		"a base URL with a port":               {"http://127.0.0.1:8099/scim-v2/", "", nil, []string{host + "127.0.0.1:8099"}},
		"another path of the default host":     {"https://api.whimsical.com/other/", "", nil, []string{host + "api.whimsical.com"}},
		"roles alone":                          {"", "role", nil, []string{empty}},
		"users alone":                          {"", "user", nil, nil},
		"users and roles":                      {"", "user role", nil, nil},
		"both, in the first process":           {"https://scim.example.com/", "role", []func(*connector.Connector){connector.Unlogged}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, log := logged(t, zapcore.DebugLevel)
			settings := &config.Whimsical{WhimsicalToken: scimscript.Token, BaseUrl: test.baseURL}
			if _, _, err := connector.New(ctx, settings, &cli.ConnectorOpts{SyncResourceTypeIDs: strings.Fields(test.types)}, test.options...); err != nil {
				t.Fatal(err)
			}
			if got := lines(log); !slices.Equal(got, test.want) {
				t.Errorf("logged %q, want %q", got, test.want)
			}
		})
	}
}
