package connector_test

import (
	"net"
	"net/http"
	"net/http/httptest"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// ServeHTTP answers as the workspace does, or not at all.
func (r *run) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests++
	before := r.sim.Users()
	answer := httptest.NewRecorder()
	r.sim.Handler().ServeHTTP(answer, req)
	r.checkNewEditors(before)

	left := &r.loseReads
	if req.Method != http.MethodGet {
		left = &r.loseWrites
	}
	if *left > 0 {
		*left--
		r.lost++
		r.reset(w)
		return
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the client has no reason to be gone
}

func (r *run) reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		r.t.Error(err)
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the connection ends in any case
	}
	_ = conn.Close()
}

// checkNewEditors fails the test when a request made somebody an Editor who should
// not become one by the operation under way.
func (r *run) checkNewEditors(before []sim.User) {
	was := map[string]member{}
	for _, user := range before {
		was[user.ID] = memberOf(user)
	}
	for _, user := range r.sim.Users() {
		now, then := memberOf(user), was[user.ID]
		if !now.active || now.role != "editor" || then.active && then.role == "editor" {
			continue
		}
		op := r.current
		granted := op.kind == "grant" && op.role == "editor" && op.target == user.ID
		activated := then.role == "editor" && (op.kind == "enable" && op.target == user.ID || op.kind == "create" && op.role == "" && op.userName == user.UserName)
		created := op.kind == "create" && op.userName == user.UserName &&
			(op.role == "editor" || op.role == "" && then == (member{}) && r.model.defaultRole == "editor")
		if !granted && !activated && !created {
			r.t.Errorf("%+v made an Editor of user %s, who was %+v", op, user.ID, then)
		}
	}
}
