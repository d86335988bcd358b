package whimsical

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The types in this file read what SCIM servers really send: no value of an attribute but id makes a whole
// user unreadable. Each reads one value and fails only where the text is no JSON. Attribute names match
// without regard to case (RFC 7643 section 2.1).

// lenient makes the decoder take a name that comes twice, and text that is no UTF-8, whose bytes become U+FFFD.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

var errTrailing = errors.New("more than one JSON value")

// decode reads a body, which is one JSON value, into v.
func decode(body []byte, v json.UnmarshalerFrom) error {
	dec := jsontext.NewDecoder(bytes.NewBuffer(body), lenient)
	if err := v.UnmarshalJSONFrom(dec); err != nil {
		return err
	}
	switch _, err := dec.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return errTrailing
	}
}

// object lists the attributes to read of a JSON object. A name in exact spelling wins over one in another
// case; of names in the same spelling the last wins.
type object []attribute

// attribute is a member of a JSON object, and the value to read it into.
type attribute struct {
	name string
	into json.UnmarshalerFrom
	// exact is set once a member with this very spelling was read.
	exact bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom. It passes over a value that is no object.
func (o object) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return dec.SkipValue()
	}
	return readAll(dec, '}', func() error {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if at := o.find(name.String()); at != nil {
			return at.into.UnmarshalJSONFrom(dec)
		}
		return dec.SkipValue()
	})
}

// find returns the attribute that a member is to be read into, or nil.
func (o object) find(name string) *attribute {
	for i := range o {
		if o[i].name == name {
			o[i].exact = true
			return &o[i]
		}
	}
	for i := range o {
		if !o[i].exact && strings.EqualFold(o[i].name, name) {
			return &o[i]
		}
	}
	return nil
}

// readAll reads an array or an object up to its end. The function one reads one element or member.
func readAll(dec *jsontext.Decoder, end jsontext.Kind, one func() error) error {
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != end {
		if err := one(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// text reads a string; numbers keep their spelling, everything else is "".
type text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*t = ""
	switch dec.PeekKind() {
	case '"':
		token, err := dec.ReadToken()
		if err != nil {
			return err
		}
		*t = text(token.String())
		return nil
	case '0':
		value, err := dec.ReadValue()
		*t = text(value)
		return err
	default:
		return dec.SkipValue()
	}
}

// printable returns a text with spaces in place of control and format characters.
func printable(t text) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, string(t))
}

// boolean reads true and false, also as a string in any case and as 1 and 0. set is false when the attribute
// is absent or null; known is false when it has no such value.
type boolean struct {
	set, known, value bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (b *boolean) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	*b = boolean{set: raw.Kind() != 'n'}
	switch strings.ToLower(strings.Trim(string(raw), `" `)) {
	case "true", "1":
		b.known, b.value = true, true
	case "false", "0":
		b.known = true
	}
	return err
}

// number reads a count, also as a string; known is false for anything else, and for what is less than 0.
type number struct {
	known bool
	value int
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	value, notANumber := strconv.Atoi(strings.Trim(string(raw), `" `))
	*n = number{}
	if notANumber == nil && value >= 0 {
		*n = number{known: true, value: value}
	}
	return err
}

// instant reads an RFC 3339 time (RFC 7643 section 2.3.5); anything else is the zero time.
type instant struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *instant) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	parsed, notATime := time.Parse(time.RFC3339, strings.Trim(string(raw), `"`))
	i.Time = time.Time{}
	// Protocol Buffers take no year beyond 9999, which a time zone can make of 9999.
	if year := parsed.UTC().Year(); notATime == nil && year >= 1 && year <= 9999 {
		i.Time = parsed
	}
	return err
}

// schemas reads the names of schemas, whether or not they are a list.
type schemas string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *schemas) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	*s = schemas(strings.ToLower(string(raw)))
	return err
}

// name reports whether a schema is among them.
func (s schemas) name(schema string) bool {
	return strings.Contains(string(s), strings.ToLower(schema))
}

// emails reads a list of e-mail objects or strings, or a single one, and keeps the first maxEmails.
type emails []email

type email struct {
	value   text
	primary boolean
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (e *emails) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*e = nil
	if dec.PeekKind() != '[' {
		return e.add(dec)
	}
	return readAll(dec, ']', func() error { return e.add(dec) })
}

func (e *emails) add(dec *jsontext.Decoder) error {
	var one email
	var reader json.UnmarshalerFrom = object{{name: "value", into: &one.value}, {name: "primary", into: &one.primary}}
	if dec.PeekKind() == '"' {
		reader = &one.value
	}
	err := reader.UnmarshalJSONFrom(dec)
	if one.value != "" && len(*e) < maxEmails {
		*e = append(*e, one)
	}
	return err
}

// primary returns the address marked as primary, else the one equal to userName, else the first.
func (e emails) primary(userName string) text {
	best, rank := text(""), -1
	for _, one := range e {
		r := 0
		switch {
		case one.primary.value:
			r = 2
		case LowerCase(string(one.value)) == LowerCase(userName):
			r = 1
		}
		if r > rank {
			best, rank = one.value, r
		}
	}
	return best
}
