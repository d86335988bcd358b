package main

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAnEMailAloneIsTheLoginAsWell(t *testing.T) {
	const login = "--create-account-login=ada@example.com"
	for name, test := range map[string]struct {
		args []string
		env  map[string]string
		want []string
	}{
		"a sync": {args: []string{"--file", "x.c1z"}, want: []string{"--file", "x.c1z"}},
		"one word": {
			args: []string{"--create-account-email=ada@example.com"},
			want: []string{"--create-account-email=ada@example.com", login},
		},
		"two words": {
			args: []string{"--create-account-email", "ada@example.com", "-p"},
			want: []string{"--create-account-email", "ada@example.com", "-p", login},
		},
		"the last of several": {
			args: []string{"--create-account-email=grace@example.com", "--create-account-email", "ada@example.com"},
			want: []string{"--create-account-email=grace@example.com", "--create-account-email", "ada@example.com", login},
		},
		"in the environment": {
			env:  map[string]string{"BATON_CREATE_ACCOUNT_EMAIL": "ada@example.com"},
			want: []string{login},
		},
		"an argument before the environment": {
			args: []string{"--create-account-email=ada@example.com"},
			env:  map[string]string{"BATON_CREATE_ACCOUNT_EMAIL": "grace@example.com"},
			want: []string{"--create-account-email=ada@example.com", login},
		},
		"an empty login": {
			args: []string{"--create-account-login=", "--create-account-email=ada@example.com"},
			want: []string{"--create-account-login=", "--create-account-email=ada@example.com", login},
		},
		"before the end of the flags": {
			args: []string{"--create-account-email=ada@example.com", "--", "--create-account-login=grace@example.com"},
			want: []string{"--create-account-email=ada@example.com", login, "--", "--create-account-login=grace@example.com"},
		},
		"a login": {
			args: []string{"--create-account-email=ada@example.com", "--create-account-login", "grace@example.com"},
			want: []string{"--create-account-email=ada@example.com", "--create-account-login", "grace@example.com"},
		},
		"a profile": {
			args: []string{"--create-account-email=ada@example.com", "--create-account-profile={}"},
			want: []string{"--create-account-email=ada@example.com", "--create-account-profile={}"},
		},
		"a login in the environment": {
			args: []string{"--create-account-email=ada@example.com"},
			env:  map[string]string{"BATON_CREATE_ACCOUNT_LOGIN": "grace@example.com"},
			want: []string{"--create-account-email=ada@example.com"},
		},
		"a profile in the environment": {
			args: []string{"--create-account-email=ada@example.com"},
			env:  map[string]string{"BATON_CREATE_ACCOUNT_PROFILE": "{}"},
			want: []string{"--create-account-email=ada@example.com"},
		},
		"an empty e-mail": {args: []string{"--create-account-email="}, want: []string{"--create-account-email="}},
		"an e-mail that is missing": {
			args: []string{"--create-account-email"}, want: []string{"--create-account-email"},
		},
		"a flag that is the value of another": {
			args: []string{"--create-account-email", "--create-account-login=grace@example.com"},
			want: []string{
				"--create-account-email", "--create-account-login=grace@example.com",
				"--create-account-login=--create-account-login=grace@example.com",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(test.args)
			got, err := safeCreation(test.args, func(name string) string { return test.env[name] })
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("got %q and %v, want %q", got, err, test.want)
			}
			if !slices.Equal(test.args, given) {
				t.Errorf("the arguments given are changed to %q", test.args)
			}
		})
	}
}

func TestAProfileThatIsNoObjectIsRefused(t *testing.T) {
	for _, profile := range []string{`{role}`, `{'role': 'viewer'}`, `{"role":"viewer"`, `{"role":"viewer"}}`, `[]`, `null`, `"viewer"`, `7`, ` `} {
		t.Run(profile, func(t *testing.T) {
			args := []string{"--create-account-email=ada@example.com", "--create-account-profile", profile}
			if _, err := safeCreation(args, func(string) string { return "" }); status.Code(err) != codes.InvalidArgument {
				t.Errorf("as an argument: %v", err)
			}
			env := func(name string) string { return map[string]string{"BATON_CREATE_ACCOUNT_PROFILE": profile}[name] }
			if _, err := safeCreation(nil, env); status.Code(err) != codes.InvalidArgument {
				t.Errorf("in the environment: %v", err)
			}
		})
	}
}
