package connector

import (
	"fmt"
	"testing"

	"github.com/conductorone/baton-whimsical/pkg/whimsical"
)

func benchUsers() []*whimsical.User {
	active := true
	users := make([]*whimsical.User, 100)
	for i := range users {
		role := whimsical.RoleViewer
		if i%5 == 1 {
			role = whimsical.RoleEditor
		}
		email := fmt.Sprintf("person.%d@example.com", i)
		users[i] = &whimsical.User{
			ID: fmt.Sprintf("%024x", i), UserName: email, Email: email, DisplayName: fmt.Sprint("Person ", i),
			GivenName: "Person", FamilyName: fmt.Sprint(i), Active: &active, Role: role,
		}
	}
	return users
}

func BenchmarkPackMembersOfAPage(b *testing.B) {
	users := benchUsers()
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range roles {
			_ = membersOf(users, r.id, "", "next").pack()
		}
	}
}

func BenchmarkUnpackMembersIntoGrants(b *testing.B) {
	viewer, _ := roleByID(string(whimsical.RoleViewer))
	packed := membersOf(benchUsers(), viewer.id, "", "next").pack()
	b.ReportAllocs()
	for b.Loop() {
		m, err := unpackMembers(packed)
		if err != nil {
			b.Fatal(err)
		}
		for _, id := range m.ids {
			_ = viewer.grant(id)
		}
	}
}

func BenchmarkUserResourcesOfAPage(b *testing.B) {
	users := benchUsers()
	b.ReportAllocs()
	for b.Loop() {
		for _, user := range users {
			if _, err := userResource(user); err != nil {
				b.Fatal(err)
			}
		}
	}
}
