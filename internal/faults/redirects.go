package faults

import (
	"fmt"
	"net/http"
	"strconv"
)

// redirects returns one fault for each status and each target.
func redirects() []Fault {
	targets := []struct {
		name, about string
		location    func(*strike) string
	}{
		{"to another host", "another host", func(s *strike) string { return s.elsewhere + s.r.URL.RequestURI() }},
		{"to the same host", "another path of the same host", func(s *strike) string { return "/moved" + s.r.URL.RequestURI() }},
		{"in a loop", "itself", func(s *strike) string { return s.r.URL.RequestURI() }},
	}
	var all []Fault
	for _, status := range []int{
		http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
	} {
		for _, target := range targets {
			all = append(all, Fault{
				Name:  strconv.Itoa(status) + " " + target.name,
				About: fmt.Sprintf("%d, the location is %s", status, target.about),
				strike: func(s *strike) {
					s.w.Header().Set("Location", target.location(s))
					s.w.WriteHeader(status)
				},
			})
		}
	}
	return all
}
