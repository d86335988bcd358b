package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// The share of each kind of user, as one in so many, with the offset that places
// the first of each kind within the first dozen.
const (
	editorEvery, editorFirst     = 5, 1
	inactiveEvery, inactiveFirst = 33, 7
	roleLessEvery, roleLessFirst = 50, 9
)

// Person returns the seeded user at an index. It depends on nothing else, so that
// every workspace of at least that size holds the same one.
func Person(index int) User {
	given := givenNames[index%len(givenNames)]
	family := familyNames[index%len(familyNames)]
	userName := fmt.Sprintf("%s.%s.%04d@example.com", given.slug, family.slug, index+1)

	var editor *bool
	if index%roleLessEvery != roleLessFirst {
		isEditor := index%editorEvery == editorFirst
		editor = &isEditor
	}
	return User{
		ID:          opaqueID("seeded", index),
		UserName:    userName,
		GivenName:   given.text,
		FamilyName:  family.text,
		DisplayName: given.text + " " + family.text,
		Email:       userName,
		Active:      index%inactiveEvery != inactiveFirst,
		Editor:      editor,
		Created:     time.Date(2023, time.January, 9, 9, 0, 0, 0, time.UTC).Add(time.Duration(index) * 7 * time.Minute),
	}
}

// opaqueID derives an id that tells nothing about the user and is the same in
// every run.
func opaqueID(kind string, index int) string {
	digest := sha256.Sum256([]byte("whimsical-sim " + kind + " " + strconv.Itoa(index)))
	return hex.EncodeToString(digest[:])[:24]
}

// freshID returns the next unused id for a user who was not seeded. The caller
// holds mu.
func (w *Workspace) freshID() string {
	for {
		w.created++
		if id := opaqueID("created", w.created); w.byID[id] == nil {
			return id
		}
	}
}

// creationTime returns meta.created of the next user who is created over SCIM. It
// is a simulated clock, a minute for each id, so that a run can be repeated exactly.
// The caller holds mu.
func (w *Workspace) creationTime() time.Time {
	return time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC).Add(time.Duration(w.created) * time.Minute)
}
