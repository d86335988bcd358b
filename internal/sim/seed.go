package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// Person returns the seeded user at an index. It depends on nothing else, so that
// every workspace of at least that size holds the same one.
func Person(index int) User {
	given := givenNames[index%len(givenNames)]
	family := familyNames[index%len(familyNames)]
	userName := fmt.Sprintf("%s.%s.%04d@example.com", given.slug, family.slug, index+1)

	// Some are Editors, some inactive, some without a role; the first of each kind is within the first dozen.
	isEditor := index%5 == 1
	editor := &isEditor
	if index%50 == 9 {
		editor = nil
	}
	return User{
		ID:          opaqueID("seeded", index),
		UserName:    userName,
		GivenName:   given.text,
		FamilyName:  family.text,
		DisplayName: given.text + " " + family.text,
		Email:       userName,
		Active:      index%33 != 7,
		Editor:      editor,
		Created:     time.Date(2023, time.January, 9, 9, 0, 0, 0, time.UTC).Add(time.Duration(index) * 7 * time.Minute),
	}
}

// opaqueID derives an id that tells nothing about the user and is the same in every run.
func opaqueID(kind string, index int) string {
	digest := sha256.Sum256([]byte("whimsical-sim " + kind + " " + strconv.Itoa(index)))
	return hex.EncodeToString(digest[:])[:24]
}

// freshID returns the next unused id for a user who was not seeded. The caller holds mu.
func (w *Workspace) freshID() string {
	for {
		w.created++
		if id := opaqueID("created", w.created); w.byID[id] == nil {
			return id
		}
	}
}

// name is a part of a person's name with its spelling in an e-mail address.
type name struct {
	text, slug string
}

// The people are invented. Both lists hold scripts and marks beyond ASCII, because directories do. Their
// lengths share no factor, so that a full name comes back only after every pair has been used.
var givenNames = []name{
	{"Amara", "amara"}, {"Björn", "bjorn"}, {"Chiara", "chiara"}, {"Dmitri", "dmitri"}, {"Élodie", "elodie"}, {"Farid", "farid"}, {"Grace", "grace"},
	{"Hiroshi", "hiroshi"}, {"Ifeoma", "ifeoma"}, {"João", "joao"}, {"Kavya", "kavya"}, {"Łukasz", "lukasz"}, {"Meera", "meera"}, {"Niamh", "niamh"},
	{"Omar", "omar"}, {"Priya", "priya"}, {"Quentin", "quentin"}, {"Rosa", "rosa"}, {"Søren", "soren"}, {"Tomás", "tomas"}, {"Ulla", "ulla"},
	{"Vusi", "vusi"}, {"Wanjiru", "wanjiru"}, {"Ximena", "ximena"}, {"Yusuf", "yusuf"}, {"Zoë", "zoe"}, {"Aroha", "aroha"}, {"Bao", "bao"},
	{"Δάφνη", "dafni"}, {"美咲", "misaki"}, {"Leilani", "leilani"}, {"Noam", "noam"},
}

var familyNames = []name{
	{"Okafor", "okafor"}, {"Lindqvist", "lindqvist"}, {"Moretti", "moretti"}, {"Volkov", "volkov"}, {"Lefèvre", "lefevre"}, {"Haddad", "haddad"}, {"O'Connell", "oconnell"},
	{"Tanaka", "tanaka"}, {"Nwosu", "nwosu"}, {"Gonçalves", "goncalves"}, {"Raghavan", "raghavan"}, {"Żeleński", "zelenski"}, {"Iyer", "iyer"}, {"Brannigan", "brannigan"},
	{"Al-Masri", "almasri"}, {"Deshmukh", "deshmukh"}, {"Van der Berg", "vanderberg"}, {"Castellanos", "castellanos"}, {"Kjær", "kjaer"}, {"Núñez", "nunez"}, {"Virtanen", "virtanen"},
	{"Dlamini", "dlamini"}, {"Kamau", "kamau"}, {"Quiroga", "quiroga"}, {"Yıldız", "yildiz"}, {"Müller", "muller"}, {"Ngata", "ngata"}, {"Nguyễn", "nguyen"},
	{"Παπαδάκη", "papadaki"}, {"佐藤", "sato"}, {"Kealoha", "kealoha"}, {"Ben-Ari", "benari"}, {"Whitfield", "whitfield"},
}
