package settings

import (
	"slices"
	"testing"

	"github.com/conductorone/baton-sdk/pkg/field"
)

// carried are the settings of the SDK that have an effect in a one-shot run.
var carried = []string{
	"auth-method", "c1z-temp-dir", "create-account-email", "create-account-login", "create-account-profile", "create-account-resource-type",
	"delete-resource", "delete-resource-type", "file", "grant-entitlement", "grant-principal", "grant-principal-type", "http-timeout-seconds",
	"invoke-action", "invoke-action-args", "list-action-schemas", "log-format", "log-level", "log-path", "otel-collector-endpoint",
	"otel-collector-endpoint-tls-cert", "otel-collector-endpoint-tls-cert-path", "otel-collector-endpoint-tls-insecure", "otel-logging-disabled",
	"otel-tracing-disabled", "parallel-sync", "revoke-grant", "skip-entitlements-and-grants", "skip-grants", "storage-engine", "sync-resource-types",
	"sync-resources", "workers",
	// With a client ID, the run is that of a service. Provisioning is what a one-shot run is asked for by name.
	"client-id", "client-secret", "provisioning",
}

func TestEverySettingOfTheSDKIsCarriedOrRefusedOrNamedAsOneOfServices(t *testing.T) {
	for _, setting := range field.DefaultFields {
		name := setting.GetName()
		answers := map[bool]int{}
		for _, answer := range []bool{slices.Contains(carried, name), unsupported.MatchString(name), ofServices.MatchString(name)} {
			answers[answer]++
		}
		if answers[true] != 1 {
			t.Errorf("there are %d answers to --%s, want one", answers[true], name)
		}
	}
}
