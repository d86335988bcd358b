package connector_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

// TestInAnySequenceOfOperationsNobodyGainsWhatWasNotAskedFor makes random operations, some of them twice,
// many on a server that fails in the middle. After every request nobody but the user of the operation has
// changed, and nobody is active or Editor for whom that was not asked. An operation that reports success has
// had its effect; one that fails has changed nothing, unless its code leaves that open or its error says what
// it left; one that meets no failure ends as the design says, within its budget of requests.
func TestInAnySequenceOfOperationsNobodyGainsWhatWasNotAskedFor(t *testing.T) {
	const operations = 500
	for seed, test := range []struct {
		name      string
		cfg       sim.Config
		leavesOut bool
	}{
		{"deactivation removes", sim.Config{Users: 12}, false},
		{"deactivation keeps", sim.Config{Users: 12, DeactivationKeeps: true}, false},
		{"active is left out when false", sim.Config{Users: 12, DeactivationKeeps: true}, true},
		{"new users are Editors", sim.Config{Users: 40, DeactivationKeeps: true, DefaultRole: "editor"}, false},
		{"new users are pending", sim.Config{Users: 12, PendingUntilLogin: true}, false},
		{"new users are pending and deactivation keeps", sim.Config{Users: 12, PendingUntilLogin: true, DeactivationKeeps: true}, true},
		{"an empty workspace", sim.Config{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cfg.Token = scimscript.Token
			workspace, err := sim.New(test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			r := &run{
				t: t, sim: workspace, cfg: test.cfg, leavesOut: test.leavesOut, filtersIDs: seed%2 == 0, met: map[string]int{},
				rng: rand.New(rand.NewPCG(uint64(seed), 1)), //nolint:gosec // small, and the same in every run
			}
			inBubble(t, r, sim.BasePath, func(p *provisioner) {
				r.provisioner = p
				for i := 0; i < operations && !t.Failed(); {
					op := r.pick()
					for range 1 + r.rng.IntN(5)/4 { // one in five twice
						r.perform(op)
						i++
					}
				}
			})
			for _, fault := range faults {
				if r.met[fault] == 0 {
					t.Errorf("no request has met the fault %q", fault)
				}
			}
			if t.Failed() {
				t.Logf("the last operations:\n%s", strings.Join(r.history[max(0, len(r.history)-8):], "\n"))
			}
		})
	}
}

// faults are what happens to the requests of an operation.
var faults = []string{
	"lost",    // done, and the answer is lost
	"half",    // the first operation of a PATCH is stored, then 500
	"missing", // a change is answered by 404
	"down",    // not done, 503
	"echoed",  // not done, and answered with the wish
	"late",    // done, and reads show what was there before, up to three times
	"refused", // done, the answer is lost, and the repeats are refused
}

// onReads are those that befall reads, too.
var onReads = []string{"lost", "half", "down"}

// operation is one call.
type operation struct {
	kind, role string
	// target is the id of a user, userName the address of an account to create.
	target, userName string
	// fault befalls left requests: changes alone, or reads as well.
	fault string
	left  int
	reads bool
	// lag is how many reads lag behind each change, refusal the status of a repeat.
	lag, refusal int
}

// concerns tells whether an operation is about a user.
func (op operation) concerns(user sim.User) bool {
	if op.kind == "create" {
		return user.UserName == op.userName
	}
	return user.ID == op.target
}

// run is one random sequence.
type run struct {
	*provisioner
	t          *testing.T
	rng        *rand.Rand
	sim        *sim.Workspace
	cfg        sim.Config
	leavesOut  bool
	filtersIDs bool // the server can list users by id
	history    []string
	seen       []string // the ids of all users there have ever been

	mu       sync.Mutex
	current  operation
	requests int
	met      map[string]int
	stale    *sim.Workspace // what lagging reads show
	lag      int            // how often they still do
	struck   bool           // a fault has befallen a request of the operation
}

func (r *run) pick() operation {
	for _, user := range r.sim.Users() {
		if !slices.Contains(r.seen, user.ID) {
			r.seen = append(r.seen, user.ID)
		}
	}
	kinds := strings.Fields("grant grant grant grant grant revoke revoke revoke revoke revoke create create create create delete enable enable disable disable login")
	op := operation{kind: kinds[r.rng.IntN(len(kinds))], role: []string{"editor", "viewer"}[r.rng.IntN(2)], target: "nobody"}
	if len(r.seen) > 0 && r.rng.IntN(50) > 0 {
		// Mostly users of late, since many of old are gone.
		recent := r.seen[max(0, len(r.seen)-20):]
		op.target = recent[r.rng.IntN(len(recent))]
	}
	if op.kind == "create" {
		op.userName = fmt.Sprintf("person%d@example.com", r.rng.IntN(15))
		if r.rng.IntN(3) == 0 {
			op.role = "default"
		}
		if user, ok := r.sim.User(op.target); ok && r.rng.IntN(2) == 0 {
			op.userName = user.UserName
		}
	}
	if r.rng.IntN(2) == 0 {
		op.fault, op.left, op.reads = faults[r.rng.IntN(len(faults))], 1+r.rng.IntN(5), r.rng.IntN(4) == 0
		op.lag, op.refusal = 1+r.rng.IntN(3), []int{400, 403, 409, 422}[r.rng.IntN(4)]
	}
	if op.fault == "echoed" && r.leavesOut && (op.kind == "grant" || op.kind == "create") {
		op.fault = "late" // here the role is all that confirms the operation, and may have been the same before
	}
	return op
}

func (r *run) perform(op operation) {
	before, there := r.find(op)
	r.mu.Lock()
	r.current, r.requests, r.lag, r.struck = op, 0, 0, false
	was := r.sim.Users()
	r.mu.Unlock()
	got := r.call(op)
	r.mu.Lock()
	requests, met := r.requests, r.current.left != op.left
	r.mu.Unlock()
	r.history = append(r.history, fmt.Sprintf("%+v: %d requests, %q, %v", op, requests, got.result, got.err))

	if got.err == nil && !r.effective(op, got.result) {
		r.t.Errorf("%+v reports %q, and has had no effect on %+v", op, got.result, before)
	}
	if changed := !reflect.DeepEqual(was, r.sim.Users()); changed && !leavesOpen(got.err) {
		r.t.Errorf("%+v fails with %v, and has changed the workspace all the same", op, got.err)
	}
	if met {
		return
	}
	want := r.expected(op, before, there)
	if status.Code(got.err) != want {
		r.t.Errorf("%+v on %+v: got %v, want %v", op, before, got.err, want)
	}
	budget := 3
	switch {
	case want == codes.FailedPrecondition: // the reads are repeated
		budget = 6
	case strings.Contains(got.result, "pending"):
		budget = 4
	case !there && op.kind != "create":
		budget = 2
	}
	if requests > budget {
		r.t.Errorf("%+v on %+v took %d requests", op, before, requests)
	}
}

var saysWhatItLeft = regexp.MustCompile(`a read shows the status|the user was created|the change was made|could not be confirmed`)

// leavesOpen tells whether an operation may have changed something: it succeeded,
// its code does not tell, or its error says what it left.
func leavesOpen(err error) bool {
	switch status.Code(err) {
	case codes.OK, codes.Unavailable, codes.DeadlineExceeded, codes.Aborted:
		return true
	default:
		return saysWhatItLeft.MatchString(err.Error())
	}
}

// find returns the user of an operation, as the API shows them.
func (r *run) find(op operation) (sim.User, bool) {
	for _, user := range r.sim.Users() {
		if op.concerns(user) && !user.Pending {
			return user, true
		}
	}
	return sim.User{}, false
}

func (r *run) call(op operation) outcome {
	switch op.kind {
	case "login":
		r.sim.Login(op.target)
		return outcome{}
	case "enable", "disable":
		return r.do(op.kind+"_user", op.target, "")
	default:
		return r.do(op.kind+" "+op.role, op.target, op.userName)
	}
}

// expected is the code of an operation that meets no failure.
func (r *run) expected(op operation, user sim.User, there bool) codes.Code {
	lowest := op.kind == "revoke" && op.role == "viewer"
	switch {
	case (op.kind == "grant" || op.kind == "enable") && !there:
		return codes.NotFound
	case lowest && there && batontest.ReportedRole(user) == "" && (user.Active || r.leavesOut),
		// Where nobody tells that the user is inactive, nobody tells that it worked.
		there && !user.Active && r.leavesOut && (op.kind == "disable" || lowest && batontest.ReportedRole(user) == "viewer"):
		return codes.FailedPrecondition
	default:
		return codes.OK
	}
}

// effective tells whether the workspace shows what an operation reports.
func (r *run) effective(op operation, result string) bool {
	user, there := r.find(op)
	there = there && user.Active
	switch {
	case op.kind == "login", strings.HasPrefix(result, "action required"):
		return true
	case op.kind == "grant":
		return there && batontest.ReportedRole(user) == op.role
	case op.kind == "revoke":
		return !there || batontest.ReportedRole(user) != op.role
	case op.kind == "create":
		return there && (op.role == "default" || batontest.ReportedRole(user) == op.role || strings.HasPrefix(result, "already exists"))
	case op.kind == "enable":
		return there
	default:
		return !there
	}
}

var inactive = regexp.MustCompile(`"active":false,?`)

// ServeHTTP answers as the workspace does, or fails as the operation says.
func (r *run) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	if id, ok := strings.CutPrefix(req.URL.Query().Get("filter"), "id eq "); ok && r.filtersIDs {
		r.listOf(w, strings.Trim(id, `"`))
		return
	}
	reads := req.Method == http.MethodGet
	fault := r.strike(reads)
	before, answer, workspace := r.sim.Users(), httptest.NewRecorder(), r.sim
	switch fault {
	case "refused":
		w.WriteHeader(r.current.refusal)
		return
	case "missing":
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, scimscript.NotFound().Body) // here as below the client waits for it
		return
	case "down":
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case "echoed":
		workspace = r.copied()
	case "late", "first":
		r.stale, r.lag = r.copied(), r.current.lag
	case "half":
		r.keepFirstOperation(req)
	}
	if reads && r.lag > 0 {
		workspace = r.stale
		r.lag--
	}
	workspace.Handler().ServeHTTP(answer, req)
	r.check(before)
	switch fault {
	case "lost", "first":
		loseAnswer()
	case "half":
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	body := answer.Body.Bytes()
	if r.leavesOut {
		body = inactive.ReplaceAll(body, nil)
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body)
}

