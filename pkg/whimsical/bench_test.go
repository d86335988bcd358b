package whimsical

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// listBody is a page of so many users, as Whimsical would send it; active is
// the spelling of the status, which decides how the page is read.
func listBody(users int, active string) []byte {
	items := make([]string, users)
	for i := range items {
		items[i] = fmt.Sprintf(`{"schemas":[%q,%q],"id":"%024x","userName":"person.%d@example.com","displayName":"Person %d",`+
			`"name":{"givenName":"Person","familyName":"Number %d","formatted":"Person %d"},`+
			`"emails":[{"value":"person.%d@example.com","type":"work","primary":true}],"active":%s,`+
			`"meta":{"resourceType":"User","created":"2024-01-02T03:04:05Z"},%q:{"editor":%t}}`,
			UserSchema, ExtensionSchema, i, i, i, i, i, i, active, ExtensionSchema, i%5 == 1)
	}
	return fmt.Appendf(nil, `{"schemas":[%q],"totalResults":%d,"startIndex":1,"itemsPerPage":%d,"Resources":[%s]}`,
		listResponseSchema, users, users, strings.Join(items, ","))
}

func BenchmarkReadPlainPageOf100Users(b *testing.B) {
	body := listBody(100, "true")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := readPlainUsers(body); !ok {
			b.Fatal("the page is not plain")
		}
	}
}

func BenchmarkReadUserLeniently(b *testing.B) {
	var list struct{ Resources []json.RawMessage }
	if err := json.Unmarshal(listBody(1, `"True"`), &list); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(list.Resources[0])))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readUser(list.Resources[0]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPageTokenRoundTripAndAdvance(b *testing.B) {
	rows := make([]row, pageSize)
	for i := range rows {
		rows[i] = row{hash: Fingerprint(fmt.Sprint("user-", i)), size: 700}
	}
	first, err := firstCursor().advance(view{rows: rows, total: number{known: true, value: 1000}, asked: pageSize})
	if err != nil {
		b.Fatal(err)
	}
	token := first.next.token()
	second := append([]row{rows[pageSize-1]}, make([]row, pageSize-1)...)
	for i := range second[1:] {
		second[i+1] = row{hash: Fingerprint(fmt.Sprint("later-", i)), size: 700}
	}
	b.ReportAllocs()
	for b.Loop() {
		cur, err := parseCursor(token)
		if err != nil {
			b.Fatal(err)
		}
		s, err := cur.advance(view{rows: second, total: number{known: true, value: 1000}, asked: pageSize})
		if err != nil {
			b.Fatal(err)
		}
		_ = s.next.token()
	}
}
