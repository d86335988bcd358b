package connector_test

import (
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
			_, _, err := connector.New(t.Context(), &config.Whimsical{WhimsicalToken: scimscript.Token, BaseUrl: test.baseURL}, &cli.ConnectorOpts{EgressPolicy: test.policy})
			if test.refused == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), test.refused) {
				t.Errorf("%v, want FailedPrecondition with %q", err, test.refused)
			}
		})
	}
}

func TestABaseURLThatIsNotTheDefaultIsLoggedWithItsHostAlone(t *testing.T) {
	for baseURL, want := range map[string]string{
		"":                                   "",
		"https://api.whimsical.com/scim-v2/": "",
		"https://api.whimsical.com/scim-v2":  "",
		"https://scim.example.com/private/":  "scim.example.com",
		"http://127.0.0.1:8099/scim-v2/":     "127.0.0.1:8099",
		"https://api.whimsical.com/other/":   "api.whimsical.com",
	} {
		ctx, logs := logged(t, zapcore.DebugLevel)
		if _, _, err := connector.New(ctx, &config.Whimsical{WhimsicalToken: scimscript.Token, BaseUrl: baseURL}, nil); err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, entry := range logs.All() {
			said += line(entry)
		}
		if want != "" {
			want = "info: baton-whimsical: base-url is not the default: host=" + want
		}
		if said != want {
			t.Errorf("base-url %q: logged %q, want %q", baseURL, said, want)
		}
	}
}

func TestTheFirstProcessOfAServiceLogsNothing(t *testing.T) {
	ctx, logs := logged(t, zapcore.DebugLevel)
	settings := &config.Whimsical{WhimsicalToken: scimscript.Token, BaseUrl: "https://scim.example.com/"}
	opts := &cli.ConnectorOpts{SyncResourceTypeIDs: []string{"role"}}
	if _, _, err := connector.New(ctx, settings, opts, connector.Unlogged); err != nil {
		t.Fatal(err)
	}
	for _, entry := range logs.All() {
		t.Errorf("logged %q", entry.Message)
	}
}
