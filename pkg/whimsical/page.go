package whimsical

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"

	"google.golang.org/grpc/codes"
)

const (
	// maxAnchors is how many of the last rows a page token remembers.
	maxAnchors = 16
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
	// Anchors are the last rows handed out, by hash, oldest first.
	Anchors anchors `json:"a,omitempty"`
	// Seek is set when the next answer need not begin with the last anchor.
	Seek bool `json:"g,omitempty"`
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
	// Moved is set once users were seen to move while this pass read them.
	Moved bool `json:"m,omitempty"`
	// Back counts the requests without progress since the last progress, Steps
	// those of the whole listing.
	Back  int `json:"b,omitempty"`
	Steps int `json:"k,omitempty"`
	// Single is set when the server returns one row at a time, which leaves no
	// room for an overlap.
	Single bool `json:"i,omitempty"`
	// NoCount is set when the server refused the count parameter.
	NoCount bool `json:"c,omitempty"`
	// Probe is set when the server seems to ignore startIndex and the next
	// request has to show it, Probed when one has, Unpaged when it does.
	Probe   bool `json:"o,omitempty"`
	Probed  bool `json:"q,omitempty"`
	Unpaged bool `json:"u,omitempty"`
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
	counts := []int{c.Seq, c.First, c.Read, c.Fresh, c.Width, c.Total, c.Opened, c.Back, c.Steps}
	if c.Before != nil {
		counts = append(counts, c.Before.Read)
	}
	for _, n := range counts {
		if n < 0 || n > maxPosition {
			return false
		}
	}
	return c.Pass >= 1 && c.Pass <= maxPasses && c.Start >= 1 && c.Start <= maxPosition &&
		c.First <= c.Seq && len(c.Anchors) <= maxAnchors
}

func (c cursor) token() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return "" // unreachable: a cursor holds numbers and booleans alone
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// anchors are row hashes, in a token as one base64 string.
type anchors []uint64

// MarshalJSON implements json.Marshaler.
func (a anchors) MarshalJSON() ([]byte, error) {
	packed := make([]byte, 0, 8*len(a))
	for _, hash := range a {
		packed = binary.BigEndian.AppendUint64(packed, hash)
	}
	return json.Marshal(packed)
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *anchors) UnmarshalJSON(raw []byte) error {
	var packed []byte
	if err := json.Unmarshal(raw, &packed); err != nil {
		return err
	}
	if len(packed)%8 != 0 {
		return base64.CorruptInputError(len(packed)) // half an anchor
	}
	*a = nil
	for ; len(packed) >= 8; packed = packed[8:] {
		*a = append(*a, binary.BigEndian.Uint64(packed))
	}
	return nil
}

func (a anchors) has(hash uint64) bool {
	for _, anchor := range a {
		if anchor == hash {
			return true
		}
	}
	return false
}

// with returns the newest anchors after rows were read as well.
func (a anchors) with(rows []row) anchors {
	rows = rows[max(0, len(rows)-maxAnchors):]
	kept := a[max(0, len(a)+len(rows)-maxAnchors):]
	newest := make(anchors, 0, len(kept)+len(rows))
	newest = append(newest, kept...)
	for _, r := range rows {
		newest = append(newest, r.hash)
	}
	return newest
}

// last returns the newest anchor.
func (a anchors) last() uint64 {
	return a[len(a)-1]
}

// Fingerprint returns a 64-bit hash of a user's id, by which a listing
// remembers the users that it has seen.
func Fingerprint(id string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return h.Sum64()
}
