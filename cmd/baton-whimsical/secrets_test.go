package main

import (
	"errors"
	"maps"
	"slices"
	"testing"
)

func TestSecretsLeaveTheCommandLine(t *testing.T) {
	for name, test := range map[string]struct {
		given, kept []string
		set         map[string]string
	}{
		"nothing":                         {nil, nil, nil},
		"no secret":                       {[]string{"--file", "x.c1z"}, []string{"--file", "x.c1z"}, nil},
		"a token with an equals sign":     {[]string{"--whimsical-token=a=b", "-f", "x"}, []string{"-f", "x"}, map[string]string{"BATON_WHIMSICAL_TOKEN": "a=b"}},
		"a token in the next argument":    {[]string{"-f", "x", "--whimsical-token", "ab"}, []string{"-f", "x"}, map[string]string{"BATON_WHIMSICAL_TOKEN": "ab"}},
		"an empty token":                  {[]string{"--whimsical-token="}, nil, map[string]string{"BATON_WHIMSICAL_TOKEN": ""}},
		"both secrets":                    {[]string{"--client-secret", "s", "--whimsical-token", "t"}, nil, map[string]string{"BATON_CLIENT_SECRET": "s", "BATON_WHIMSICAL_TOKEN": "t"}},
		"the last one counts":             {[]string{"--whimsical-token=a", "--whimsical-token=b"}, nil, map[string]string{"BATON_WHIMSICAL_TOKEN": "b"}},
		"a flag without its value":        {[]string{"--whimsical-token"}, []string{"--whimsical-token"}, nil},
		"what follows the double dash":    {[]string{"--", "--whimsical-token=a"}, []string{"--", "--whimsical-token=a"}, nil},
		"a flag that only begins like it": {[]string{"--whimsical-tokens=a"}, []string{"--whimsical-tokens=a"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]string{}
			kept, err := hideSecrets(test.given, func(name, value string) error {
				set[name] = value
				return nil
			})
			if err != nil || !slices.Equal(kept, test.kept) || !maps.Equal(set, test.set) {
				t.Errorf("kept %q, set %q, error %v", kept, set, err)
			}
		})
	}
}

func TestASecretThatCannotBeMovedIsAnError(t *testing.T) {
	refused := errors.New("refused")
	_, err := hideSecrets([]string{"--whimsical-token=a"}, func(string, string) error { return refused })
	if !errors.Is(err, refused) {
		t.Errorf("error %v", err)
	}
}
