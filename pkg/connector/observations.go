package connector

import (
	"cmp"
	"encoding/binary"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// state is what matters of a user at the end of a listing.
type state byte

const (
	holdsEditor state = 1 << iota
	holdsViewer
	roleUnknown
	activeUnreadable
)

func stateOf(user *whimsical.User) state {
	var s state
	if user.ActiveUnreadable {
		s |= activeUnreadable
	}
	switch {
	case !user.IsActive():
	case user.Role == whimsical.RoleEditor:
		s |= holdsEditor
	case user.Role == whimsical.RoleViewer:
		s |= holdsViewer
	default:
		s |= roleUnknown
	}
	return s
}

func (s state) has(mark state) bool {
	return s&mark != 0
}

// role returns the role for which a grant is emitted.
func (s state) role() whimsical.Role {
	switch {
	case s.has(holdsEditor):
		return whimsical.RoleEditor
	case s.has(holdsViewer):
		return whimsical.RoleViewer
	default:
		return whimsical.RoleUnknown
	}
}

// observations is what is stored of a page for the end of the listing: each
// user's fingerprint and state.
type observations struct {
	users  []uint64
	states []state
}

func observe(page *whimsical.UserPage) observations {
	var o observations
	for _, user := range page.Users {
		o.users = append(o.users, whimsical.Fingerprint(user.ID))
		o.states = append(o.states, stateOf(user))
	}
	return o
}

const observationSize = 9

// pack encodes o in nine bytes a user.
func (o observations) pack() []byte {
	packed := make([]byte, 0, observationSize*len(o.users))
	for i, user := range o.users {
		packed = binary.BigEndian.AppendUint64(packed, user)
		packed = append(packed, byte(o.states[i]))
	}
	return packed
}

// unpackObservations decodes what pack made, and fails on anything else.
func unpackObservations(packed []byte) (observations, error) {
	if len(packed)%observationSize != 0 {
		return observations{}, errPacked
	}
	var o observations
	for ; len(packed) > 0; packed = packed[observationSize:] {
		o.users = append(o.users, binary.BigEndian.Uint64(packed))
		o.states = append(o.states, state(packed[observationSize-1]))
	}
	return o, nil
}

func (o observations) sightings(seq int) []sighting {
	sightings := make([]sighting, len(o.users))
	for i, user := range o.users {
		sightings[i] = sighting{user: user, seq: seq, state: o.states[i]}
	}
	return sightings
}

// compareSightings orders by user, then by page.
func compareSightings(a, b sighting) int {
	return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.seq, b.seq))
}
