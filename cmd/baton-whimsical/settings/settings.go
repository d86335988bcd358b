// Package settings reads the settings of a one-shot run from the flags, the environment and a file. It
// refuses settings that the SDK would silently misread or ignore; some of these checks also hold for a
// service. Its errors carry InvalidArgument, or Unimplemented for what this command does not do, unless they
// are the SDK's own or worded like them.
package settings

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/bid"
	"github.com/conductorone/baton-sdk/pkg/cli"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"github.com/conductorone/baton-sdk/pkg/field"
	"github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/conductorone/baton-whimsical/pkg/config"
	"github.com/conductorone/baton-whimsical/pkg/connector"
	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

var (
	// naming matches the settings that say what to sync or to change.
	naming = regexp.MustCompile(`^(create-account|delete-resource|grant|invoke|revoke|rotate|sync-resource)`)
	// unsupported matches the settings for what Whimsical has not, such as tickets, and for
	// what the SDK does with files of earlier syncs.
	unsupported = regexp.MustCompile(`^(bulk-|compact-|event-feed|external-resource-|rotate-|ticket(-|ing$)|.*-tickets?$|` +
		`list-ticket-schemas|.*-resource-actions?(-|$)|(invoke-action|list-action-schemas)-resource-type)`)
	// ofServices matches the settings that have an effect in service mode alone. --provisioning is not among
	// them: a one-shot run needs no permission to make a change.
	ofServices = regexp.MustCompile(`^(health-check|keep-previous-sync-c1z|log-event-log|log-level-debug|session-store-|skip-full-sync|task-concurrency)`)
	// quoted is what a YAML error shows of the file, which may be a secret.
	quoted = regexp.MustCompile("`[^`]*`|\n")
)

// Refuse returns the first error of the checks, of which some are for a one-shot run alone.
func Refuse(v *viper.Viper, flags *pflag.FlagSet, service bool) error {
	checks := []func(*viper.Viper, *pflag.FlagSet) error{configurationFileUnusable, booleanUnreadable, tokenMissing, nothingWouldRun}
	if !service {
		checks = append(checks, outOfRange, nameEmpty, actionMissing, settingUnsupported, typeUnknown)
	}
	for _, fails := range checks {
		if err := fails(v, flags); err != nil {
			return err
		}
	}
	return nil
}

// Complete sets the type of a grant's principal and of a resource to delete to user, where none is given.
func Complete(flags *pflag.FlagSet) error {
	for _, name := range []string{"grant-principal", "delete-resource"} {
		if flags.Changed(name) && !flags.Changed(name+"-type") {
			if err := flags.Set(name+"-type", "user"); err != nil {
				return err
			}
		}
	}
	return nil
}

// configurationFileUnusable refuses a file that the SDK passes over, or replaces by another.
func configurationFileUnusable(v *viper.Viper, _ *pflag.FlagSet) error {
	named, none := os.Getenv("BATON_CONFIG_PATH"), viper.ConfigFileNotFoundError{}
	err := v.ReadInConfig()
	used := v.ConfigFileUsed()
	switch {
	case err != nil && (named != "" || !errors.As(err, &none)):
		return UnusableFile(cmp.Or(named, used), err)
	case named != "" && filepath.Base(used) != filepath.Base(named):
		return UnusableFile(named, errors.New(used+" would be read in its place"))
	}
	return nil
}

// UnusableFile returns the error of a configuration file, without what is in it.
func UnusableFile(path string, err error) error {
	return Invalid("the configuration file " + path + " cannot be used: " + quoted.ReplaceAllString(err.Error(), ""))
}