// strike returns the fault that befalls a request, "" for none. "first" is the one before those that
// are refused: it is done, the answer is lost, and reads lag behind it.
func (r *run) strike(reads bool) string {
	op := &r.current
	if op.left == 0 || reads && (!op.reads || !slices.Contains(onReads, op.fault)) {
		return ""
	}
	op.left--
	r.met[op.fault]++
	first := !r.struck
	r.struck = true
	if op.fault == "refused" && first {
		return "first"
	}
	return op.fault
}

// copied returns a workspace with the users of now.
func (r *run) copied() *sim.Workspace {
	cfg := r.cfg
	cfg.Users = 0
	workspace, err := sim.New(cfg)
	if err != nil {
		r.t.Error(err)
	}
	for _, user := range r.sim.Users() {
		workspace.Add(user)
	}
	return workspace
}

// listOf answers a list that is filtered by id.
func (r *run) listOf(w http.ResponseWriter, id string) {
	var list scimscript.List
	if user, ok := r.sim.User(id); ok && !user.Pending {
		list = scimscript.List{{ID: user.ID, UserName: user.UserName}}
	}
	_, _ = io.WriteString(w, list.String())
}

var restOfOperations = regexp.MustCompile(`\},\{"op".*\]\}$`)

// keepFirstOperation drops the others from a PATCH.
func (r *run) keepFirstOperation(req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	req.Body = io.NopCloser(bytes.NewReader(restOfOperations.ReplaceAll(body, []byte("}]}"))))
}

