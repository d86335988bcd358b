package main

import (
	"os"
	"syscall"
	"testing"
)

func TestModeFollowsTheArgumentsTheEnvironmentAndTheFile(t *testing.T) {
	for name, test := range map[string]struct {
		arguments []string
		clientID  string
		file      string
		want      mode
	}{
		"a sync":                         {want: oneShot},
		"a sync with a file":             {file: "file: sync.c1z", want: oneShot},
		"a grant":                        {arguments: []string{"--grant-entitlement", "role:editor:assigned"}, want: oneShot},
		"a client id in the environment": {clientID: "id", want: service},
		"a client id in a file":          {file: "client-id: id", want: service},
		"a client id as a flag":          {arguments: []string{"--client-id", "id"}, want: service},
		"the same with an equals sign":   {arguments: []string{"--client-id=id"}, want: service},
		"the child of a sync":            {arguments: []string{"_connector-service"}, want: child},
		"the child of a service":         {arguments: []string{"--client-id=id", "_connector-service"}, clientID: "id", want: child},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile(".baton.yaml", []byte(test.file), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := modeOf(test.arguments, configurationFile(""), func(string) string { return test.clientID }); got != test.want {
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
