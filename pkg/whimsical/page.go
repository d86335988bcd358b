package whimsical

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"

	"google.golang.org/grpc/codes"
)

const (
	// maxToken is far above any token that cursor.token makes.
	maxToken = 4 << 10
	// maxPosition is far above any number of users.
	maxPosition = 1 << 40
)

// cursor is the state of a listing between two requests; a page token is its
// encoding. A listing is one or more passes over all users: see listing.go.
type cursor struct {
	// Seq numbers the pages of all passes, so that a token always advances.
	Seq int `json:"n"`
	// Pass counts from 1; First is the Seq that the pass began with.
	Pass  int `json:"p"`
	First int `json:"f,omitempty"`
	// Start is the position of the row that the next answer should begin with
	// (1-based, RFC 7644 section 3.4.2.4).
	Start int `json:"s"`
	// Read counts the rows that this pass has handed out, Fresh those of them
	// that were created since it began, by the server's clock: Began.
	Read  int   `json:"r,omitempty"`
	Fresh int   `json:"y,omitempty"`
	Began int64 `json:"z,omitempty"`
	// Sum tells which rows they were, whatever their order.
	Sum uint64 `json:"x,omitempty"`
	// Last is the row handed out last, by hash.
	Last uint64 `json:"a,omitempty"`
	// Head is the first row of the pass, by hash.
	Head uint64 `json:"h,omitempty"`
	// Width is the largest number of rows that came in one answer.
	Width int `json:"w,omitempty"`
	// Total is the last totalResults plus 1, or 0 when none was told; Opened is
	// the one that the pass began with.
	Total  int `json:"t,omitempty"`
	Opened int `json:"d,omitempty"`
	// Liar is set once a totalResults contradicted the answer that it came in.
	Liar bool `json:"l,omitempty"`
	// Single is set when the server returns one row at a time, which leaves no
	// room for an overlap.
	Single bool `json:"i,omitempty"`
	// NoCount is set when the server refused the count parameter.
	NoCount bool `json:"c,omitempty"`
	// Probe is set when the server seems to ignore startIndex and the next
	// request has to show it, Unpaged when it does.
	Probe   bool `json:"o,omitempty"`
	Unpaged bool `json:"u,omitempty"`
	// Paged is set when a probe showed that startIndex counts, where the row read
	// last is the first user again.
	Paged bool `json:"g,omitempty"`
	// Before is the last pass that read everything, or nil.
	Before *pass `json:"e,omitempty"`
}

// firstCursor is where every listing begins; its token is the empty string.
func firstCursor() cursor {
	return cursor{Pass: 1, Start: 1}
}

// parseCursor reads a page token. It fails with InvalidArgument on anything
// that no listing can have made.
func parseCursor(token string) (cursor, error) {
	if token == "" {
		return firstCursor(), nil
	}
	var cur cursor
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if len(token) > maxToken || err != nil || json.Unmarshal(raw, &cur) != nil || !cur.valid() {
		return cursor{}, failure(codes.InvalidArgument, "the page token is not one of this connector's: start the sync anew")
	}
	return cur, nil
}

// PageNumber returns the Seq of the page that a token asks for. It fails with
// InvalidArgument on anything that is no page token.
func PageNumber(token string) (int, error) {
	cur, err := parseCursor(token)
	return cur.Seq, err
}

func (c cursor) valid() bool {
	counts := []int{c.Seq, c.First, c.Read, c.Fresh, c.Width, c.Total, c.Opened}
	if c.Before != nil {
		counts = append(counts, c.Before.Read)
	}
	for _, n := range counts {
		if n < 0 || n > maxPosition {
			return false
		}
	}
	return c.Pass >= 1 && c.Pass <= maxPasses && c.Start >= 1 && c.Start <= maxPosition && c.First <= c.Seq
}

func (c cursor) token() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return "" // unreachable: a cursor holds numbers and booleans alone
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Fingerprint returns a 64-bit hash of a user's id, by which a listing
// remembers the users that it has seen.
func Fingerprint(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return h.Sum64()
}
