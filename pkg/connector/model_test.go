package connector_test

import (
	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

// model is the reference for what a sequence of operations does to a workspace: the
// table of the design in a few lines, without HTTP, repetition or lost answers. Every
// method returns the code that the operation ends with.
type model struct {
	keeps, pends bool
	defaultRole  string
	members      map[string]*member // by id
}

type member struct {
	userName, role  string // role is "" where nobody knows it
	active, pending bool
}

func (m model) find(id string) *member {
	if who := m.members[id]; who != nil && !who.pending {
		return who
	}
	return nil
}

func (m model) grant(role, id string) codes.Code {
	who := m.find(id)
	if who == nil {
		return codes.NotFound
	}
	who.active, who.role = true, role
	return codes.OK
}

func (m model) revoke(role, id string) codes.Code {
	who := m.find(id)
	switch {
	case who == nil || !who.active:
	case role == "editor":
		who.role = "viewer"
	case who.role == "viewer":
		return m.disable(id)
	case who.role == "":
		return codes.FailedPrecondition
	}
	return codes.OK
}

// create is told the id that a new user has been given.
func (m model) create(userName, role, id string) codes.Code {
	for _, who := range m.members {
		if who.userName != userName {
			continue
		}
		if !who.active && role != "" {
			who.role = role
		}
		who.active = true
		return codes.OK
	}
	if role == "" {
		role = m.defaultRole
	}
	m.members[id] = &member{userName: userName, role: role, active: true, pending: m.pends}
	return codes.OK
}

func (m model) delete(id string) codes.Code {
	if m.find(id) != nil {
		delete(m.members, id)
	}
	return codes.OK
}

func (m model) enable(id string) codes.Code {
	who := m.find(id)
	if who == nil {
		return codes.NotFound
	}
	who.active = true
	return codes.OK
}

func (m model) disable(id string) codes.Code {
	who := m.find(id)
	switch {
	case who == nil:
		return codes.NotFound
	case m.keeps:
		who.active = false
	case who.active:
		delete(m.members, id)
	}
	return codes.OK
}

// memberOf is a simulated user as the model sees them.
func memberOf(user sim.User) member {
	who := member{userName: user.UserName, active: user.Active, pending: user.Pending}
	if user.Editor != nil {
		who.role = "viewer"
		if *user.Editor {
			who.role = "editor"
		}
	}
	return who
}
