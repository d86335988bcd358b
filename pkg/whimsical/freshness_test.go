package whimsical

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"
)

// workspace is a SCIM server that pages through a list of users.
type workspace struct {
	users    []map[string]any
	requests int
	// now is what the Date header tells; the zero time means none.
	now time.Time
	// change is called ahead of the second request.
	change func(*workspace)
}

func (s *workspace) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.requests++; s.requests == 2 {
		s.change(s)
	}
	w.Header()["Date"] = nil
	if !s.now.IsZero() {
		w.Header().Set("Date", s.now.UTC().Format(http.TimeFormat))
	}
	start, err := strconv.Atoi(r.URL.Query().Get("startIndex"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	shown := s.users[min(start-1, len(s.users)):]
	shown = shown[:min(100, len(shown))]
	if json.NewEncoder(w).Encode(map[string]any{"totalResults": len(s.users), "Resources": shown}) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (s *workspace) create(id string, created time.Time) map[string]any {
	return map[string]any{"id": id, "meta": map[string]any{"created": created.Format(time.RFC3339)}}
}

// TestTheDateOfAUserShowsWhatTheCountHides lists a workspace where, between the
// first two pages, an unread user moves to the front, a user who was read is
// deleted, and another one is created at the end: totalResults and the
// positions stand still. The new user's date gives it away.
func TestTheDateOfAUserShowsWhatTheCountHides(t *testing.T) {
	for name, clock := range map[string]struct {
		// header is the Date of all answers, created the new user's time.
		header, created time.Time
	}{
		"by the server's clock": {
			header:  time.Date(2020, time.May, 4, 12, 0, 0, 0, time.UTC),
			created: time.Date(2020, time.May, 4, 12, 0, 3, 0, time.UTC),
		},
		"within the second of the first page": {
			header:  time.Date(2020, time.May, 4, 12, 0, 0, 0, time.UTC),
			created: time.Date(2020, time.May, 4, 12, 0, 0, 0, time.UTC),
		},
		"by one's own clock, where the server tells none": {
			created: time.Now().Add(time.Minute),
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := &workspace{now: clock.header}
			for i := range 150 {
				server.users = append(server.users, server.create("u"+strconv.Itoa(i), time.Unix(int64(i), 0)))
			}
			server.change = func(s *workspace) {
				unread := s.users[149]
				s.users = slices.Concat([]map[string]any{unread}, s.users[1:149], []map[string]any{s.create("new", clock.created)})
			}
			ids, err := readAll(t, answering(t, server.ServeHTTP))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(ids, "u149") {
				t.Errorf("after %d requests, u149 is missing", server.requests)
			}
		})
	}
}
