package sim_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

func seeded(t *testing.T, users int) []sim.User {
	t.Helper()
	w, err := sim.New(sim.Config{Users: users, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return w.Users()
}

// count returns how many users are editors, viewers, without a role, and inactive.
func count(users []sim.User) (int, int, int, int) {
	var editors, viewers, roleLess, inactive int
	for _, u := range users {
		switch {
		case u.Editor == nil:
			roleLess++
		case *u.Editor:
			editors++
		default:
			viewers++
		}
		if !u.Active {
			inactive++
		}
	}
	return editors, viewers, roleLess, inactive
}

func TestSeedingTwiceGivesTheSamePeople(t *testing.T) {
	if first, second := seeded(t, 500), seeded(t, 500); !reflect.DeepEqual(first, second) {
		t.Error("two workspaces of one size differ")
	}
}

func TestASeededPersonDependsOnTheIndexAlone(t *testing.T) {
	if small, large := seeded(t, 12), seeded(t, 500); !reflect.DeepEqual(small, large[:12]) {
		t.Error("a larger workspace does not begin with the smaller one")
	}
}

func TestTheSeededPeopleStayTheSameAcrossVersions(t *testing.T) {
	// Scripts and recordings name these people: changing them is a breaking change.
	u := seeded(t, 42)[41]
	got := []string{u.ID, u.UserName, u.DisplayName, u.Created.Format(time.RFC3339)}
	want := []string{
		"523135960a91acc9f32a17bc", "joao.nwosu.0042@example.com", "João Nwosu", "2023-01-09T13:47:00Z",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("person 42 = %q, want %q", got, want)
	}
}

func TestTheFirstDozenShowsEveryKindOfUser(t *testing.T) {
	editors, viewers, roleLess, inactive := count(seeded(t, 12))
	if editors < 2 || viewers < 2 || roleLess != 1 || inactive != 1 {
		t.Errorf("editors %d, viewers %d, without a role %d, inactive %d", editors, viewers, roleLess, inactive)
	}
}

func TestALargeWorkspaceHasRealisticShares(t *testing.T) {
	editors, _, roleLess, inactive := count(seeded(t, 10_000))
	for name, test := range map[string]struct{ got, low, high int }{
		"editors":        {editors, 1_900, 2_100},
		"without a role": {roleLess, 150, 250},
		"inactive":       {inactive, 250, 350},
	} {
		if test.got < test.low || test.got > test.high {
			t.Errorf("%s: %d of 10,000, want %d to %d", name, test.got, test.low, test.high)
		}
	}
}

func TestSeededPeopleAreUniqueAndWellFormed(t *testing.T) {
	id := regexp.MustCompile(`^[0-9a-f]{24}$`)
	address := regexp.MustCompile(`^[a-z]+\.[a-z]+\.\d{4,}@example\.com$`)
	seen := map[string]bool{}
	for i, u := range seeded(t, 20_000) {
		if !id.MatchString(u.ID) {
			t.Errorf("user %d: id %q", i, u.ID)
		}
		if !address.MatchString(u.UserName) || u.Email != u.UserName || u.UserName != strings.ToLower(u.UserName) {
			t.Errorf("user %d: userName %q, e-mail %q", i, u.UserName, u.Email)
		}
		if u.GivenName == "" || u.FamilyName == "" || u.DisplayName == "" || u.Created.IsZero() || u.Pending {
			t.Errorf("user %d is incomplete: %+v", i, u)
		}
		if seen[u.ID] || seen[u.UserName] {
			t.Errorf("user %d repeats %q or %q", i, u.ID, u.UserName)
		}
		seen[u.ID], seen[u.UserName] = true, true
	}
}

func TestFullNamesRepeatOnlyAfterAThousandPeople(t *testing.T) {
	seen := map[string]int{}
	for i, u := range seeded(t, 1_000) {
		if j, repeated := seen[u.DisplayName]; repeated {
			t.Fatalf("users %d and %d are both %q", j, i, u.DisplayName)
		}
		seen[u.DisplayName] = i
	}
}
