package sim_test

import (
	"strings"
	"testing"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func TestNewRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		cfg  sim.Config
		want string
	}{
		"a workspace without a token":           {sim.Config{}, "token"},
		"a token that no header can carry":      {sim.Config{Token: "a "}, "space"},
		"a negative number of users":            {sim.Config{Token: "a", Users: -1}, "number of users"},
		"a negative page size":                  {sim.Config{Token: "a", PageSize: -1}, "page size"},
		"a default role that Whimsical has not": {sim.Config{Token: "a", DefaultRole: "admin"}, "admin"},
		"a case status that is not documented":  {sim.Config{Token: "a", CaseStatus: 500}, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := sim.New(test.cfg)
			if err == nil || w != nil {
				t.Fatalf("New = %v, %v, want an error alone", w, err)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %q, want it to name %q", err, test.want)
			}
		})
	}
}
