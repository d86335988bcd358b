package whimsical

import (
	"math/rand/v2"
	"testing"
)

// TestACompletedListingHoldsEveryUserWhoWasThereAllAlong plays listings of
// workspaces that change between any two requests.
//
// Where the server does not tell meta.created, exactly one thing may hide a
// user from any client, see passes.go: a reordering carries the unread user to
// where the listing has been, and in the same pass a deletion is masked by an
// insertion between the same two requests (or by nothing, where totalResults is
// not told either). A user missing in any other way fails the test.
func TestACompletedListingHoldsEveryUserWhoWasThereAllAlong(t *testing.T) {
	never := func(*passLog) bool { return false }
	for name, test := range map[string]struct {
		histories  uint64
		kinds      int
		undated    bool
		totals     func(*model, []member) number
		undetected func(*passLog) bool
	}{
		"when anything moves": {
			histories: 10_000, kinds: everything, undetected: never,
		},
		"when anything moves, without meta.created": {
			histories: 3_000, kinds: everything, undated: true,
			undetected: func(log *passLog) bool { return log.masked },
		},
		"when anything moves, without meta.created and totalResults": {
			histories: 3_000, kinds: everything, undated: true, totals: untold,
			undetected: func(log *passLog) bool { return log.deleted },
		},
		"when users are reordered, without meta.created and totalResults": {
			histories: 3_000, kinds: reorderings, undated: true, totals: untold, undetected: never,
		},
		"when users are deleted and inserted": {
			histories: 3_000, kinds: deletions | insertions, undetected: never,
		},
		"when users are deleted and inserted, without meta.created and totalResults": {
			histories: 3_000, kinds: deletions | insertions, undated: true, totals: untold, undetected: never,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var completed, light, lightCompleted, failed, undetected, requests int
			for seed := range test.histories {
				choice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // repeatable, not secret
				m, c := drawn(choice)
				c.kinds = test.kinds
				m.undated, m.totals = test.undated, test.totals
				users, clamp := len(m.members), m.clamp
				h := newHistory(seed, m, c)
				err := h.play(t)
				requests += h.requests
				if c.bursts <= 3 {
					light++
				}
				if err != nil {
					failed++
					continue
				}
				completed++
				if c.bursts <= 3 {
					lightCompleted++
				}
				missing := h.missing()
				for _, hash := range missing {
					if log := h.log(); !log.overtaken[hash] || !test.undetected(log) {
						t.Fatalf("seed %d, %d users, pages of %d, %+v: the listing completed in pass %d without a user who was there all along",
							seed, users, clamp, c, h.cur.Pass)
					}
				}
				if len(missing) > 0 {
					undetected++
				}
			}
			t.Logf("%d histories: %d complete, %d of these with a user whom nothing shows, %d failed; %d of %d with light churn complete; %d requests",
				test.histories, completed, undetected, failed, lightCompleted, light, requests)
			if lightCompleted*100 < light*95 {
				t.Errorf("only %d of %d histories with light churn are complete", lightCompleted, light)
			}
			if undetected*100 > completed {
				t.Errorf("%d of %d complete listings miss a user", undetected, completed)
			}
		})
	}
}

// drawn draws a workspace of 5 to 500 users, its page size, and how much it
// changes.
func drawn(choice *rand.Rand) (*model, churn) {
	users := 5 + choice.IntN(36)
	if choice.IntN(5) == 0 {
		users = 5 + choice.IntN(496)
	}
	m := newModel(users)
	m.clamp = []int{1, 2, 3, 4, 7, 20, 50, 100}[choice.IntN(8)]
	switch choice.IntN(3) {
	case 0:
		return m, churn{chance: 0.1, most: 3, bursts: 1 + choice.IntN(3)}
	case 1:
		return m, churn{chance: 0.3, most: 2, bursts: 4 + choice.IntN(20)}
	default:
		return m, churn{chance: 0.5, most: 4, bursts: users}
	}
}
