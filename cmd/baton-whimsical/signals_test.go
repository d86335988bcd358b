package main

import (
	"os"
	"syscall"
	"testing"
)

func TestModeFollowsTheArgumentsAndTheEnvironment(t *testing.T) {
	for name, test := range map[string]struct {
		arguments []string
		clientID  string
		want      mode
	}{
		"a sync":                         {nil, "", oneShot},
		"a grant":                        {[]string{"--grant-entitlement", "role:editor:assigned"}, "", oneShot},
		"a client id in the environment": {nil, "id", service},
		"a client id as a flag":          {[]string{"--client-id", "id"}, "", service},
		"the same with an equals sign":   {[]string{"--client-id=id"}, "", service},
		"the child of a sync":            {[]string{"_connector-service"}, "", child},
		"the child of a service":         {[]string{"--client-id=id", "_connector-service"}, "id", child},
	} {
		t.Run(name, func(t *testing.T) {
			if got := modeOf(test.arguments, func(string) string { return test.clientID }); got != test.want {
				t.Errorf("mode %d, want %d", got, test.want)
			}
		})
	}
}

func TestExitCodeIsTheOneOfAKilledProcess(t *testing.T) {
	for sig, want := range map[os.Signal]int{syscall.SIGTERM: 143, os.Interrupt: 130} {
		if got := exitCode(sig); got != want {
			t.Errorf("%s: %d, want %d", sig, got, want)
		}
	}
}
