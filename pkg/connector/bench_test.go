package connector

import (
	"fmt"
	"testing"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

func BenchmarkResourcesAndGrantsOfAPage(b *testing.B) {
	users := make([]*whimsical.User, 100)
	for i := range users {
		email := fmt.Sprintf("person.%d@example.com", i)
		users[i] = &whimsical.User{
			ID: fmt.Sprintf("%024x", i), UserName: email, Email: email, DisplayName: fmt.Sprint("Person ", i),
			GivenName: "Person", FamilyName: fmt.Sprint(i), Status: whimsical.StatusActive, Role: roles[i%2].id,
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, user := range users {
			if _, err := userResource(user); err != nil {
				b.Fatal(err)
			}
		}
		record := newRecord("", &whimsical.UserPage{Users: users})
		for _, r := range roles {
			for _, id := range record.Members[r.id] {
				_ = r.grant(id)
			}
		}
	}
}
