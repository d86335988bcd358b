package whimsical

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// maxDetail bounds, in characters, what of a server's own words enters an error.
const maxDetail = 300

// An at sign may have been escaped on its way: for a URL, even twice, for JSON or for HTML.
const escapedAt = `(?:@|%(?:25)*40|\\u0040|&#(?:64|[xX]40);|&commat;)`

var (
	atSign       = regexp.MustCompile(escapedAt)
	emailPattern = regexp.MustCompile(`(?:"[^"@]*"|[^\s@"<>(),;:=]+)(?:` + escapedAt + `[^\s@"'<>(),;:=&\\]+)+`)
)

// secretPattern matches the token in any case, also escaped for a URL, even twice, for JSON or for HTML, and in
// either alphabet of base64, alone or within other text.
func secretPattern(token string) *regexp.Regexp {
	spellings := []string{token}
	for before := range min(3, (len(token)-2)/2) { // bytes of other text: a base64 character that shares bits with other text is left out
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), token...))
		spellings = append(spellings, encoded[(before*8+5)/6:(before+len(token))*8/6])
	}
	var pattern strings.Builder
	for _, spelling := range spellings {
		_ = pattern.WriteByte('|')
		for _, c := range []byte(spelling) {
			_, _ = fmt.Fprintf(&pattern, `(?:\\?%s|%%(?:25)*%02x|\\u00%02x|&#(?:%d|x%02x);)`, regexp.QuoteMeta(string(rune(c))), c, c, c, c)
		}
	}
	return regexp.MustCompile("(?i)" + strings.NewReplacer(`\+`, "[+-]", "/", "[/_]").Replace(pattern.String()[1:]))
}

// clean makes text that came from a server fit for errors and logs: without the token, e-mail addresses and
// control characters, and bounded to maxDetail characters.
func (c *Client) clean(s string) string {
	const scanned = 16 * maxDetail
	s = c.secret.ReplaceAllString(cut(strings.ToValidUTF8(s, ""), 16*scanned), "[redacted]")
	s = emailPattern.ReplaceAllString(cut(s, scanned), "[e-mail]")
	s = strings.TrimSuffix(strings.Join(strings.Fields(printable(text(s))), " "), ".") // errors go on with a colon
	if short := cut(s, maxDetail); short != s {
		s = short + "..."
	}
	return s
}

// cut returns the first characters of a text.
func cut(s string, characters int) string {
	for i := range s {
		if characters--; characters < 0 {
			return s[:i]
		}
	}
	return s
}
