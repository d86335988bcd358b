package main

import "strings"

// secretFlags are the flags whose values are secrets, with the environment
// variables that mean the same.
var secretFlags = map[string]string{ //nolint:gosec // their names, not their values
	"--whimsical-token": "BATON_WHIMSICAL_TOKEN",
	"--client-secret":   "BATON_CLIENT_SECRET",
}

// hideSecrets moves secrets from the command line into the environment. The SDK
// starts a second process with the same arguments, whose command line every user
// of the machine could read for as long as a sync runs.
func hideSecrets(arguments []string, setenv func(name, value string) error) ([]string, error) {
	kept := make([]string, 0, len(arguments))
	for i := 0; i < len(arguments); i++ {
		argument := arguments[i]
		if argument == "--" {
			return append(kept, arguments[i:]...), nil
		}
		name, value, given := strings.Cut(argument, "=")
		variable, secret := secretFlags[name]
		if secret && !given && i+1 < len(arguments) {
			i++
			value, given = arguments[i], true
		}
		if !secret || !given {
			kept = append(kept, argument)
			continue
		}
		if err := setenv(variable, value); err != nil {
			return nil, err
		}
	}
	return kept, nil
}
