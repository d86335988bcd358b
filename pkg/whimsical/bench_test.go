package whimsical

import (
	"fmt"
	"strings"
	"testing"
)

// listBody is a page of so many users, as Whimsical would send it.
func listBody(users int) []byte {
	items := make([]string, users)
	for i := range items {
		items[i] = fmt.Sprintf(`{"schemas":[%q,%q],"id":"%024x","userName":"person.%d@example.com","displayName":"Person %d",`+
			`"name":{"givenName":"Person","familyName":"Number %d","formatted":"Person %d"},`+
			`"emails":[{"value":"person.%d@example.com","type":"work","primary":true}],"active":true,`+
			`"meta":{"resourceType":"User","created":"2024-01-02T03:04:05Z"},%q:{"editor":%t}}`,
			userSchema, extensionSchema, i, i, i, i, i, i, extensionSchema, i%5 == 1)
	}
	return fmt.Appendf(nil, `{"schemas":[%q],"totalResults":%d,"startIndex":1,"itemsPerPage":%d,"Resources":[%s]}`,
		listResponseSchema, users, users, strings.Join(items, ","))
}

func BenchmarkReadPageOf100Users(b *testing.B) {
	body := listBody(100)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readList(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPageTokenRoundTripAndAdvance(b *testing.B) {
	m := newModelServer(1000, pageSize)
	first, total := m.answer(1, pageSize)
	s, err := position{}.advance(first, total)
	if err != nil {
		b.Fatal(err)
	}
	token := s.next.token()
	second, _ := m.answer(pageSize, pageSize)
	b.ReportAllocs()
	for b.Loop() {
		at, err := parsePosition(token)
		if err != nil {
			b.Fatal(err)
		}
		s, err := at.advance(second, total)
		if err != nil {
			b.Fatal(err)
		}
		_ = s.next.token()
	}
}
