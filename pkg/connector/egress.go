package connector

import (
	"net/url"
	"slices"
	"strings"

	"github.com/conductorone/baton-sdk/pkg/cli"
)

// checkEgress compares the base URL with the egress policy that ConductorOne serves to a hosted connector.
// Without a policy, every URL is allowed. Redirects are not followed, so requests go only to the host of the
// base URL. A URL that the policy forbids fails with FailedPrecondition: the same setting works where the
// policy allows it.
//
// Source: https://github.com/ConductorOne/baton-sdk/blob/v0.26.0/proto/c1/connectorapi/baton/v1/servedpolicy.proto
func checkEgress(policy *cli.EgressPolicy, base *url.URL) error {
	if policy == nil {
		return nil
	}
	if policy.HTTPSOnly && base.Scheme != "https" {
		return failedPrecondition("C1's egress policy allows https alone: correct base-url, or leave it out")
	}
	// The policy's hosts are in lower case, without port and trailing dot. Only an enforced list blocks;
	// ConductorOne merely observes the others.
	host := strings.TrimSuffix(strings.ToLower(base.Hostname()), ".")
	if policy.Enforce && !slices.Contains(policy.AllowedHosts, host) {
		return failedPrecondition("C1's egress policy does not allow requests to %s: allow this host in C1, or correct base-url", host)
	}
	return nil
}
