package connector_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/conductorone/baton-whimsical/internal/batontest"
	"github.com/conductorone/baton-whimsical/internal/scimscript"
	"github.com/conductorone/baton-whimsical/internal/sim"
)

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
