package connector

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

// members is what is stored of a page for one role: which page it is, the
// token of the page that follows, and the ids of the users who hold the role.
type members struct {
	page string
	next string
	ids  []string
}

// membersOf picks the active holders of a role. Of a user who is on the page twice
// the last row counts, as it does of the resource.
func membersOf(users []*whimsical.User, role whimsical.Role, token, next string) members {
	m := members{page: pageKey(token), next: next}
	last := make(map[string]int, len(users))
	for i, user := range users {
		last[user.ID] = i
	}
	for i, user := range users {
		if user.IsActive() && user.Role == role && last[user.ID] == i {
			m.ids = append(m.ids, user.ID)
		}
	}
	return m
}

// pack encodes m as length-prefixed strings.
func (m members) pack() []byte {
	size := 2*binary.MaxVarintLen32 + len(m.page) + len(m.next)
	for _, id := range m.ids {
		size += binary.MaxVarintLen32 + len(id)
	}
	packed := appendString(make([]byte, 0, size), m.page)
	packed = appendString(packed, m.next)
	for _, id := range m.ids {
		packed = appendString(packed, id)
	}
	return packed
}

func appendString(packed []byte, s string) []byte {
	packed = binary.AppendUvarint(packed, uint64(len(s)))
	return append(packed, s...)
}

var errPacked = errors.New("a page in the session store is damaged")

// unpackMembers decodes what pack made, and fails on anything else.
func unpackMembers(packed []byte) (members, error) {
	var (
		m   members
		err error
	)
	if m.page, packed, err = cutString(packed); err != nil {
		return members{}, err
	}
	if m.next, packed, err = cutString(packed); err != nil {
		return members{}, err
	}
	for len(packed) > 0 {
		var id string
		if id, packed, err = cutString(packed); err != nil {
			return members{}, err
		}
		m.ids = append(m.ids, id)
	}
	return m, nil
}

func cutString(packed []byte) (s string, rest []byte, err error) {
	length, n := binary.Uvarint(packed)
	if n <= 0 || length > math.MaxInt32 || int(length) > len(packed)-n {
		return "", nil, errPacked
	}
	end := n + int(length)
	return string(packed[n:end]), packed[end:], nil
}
