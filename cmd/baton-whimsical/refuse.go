package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var (
	// naming matches the settings that say what to sync or to change.
	naming = regexp.MustCompile(`^(create-account|delete-resource|grant|invoke|revoke|rotate|sync-resource)`)
	// quoted is what a YAML error shows of the file, which may be a secret.
	quoted = regexp.MustCompile("`[^`]*`|\n")
)

// refuse fails with InvalidArgument where the SDK would do something else than was
// asked for, and say nothing.
func refuse(settings *viper.Viper, flags *pflag.FlagSet, service bool) error {
	named, none := os.Getenv("BATON_CONFIG_PATH"), viper.ConfigFileNotFoundError{}
	used, file := settings.ConfigFileUsed(), viper.New()
	file.SetConfigFile(cmp.Or(named, used))
	if err := file.ReadInConfig(); err != nil && (named != "" || !errors.As(err, &none)) {
		return unusableFile(cmp.Or(named, used), err)
	}
	if named != "" && filepath.Base(used) != filepath.Base(named) {
		return unusableFile(named, errors.New(used+" would be read in its place"))
	}
	if settings.GetInt("task-concurrency") < 1 {
		return invalid("--task-concurrency must be 1 to 100: with less, nothing would ever run")
	}
	if service {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(settings.GetString("file"))); err != nil {
		return invalid("--file names a folder that cannot be used: " + err.Error())
	}
	// A name is empty where a script's variable is not set, and the SDK would run a full
	// sync. It has copied into the flags what is not empty elsewhere.
	var empty error
	flags.VisitAll(func(flag *pflag.Flag) {
		variable := "BATON_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
		_, set := os.LookupEnv(variable)
		if naming.MatchString(flag.Name) && (flag.Changed || set || slices.Contains(file.AllKeys(), flag.Name)) && strings.Trim(flag.Value.String(), "[]\", \t\r\n") == "" {
			empty = invalid("--" + flag.Name + " (" + variable + ") is empty, and nothing was done: give it a value, or leave it out")
		}
	})
	if flags.Changed("invoke-action-args") && settings.GetString("invoke-action") == "" {
		empty = cmp.Or(empty, invalid("--invoke-action-args names no action, and nothing was done: give --invoke-action as well"))
	}
	return cmp.Or(empty, safeCreation(settings))
}

// safeCreation lets the SDK create the account that is asked for. To it, an e-mail
// address without a login or a profile means a full sync; the address is what people
// log in to Whimsical with. A profile that is no JSON object is an empty one to it.
func safeCreation(settings *viper.Viper) error {
	email, profile := settings.GetString("create-account-email"), settings.GetString("create-account-profile")
	var fields map[string]any
	if profile != "" && (json.Unmarshal([]byte(profile), &fields) != nil || fields == nil) {
		return invalid(`--create-account-profile is not a JSON object, and nothing was created: write it like '{"email":"...","role":"viewer"}'`)
	}
	if email != "" && profile == "" && settings.GetString("create-account-login") == "" {
		settings.Set("create-account-login", email)
	}
	return nil
}

func unusableFile(path string, err error) error {
	return invalid("the configuration file " + path + " cannot be used: " + quoted.ReplaceAllString(err.Error(), ""))
}

func invalid(message string) error {
	return status.Error(codes.InvalidArgument, "baton-whimsical: "+message)
}
