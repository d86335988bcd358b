package connector

import (
	"net/url"
	"slices"
	"strings"

	"github.com/conductorone/baton-sdk/pkg/cli"
)

// checkEgress compares the base URL with the egress policy that ConductorOne serves to a hosted connector; no
// policy allows everything. Redirects are not followed, so that the base URL's host is the only one that a
// request goes to. What the policy forbids is FailedPrecondition: the same setting works where the policy
// allows it.
//
// Source: https://github.com/ConductorOne/baton-sdk/blob/v0.26.0/proto/c1/connectorapi/baton/v1/servedpolicy.proto
func checkEgress(policy *cli.EgressPolicy, base *url.URL) error {
	if policy == nil {
		return nil
	}
	if policy.HTTPSOnly && base.Scheme != "https" {
		return failedPrecondition("C1's egress policy allows https alone: correct base-url, or leave it out")
	}
	// The policy's hosts are in lower case, without port and trailing dot. C1 observes what is not enforced.
	host := strings.TrimSuffix(strings.ToLower(base.Hostname()), ".")
	if policy.Enforce && !slices.Contains(policy.AllowedHosts, host) {
		return failedPrecondition("C1's egress policy does not allow requests to %s: allow this host in C1, or correct base-url", host)
	}
	return nil
}
