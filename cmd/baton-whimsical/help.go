package main

import (
	_ "embed"
	"strings"

	"github.com/spf13/cobra"
)

var (
	//go:embed help.txt
	help string
	//go:embed changing.txt
	changing string // the flags for changes, which the SDK hides
)

// describe makes --help say what the command is for and what it can change.
func describe(command *cobra.Command) {
	command.Long, command.Example, _ = strings.Cut(help, "\nExamples:\n")
	for line := range strings.Lines(strings.TrimSpace(changing)) {
		name, usage, _ := strings.Cut(strings.TrimSpace(line), ": ")
		flag := command.PersistentFlags().Lookup(name)
		flag.Hidden, flag.Usage = false, usage
	}
	command.MarkFlagsRequiredTogether("delete-resource", "delete-resource-type")
	command.MarkFlagsRequiredTogether("grant-entitlement", "grant-principal-type")
	for _, other := range []string{"create-account-email", "create-account-login", "create-account-profile", "list-action-schemas"} {
		command.MarkFlagsMutuallyExclusive(other, "delete-resource", "grant-entitlement", "invoke-action", "revoke-grant", "sync-resources")
	}
}
