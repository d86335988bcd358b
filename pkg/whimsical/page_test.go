package whimsical

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
)

// fullCursor has every field set, to the largest values there may be.
func fullCursor() cursor {
	return cursor{
		Seq: maxPosition, Pass: maxPasses, First: maxPosition, Start: maxPosition,
		Read: maxPosition, Fresh: maxPosition, Began: 1 << 62, Sum: 1<<64 - 1,
		Last: 1<<64 - 2, Head: 1<<64 - 1, Width: maxPosition, Total: maxPosition, Opened: maxPosition,
		Liar: true, Single: true, NoCount: true, Probe: true, Unpaged: true, Paged: true,
		Before: &pass{Read: maxPosition, Sum: 1<<64 - 1, Whole: true, Repeated: true},
	}
}

func TestAPageTokenKeepsTheWholeCursor(t *testing.T) {
	for name, cur := range map[string]cursor{
		"the first": firstCursor(),
		"full":      fullCursor(),
		"sparse":    {Seq: 3, Pass: 2, First: 1, Start: 7, Last: 1},
	} {
		t.Run(name, func(t *testing.T) {
			token := cur.token()
			if len(token) > maxToken/2 {
				t.Errorf("the token has %d characters", len(token))
			}
			got, err := parseCursor(token)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, cur) {
				t.Errorf("got  %+v\nwant %+v", got, cur)
			}
			number, err := PageNumber(token)
			if err != nil || number != cur.Seq {
				t.Errorf("got page %d, %v", number, err)
			}
		})
	}
	full := reflect.ValueOf(fullCursor())
	for i := range full.NumField() {
		if full.Field(i).IsZero() {
			t.Errorf("the test does not set %s", full.Type().Field(i).Name)
		}
	}
}

func TestTheEmptyTokenIsTheFirstPage(t *testing.T) {
	got, err := parseCursor("")
	if err != nil || !reflect.DeepEqual(got, firstCursor()) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestATokenThatNoListingMadeIsRefused(t *testing.T) {
	for name, raw := range map[string]string{ //nolint:gosec // page tokens, not credentials
		"no JSON":                `{"n":1,`,
		"no object":              `[1]`,
		"null":                   `null`,
		"nothing set":            `{}`,
		"no pass":                `{"n":1,"s":1}`,
		"too many passes":        `{"n":1,"p":21,"s":1}`,
		"a negative pass":        `{"n":1,"p":-1,"s":1}`,
		"no position":            `{"n":1,"p":1}`,
		"a negative position":    `{"n":1,"p":1,"s":-4}`,
		"an absurd position":     `{"n":1,"p":1,"s":1099511627777}`,
		"a number too large":     `{"n":1,"p":1,"s":99999999999999999999}`,
		"a negative page":        `{"n":-1,"p":1,"s":1}`,
		"a pass before it began": `{"n":1,"p":1,"s":1,"f":2}`,
		"a negative count":       `{"n":1,"p":1,"s":1,"r":-1}`,
		"a negative total":       `{"n":1,"p":1,"s":1,"t":-1}`,
		"a negative pass before": `{"n":1,"p":1,"s":1,"e":{"r":-1}}`,
		"a string":               `{"n":"1","p":1,"s":1}`,
		"a row that is none":     `{"n":1,"p":1,"s":1,"a":-1}`,
		"a position before all":  `{"n":1,"p":1,"s":0,"i":true,"o":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseCursor(base64.RawURLEncoding.EncodeToString([]byte(raw)))
			wantCode(t, err, codes.InvalidArgument)
		})
	}
	for _, token := range []string{"1", "abc=", "a b", "ü", strings.Repeat("A", maxToken+1)} {
		_, err := parseCursor(token)
		wantCode(t, err, codes.InvalidArgument)
		_, err = PageNumber(token)
		wantCode(t, err, codes.InvalidArgument)
	}
}

func TestFingerprintsTellUsersApart(t *testing.T) {
	seen := make(map[uint64]string)
	for _, id := range []string{"", "a", "A", "b", "a ", "aa", "ab", "ba", "1", "01", "é", "e\u0301", strings.Repeat("a", 500), strings.Repeat("a", 501)} {
		hash := Fingerprint(id)
		if other, ok := seen[hash]; ok {
			t.Errorf("%q and %q have one fingerprint", id, other)
		}
		seen[hash] = id
	}
}
