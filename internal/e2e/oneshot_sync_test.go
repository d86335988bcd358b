//go:build unix

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/faults"
	"github.com/conductorone/baton-whimsical/internal/launch"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestOneShotSyncHoldsTheWorkspaceWhateverItsSize(t *testing.T) {
	t.Parallel()
	for _, users := range []int{0, 1, 100, 101, 3000} {
		t.Run(fmt.Sprintf("%d users", users), func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, sim.Config{Users: users})
			launch.NewFolder(t, w).Syncs(w.Users())
			if got, budget := len(w.TakeRequests()), (users+98)/99+3; got > budget {
				t.Errorf("%d requests, want at most %d", got, budget)
			}
		})
	}
}

func TestBaseURLWorksWithoutItsSlash(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, sim.Config{Users: 3})
	w.URL = strings.TrimSuffix(w.URL, "/")
	launch.NewFolder(t, w).Syncs(w.Users())
}

func TestTargetedSyncHoldsTheUserAndTheirGrant(t *testing.T) {
	t.Parallel()
	w := faults.Serve(t, leaving)
	f := launch.NewFolder(t, w)
	for _, match := range []func(sim.User) bool{isEditor, isViewer, isInactive, hasNoRole} {
		user := person(t, w, match)
		file := filepath.Join(f.Dir, user.ID+".c1z")
		f.Succeed("--sync-resources", "bid:r:user/"+user.ID, "--file", file)
		picture, err := batontest.Read(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		got, want := picture.Access(), batontest.Expected([]sim.User{user})
		for thing, said := range want {
			if is, ok := got[thing]; strings.Contains(thing, user.ID) && (!ok || is != said) {
				t.Errorf("%s is %q, want %q", thing, is, said)
			}
		}
		if wanted := len(want) - len(batontest.Expected(nil)) - 1; len(picture.Grants) != wanted {
			t.Errorf("%d grants, want %d", len(picture.Grants), wanted)
		}
	}
}

func TestSyncThatCannotWorkSaysWhyAndSealsNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env, fault string
		code       codes.Code
		says       string
	}{
		"a wrong token":                        {"BATON_WHIMSICAL_TOKEN=wrong", "", codes.Unauthenticated, "reveal it again in Whimsical's Workspace settings"},
		"a base URL with nothing behind it":    {"", "404 as HTML", codes.FailedPrecondition, "check base-url"},
		"a base URL with a web page behind it": {"", "HTML with 200", codes.FailedPrecondition, "it is a web page"},
		"a base URL with another API behind":   {"", "another API", codes.FailedPrecondition, "no SCIM ListResponse"},
		"a base URL that would send the token unencrypted": {
			"BATON_BASE_URL=http://whimsical.example.com/scim-v2/", "", codes.InvalidArgument, "use https",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := faults.Serve(t, sim.Config{Users: 3})
			f := launch.NewFolder(t, w)
			f.Env = append(f.Env, test.env)
			if test.fault != "" {
				w.Set(faults.Rule{Fault: faults.Named(test.fault)})
			}
			f.Fail(test.code, test.says)
			f.HoldsNothing()
		})
	}
}