// booleanUnreadable refuses what the SDK takes for false: yes, on, "true" with its quotes
// or with a blank behind it.
func booleanUnreadable(v *viper.Viper, flags *pflag.FlagSet) error {
	return firstOf(flags, func(flag *pflag.Flag) error {
		text, isText := v.Get(flag.Name).(string)
		if _, err := strconv.ParseBool(text); flag.Value.Type() == "bool" && isText && text != "" && err != nil {
			return Invalid(fmt.Sprintf("--%s (%s) is %q, and has to be true or false, without quotes or blanks", flag.Name, variable(flag), text))
		}
		return nil
	})
}

func tokenMissing(v *viper.Viper, _ *pflag.FlagSet) error {
	if strings.TrimSpace(v.GetString("whimsical-token")) == "" {
		return Invalid("BATON_WHIMSICAL_TOKEN is not set: set it to the SCIM OAuth token, which Whimsical's Workspace settings reveal under SCIM provisioning")
	}
	return nil
}

func nothingWouldRun(v *viper.Viper, _ *pflag.FlagSet) error {
	if v.GetInt("task-concurrency") < 1 {
		return Invalid("--task-concurrency must be 1 to 100: with less, nothing would ever run")
	}
	return nil
}

// outOfRange applies the SDK's rules for its own settings. The rules skip a 0, so the timeout's is refused
// here.
func outOfRange(v *viper.Viper, _ *pflag.FlagSet) error {
	timeout, engine, tasks := field.HttpTimeoutField, field.StorageEngineField, field.TaskConcurrencyField
	seconds := v.GetInt(timeout.GetName())
	if seconds == 0 {
		return fmt.Errorf("field %s: value must be greater than or equal to 1 but got %d", timeout.GetName(), seconds)
	}
	_, timeoutErr := field.ValidateField(&timeout, seconds)
	_, engineErr := field.ValidateField(&engine, v.GetString(engine.GetName()))
	_, tasksErr := field.ValidateField(&tasks, v.GetInt(tasks.GetName()))
	return cmp.Or(timeoutErr, engineErr, tasksErr)
}

// nameEmpty refuses an empty name, such as a variable that a script did not set: without a name, everything
// is synced. The SDK copies only values that are not empty into the flags.
func nameEmpty(v *viper.Viper, flags *pflag.FlagSet) error {
	file := viper.New()
	file.SetConfigFile(v.ConfigFileUsed())
	_ = file.ReadInConfig() // an earlier check has reported errors; there may be no file
	return firstOf(flags, func(flag *pflag.Flag) error {
		_, set := os.LookupEnv(variable(flag))
		given := flag.Changed || set || slices.Contains(file.AllKeys(), flag.Name)
		if given && naming.MatchString(flag.Name) && strings.Trim(flag.Value.String(), "[]\", \t\r\n") == "" {
			return Invalid("--" + flag.Name + " (" + variable(flag) + ") is empty, and nothing was done: give it a value, or leave it out")
		}
		return nil
	})
}

func actionMissing(v *viper.Viper, flags *pflag.FlagSet) error {
	if flags.Changed("invoke-action-args") && v.GetString("invoke-action") == "" {
		return Invalid("--invoke-action-args names no action, and nothing was done: give --invoke-action as well")
	}
	return nil
}

func settingUnsupported(_ *viper.Viper, flags *pflag.FlagSet) error {
	return firstOf(flags, func(flag *pflag.Flag) error {
		if unsupported.MatchString(flag.Name) && flag.Value.String() != flag.DefValue {
			return whimsical.Errorf(codes.Unimplemented, "--%s (%s) is for something that this command does not do: leave it out", flag.Name, variable(flag))
		}
		return nil
	})
}

// withoutEffect returns the settings that a one-shot run does nothing with.
func withoutEffect(flags *pflag.FlagSet) []string {
	var names []string
	flags.VisitAll(func(flag *pflag.Flag) {
		if ofServices.MatchString(flag.Name) && flag.Value.String() != flag.DefValue {
			names = append(names, flag.Name)
		}
	})
	return names
}

