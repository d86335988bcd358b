package whimsical

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// The types in this file read what SCIM servers really send: no value of a
// single attribute makes a whole user unreadable. encoding/json itself matches
// attribute names without regard to case (RFC 7643 section 2.1).

// text reads a string; numbers keep their spelling, everything else is "".
type text string

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (t *text) UnmarshalJSON(raw []byte) error {
	*t = ""
	switch {
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err == nil {
			*t = text(s)
		}
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		*t = text(raw)
	}
	return nil
}

// flag reads a boolean, also as a string in any case. set is false when the
// attribute is absent or null; known is false when it says neither true nor
// false.
type flag struct {
	set, known, value bool
}

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (f *flag) UnmarshalJSON(raw []byte) error {
	*f = flag{set: !bytes.Equal(raw, []byte("null"))}
	if raw[0] == '"' {
		var s string
		if json.Unmarshal(raw, &s) == nil {
			raw = []byte(strings.ToLower(strings.TrimSpace(s)))
		}
	}
	switch string(raw) {
	case "true":
		f.known, f.value = true, true
	case "false":
		f.known = true
	}
	return nil
}

// pointer returns the value, or nil when it is not known.
func (f flag) pointer() *bool {
	if !f.known {
		return nil
	}
	value := f.value
	return &value
}

// number reads a count, also as a string; known is false for anything else.
type number struct {
	known bool
	value int
}

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (n *number) UnmarshalJSON(raw []byte) error {
	*n = number{}
	if value, err := strconv.Atoi(strings.TrimSpace(strings.Trim(string(raw), `"`))); err == nil {
		*n = number{known: true, value: value}
	}
	return nil
}

// instant reads an RFC 3339 time (RFC 7643 section 2.3.5); anything else is
// the zero time.
type instant time.Time

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (i *instant) UnmarshalJSON(raw []byte) error {
	*i = instant(readTime(strings.Trim(string(raw), `"`)))
	return nil
}

// readTime reads an RFC 3339 time, or returns the zero time. A year beyond
// 9999, which a zone can make of the last one, is no time to Protocol Buffers.
func readTime(s string) time.Time {
	parsed, err := time.Parse(time.RFC3339, s)
	if err != nil || parsed.UTC().Year() > 9999 || parsed.UTC().Year() < 1 {
		return time.Time{}
	}
	return parsed
}

// object reads a JSON object into T; anything else leaves T as it is.
type object[T any] struct {
	value T
}

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (o *object[T]) UnmarshalJSON(raw []byte) error {
	if raw[0] == '{' {
		_ = json.Unmarshal(raw, &o.value) // every field of T reads leniently
	}
	return nil
}

// emails reads a list of e-mail objects or strings, or a single one.
type emails []email

type email struct {
	Value   text `json:"value"`
	Primary flag `json:"primary"`
}

// UnmarshalJSON implements json.Unmarshaler and never fails.
func (e *emails) UnmarshalJSON(raw []byte) error {
	*e = nil
	items := []json.RawMessage{raw}
	if raw[0] == '[' {
		if items = nil; json.Unmarshal(raw, &items) != nil {
			items = nil
		}
	}
	for _, item := range items {
		var one email
		switch item[0] {
		case '{':
			_ = json.Unmarshal(item, &one) // every field reads leniently
		case '"':
			_ = one.Value.UnmarshalJSON(item)
		}
		if one.Value != "" {
			*e = append(*e, one)
		}
	}
	return nil
}

func (e emails) plain() []plainEmail {
	plain := make([]plainEmail, len(e))
	for i, one := range e {
		plain[i] = plainEmail{Value: string(one.Value), Primary: one.Primary.value}
	}
	return plain
}

func trimBOM(body []byte) []byte {
	return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
}