// check compares the users with those of before the last request.
func (r *run) check(before []sim.User) {
	op, now := r.current, r.sim.Users()
	was := map[string]sim.User{}
	for _, user := range before {
		was[user.ID] = user
		if there := slices.ContainsFunc(now, func(u sim.User) bool { return u.ID == user.ID }); !there && !op.concerns(user) {
			r.t.Errorf("%+v has removed user %+v", op, user)
		}
	}
	for _, user := range now {
		then := was[user.ID]
		if !op.concerns(user) && !reflect.DeepEqual(user, then) {
			r.t.Errorf("%+v has changed user %+v, who was %+v", op, user, then)
		}
		activated := user.Active && !then.Active
		if activated && op.kind != "grant" && op.kind != "enable" && op.kind != "create" {
			r.t.Errorf("%+v has activated user %+v", op, then)
		}
		isNew := batontest.ReportedRole(user) == "editor" && (batontest.ReportedRole(then) != "editor" || activated)
		if isNew && !r.mayBeEditor(op, then) {
			r.t.Errorf("%+v has made an Editor of user %+v, who was %+v", op, user, then)
		}
	}
}

// mayBeEditor tells whether an operation may make an active Editor of a user.
func (r *run) mayBeEditor(op operation, then sim.User) bool {
	switch {
	case op.kind == "grant", op.kind == "create" && op.role != "default":
		return op.role == "editor"
	case op.kind == "create" && then.ID == "":
		return r.cfg.DefaultRole == "editor"
	default:
		return batontest.ReportedRole(then) == "editor" && (op.kind == "enable" || op.kind == "create")
	}
}
