package connector_test

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const operations = 1000

// TestAnySequenceOfOperationsEndsAsTheModelSays makes random operations, some of them
// twice, some with a lost answer, and compares the workspace with the model after
// each. Along the way nobody becomes an Editor for whom nobody asked for it.
func TestAnySequenceOfOperationsEndsAsTheModelSays(t *testing.T) {
	for seed, test := range []struct {
		name string
		cfg  sim.Config
	}{
		{"deactivation removes", sim.Config{Users: 12}},
		{"deactivation keeps", sim.Config{Users: 12, DeactivationKeeps: true}},
		{"new users are Editors", sim.Config{Users: 40, DeactivationKeeps: true, DefaultRole: "editor"}},
		{"new users are pending", sim.Config{Users: 12, PendingUntilLogin: true}},
		{"new users are pending and deactivation keeps", sim.Config{Users: 12, PendingUntilLogin: true, DeactivationKeeps: true}},
		{"an empty workspace", sim.Config{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRun(t, seed, test.cfg)
			for i := 0; i < operations && !t.Failed(); {
				op := r.pick()
				for range 1 + r.rng.IntN(5)/4 { // one in five twice
					r.perform(op)
					i++
				}
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if r.lost == 0 {
				t.Error("no answer was lost")
			}
			if t.Failed() {
				t.Logf("the last operations:\n%s", strings.Join(r.history[max(0, len(r.history)-8):], "\n"))
			}
		})
	}
}

// operation is one call, and what it may do.
type operation struct {
	kind, role string
	// target is the id of a user, userName the address of an account to create.
	target, userName string
}

// run is one random sequence.
type run struct {
	*provisioner
	t     *testing.T
	rng   *rand.Rand
	model model
	sim   *sim.Workspace
	// ids are those of all users there have ever been.
	ids     []string
	history []string

	// mu guards what follows, which the server uses as well.
	mu sync.Mutex
	// current is the operation under way, requests how many it has made. loseWrites
	// and loseReads are how many answers of either kind are still to be lost, lost is
	// how many were.
	current                     operation
	requests                    int
	loseWrites, loseReads, lost int
}

func newRun(t *testing.T, seed int, cfg sim.Config) *run {
	t.Helper()
	cfg.Token = token
	workspace, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{
		t:     t,
		rng:   rand.New(rand.NewPCG(uint64(seed), 1)), //nolint:gosec // small, and the same in every run
		sim:   workspace,
		model: model{keeps: cfg.DeactivationKeeps, pends: cfg.PendingUntilLogin, defaultRole: cfg.DefaultRole, members: map[string]*member{}},
	}
	if r.model.defaultRole == "" {
		r.model.defaultRole = "viewer"
	}
	for _, user := range workspace.Users() {
		who := memberOf(user)
		r.model.members[user.ID] = &who
		r.ids = append(r.ids, user.ID)
	}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.provisioner = newProvisioner(t, server.URL+sim.BasePath, token)
	return r
}

func (r *run) pick() operation {
	op := operation{
		kind: []string{"grant", "revoke", "create", "delete", "enable", "disable", "login"}[r.weighted(25, 25, 20, 5, 10, 10, 5)],
		role: []string{"editor", "viewer"}[r.rng.IntN(2)],
	}
	op.target = "nobody"
	if len(r.ids) > 0 && r.rng.IntN(50) > 0 {
		// Mostly users of late, since many of old are gone.
		recent := r.ids[max(0, len(r.ids)-30):]
		op.target = recent[r.rng.IntN(len(recent))]
	}
	if op.kind == "create" {
		op.userName = fmt.Sprintf("person%d@example.com", r.rng.IntN(15))
		if r.rng.IntN(3) == 0 {
			op.role = ""
		}
		if user, ok := r.sim.User(op.target); ok && r.rng.IntN(2) == 0 {
			op.userName = user.UserName
		}
	}
	return op
}

// weighted returns an index with the probability of its weight.
func (r *run) weighted(weights ...int) int {
	total := 0
	for _, weight := range weights {
		total += weight
	}
	n := r.rng.IntN(total)
	for i, weight := range weights {
		if n -= weight; n < 0 {
			return i
		}
	}
	return 0
}

// perform makes an operation on both sides and compares them.
func (r *run) perform(op operation) {
	whole := r.begin(op)
	got := status.Code(r.call(op))
	if whole && r.requested() > 3 {
		r.t.Errorf("%+v took %d requests, want at most 3", op, r.requested())
	}
	for range 4 { // as the SDK repeats grants and revokes
		if got != codes.Unavailable {
			break
		}
		got = status.Code(r.call(op))
	}
	if want := r.expect(op); got != want {
		r.t.Errorf("%+v: got %v, want %v", op, got, want)
	}
	r.compare()
}

func (r *run) requested() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

// begin prepares the server for an operation: which answers it loses. It returns
// whether every answer will arrive.
func (r *run) begin(op operation) (whole bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.current, r.requests, r.loseWrites, r.loseReads = op, 0, 0, 0
	if r.rng.IntN(5) == 0 {
		// The look after a creation cannot see a pending user, so that the call waits
		// before it tries again: too slow to do often.
		if op.kind != "create" || !r.model.pends {
			r.loseWrites = 1
		}
		// Reads are repeated by the HTTP client first, so several have to be lost. The
		// other operations would wait half a second before they try again.
		if op.kind == "grant" || op.kind == "revoke" {
			r.loseReads = r.rng.IntN(2) * 3
		}
	}
	r.history = append(r.history, fmt.Sprintf("%+v, losing %d and %d answers", op, r.loseWrites, r.loseReads))
	return r.loseWrites+r.loseReads == 0
}

func (r *run) call(op operation) error {
	switch op.kind {
	case "grant":
		return r.grant(op.role, op.target).err
	case "revoke":
		return r.revoke(op.role, op.target).err
	case "create":
		return r.create(account{primary: op.userName, profile: map[string]any{"role": op.role}}.info(r.t)).err
	case "delete":
		return r.delete(op.target).err
	case "login":
		r.sim.Login(op.target)
		return nil
	default:
		return r.act(op.kind+"_user", userIDIs(op.target)).err
	}
}

func (r *run) expect(op operation) codes.Code {
	switch op.kind {
	case "grant":
		return r.model.grant(op.role, op.target)
	case "revoke":
		return r.model.revoke(op.role, op.target)
	case "create":
		return r.model.create(op.userName, op.role, r.newcomer(op.userName))
	case "delete":
		return r.model.delete(op.target)
	case "enable":
		return r.model.enable(op.target)
	case "disable":
		return r.model.disable(op.target)
	default:
		if who := r.model.members[op.target]; who != nil {
			who.pending = false
		}
		return codes.OK
	}
}

// newcomer returns the id of the user with an address, and keeps it when it is new.
func (r *run) newcomer(userName string) string {
	for _, user := range r.sim.Users() {
		if user.UserName != userName {
			continue
		}
		if r.model.members[user.ID] == nil {
			r.ids = append(r.ids, user.ID)
		}
		return user.ID
	}
	return "nobody was created"
}

func (r *run) compare() {
	users := r.sim.Users()
	if len(users) != len(r.model.members) {
		r.t.Errorf("the workspace has %d users, the model %d", len(users), len(r.model.members))
	}
	for _, user := range users {
		want := r.model.members[user.ID]
		if got := memberOf(user); want == nil || got != *want {
			r.t.Errorf("user %s is %+v, in the model %+v", user.ID, got, want)
		}
	}
}