// typeUnknown refuses a resource type that the connector does not have.
func typeUnknown(v *viper.Viper, _ *pflag.FlagSet) error {
	resources, err := targets(v)
	if err != nil {
		return err
	}
	asked := v.GetStringSlice("sync-resource-types")
	for _, resource := range resources {
		asked = append(asked, resource.GetId().GetResourceType())
	}
	if of := v.GetString("delete-resource-type"); of != "" {
		asked = append(asked, of)
	}
	var known []string
	for _, builder := range (&connector.Connector{}).ResourceSyncers(context.Background()) {
		known = append(known, builder.ResourceType(context.Background()).GetId())
	}
	for _, name := range asked {
		if !slices.Contains(known, name) {
			return Invalid("there is no resource type " + name + ": the types are " + strings.Join(known, " and "))
		}
	}
	return nil
}

// targets returns what a targeted sync is about.
func targets(v *viper.Viper) ([]*v2.Resource, error) {
	var resources []*v2.Resource
	for _, id := range v.GetStringSlice("sync-resources") {
		resource, err := bid.ParseResourceBid(id)
		if err != nil {
			return nil, Invalid("--sync-resources takes IDs such as bid:r:user/ID")
		}
		resources = append(resources, resource)
	}
	return resources, nil
}

// OfConnector returns the connector's own settings.
func OfConnector(v *viper.Viper) (*config.Whimsical, error) {
	read, err := cli.MakeGenericConfiguration[*config.Whimsical](v, field.WithAdditionalDecodeHooks(field.FileUploadDecodeHook(true)))
	if err != nil {
		return nil, fmt.Errorf("the settings cannot be read: %w", err)
	}
	return read, field.Validate(config.Config, read, field.WithAuthMethod(v.GetString("auth-method")))
}

// Engine returns the storage engine that is asked for, "" for the SDK's default.
func Engine(v *viper.Viper) c1zstore.Engine {
	return c1zstore.Engine(v.GetString(field.StorageEngineField.GetName()))
}

// SyncOptions returns what the settings say of a sync. It fails with InvalidArgument where
// --sync-resources cannot be read.
func SyncOptions(v *viper.Viper) ([]sync.SyncOpt, error) {
	resources, err := targets(v)
	workers := v.GetInt(field.WorkerCountField.GetName())
	if v.GetBool(field.ParallelSyncField.GetName()) && workers == 0 {
		workers = -1 // as many as there are processors, at most 4
	}
	return []sync.SyncOpt{
		sync.WithTargetedSyncResources(resources),
		sync.WithSyncResourceTypes(v.GetStringSlice("sync-resource-types")),
		sync.WithSkipEntitlementsAndGrants(v.GetBool("skip-entitlements-and-grants")),
		sync.WithSkipGrants(v.GetBool("skip-grants")),
		sync.WithStorageEngine(Engine(v)),
		sync.WithWorkerCount(workers),
	}, err
}

// Object reads a setting that is a JSON object, or empty. The example is for the error.
func Object(v *viper.Viper, name, example string) (*structpb.Struct, error) {
	read := map[string]any{}
	if text := v.GetString(name); text != "" {
		if err := json.Unmarshal([]byte(text), &read); err != nil || read == nil {
			return nil, Invalid("--" + name + " is not a JSON object, and nothing was created or changed: write it like " + example)
		}
	}
	return structpb.NewStruct(read)
}

// firstOf returns the first error of a check of each flag, in the order of their names.
func firstOf(flags *pflag.FlagSet, fails func(*pflag.Flag) error) error {
	var first error
	flags.VisitAll(func(flag *pflag.Flag) {
		if first == nil {
			first = fails(flag)
		}
	})
	return first
}

// variable returns the environment variable of a flag.
func variable(flag *pflag.Flag) string {
	return "BATON_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
}

// Invalid returns an InvalidArgument error about the settings.
func Invalid(message string) error {
	return whimsical.Errorf(codes.InvalidArgument, "%s", message)
}
