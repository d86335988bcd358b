package main

import (
	"encoding/json"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Flags of the SDK; each is also a variable such as BATON_CREATE_ACCOUNT_EMAIL.
const (
	accountEmail   = "create-account-email"
	accountLogin   = "create-account-login"
	accountProfile = "create-account-profile"
)

// safeCreation returns the arguments in a form in which the SDK creates the account
// that they ask for, and nothing else. Of two mistakes it makes a success without a
// word:
//
// An e-mail address without a login or a profile is no account to it, but a full
// sync. Here the address, which is what people log in to Whimsical with, becomes the
// login as well.
//
// A profile that is no JSON object is an empty one to it, so that the account would
// get the workspace's default role, which may be a paid seat, whatever role was asked
// for. Here it is refused with InvalidArgument.
func safeCreation(args []string, getenv func(string) string) ([]string, error) {
	given := flagValues(args, accountEmail, accountLogin, accountProfile)
	value := func(name string) string {
		if value, ok := given[name]; ok {
			return value
		}
		return getenv("BATON_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
	}
	if profile := value(accountProfile); profile != "" {
		var fields map[string]any
		if err := json.Unmarshal([]byte(profile), &fields); err != nil || fields == nil {
			return nil, status.Error(codes.InvalidArgument, "baton-whimsical: --"+accountProfile+
				` is not a JSON object, and nothing was created: write it like '{"first_name":"Ada","role":"viewer"}'`)
		}
		return args, nil
	}
	email := value(accountEmail)
	if email == "" || value(accountLogin) != "" {
		return args, nil
	}
	return withFlag(args, accountLogin, email), nil
}

// withFlag returns args with a flag more.
func withFlag(args []string, name, value string) []string {
	end := slices.Index(args, "--") // flags end there
	if end < 0 {
		end = len(args)
	}
	return slices.Insert(slices.Clone(args), end, "--"+name+"="+value)
}

// flagValues returns the values of the named flags, which are written --name=value or
// --name value, of each the last one.
func flagValues(args []string, names ...string) map[string]string {
	values := map[string]string{}
	for i := 0; i < len(args) && args[i] != "--"; i++ {
		flag, ok := strings.CutPrefix(args[i], "--")
		name, value, joined := strings.Cut(flag, "=")
		if !ok || !slices.Contains(names, name) {
			continue
		}
		if !joined {
			if i++; i == len(args) {
				break
			}
			value = args[i]
		}
		values[name] = value
	}
	return values
}
