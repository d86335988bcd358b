package whimsical

import (
	"regexp"
	"strings"
	"unicode"
)

// maxDetail bounds, in characters, what of a server's own words enters an error.
const maxDetail = 300

// An at sign may have been escaped on its way: for a URL, even twice, for JSON
// or for HTML.
const escapedAt = `(?:@|%(?:25)*40|\\u0040|&#(?:64|[xX]40);|&commat;)`

var (
	atSign       = regexp.MustCompile(escapedAt)
	emailPattern = regexp.MustCompile(`(?:"[^"@]*"|[^\s@"<>(),;:=]+)(?:` + escapedAt + `[^\s@"'<>(),;:=&\\]+)+`)
)

// clean makes text that came from a server fit for errors and logs: without the
// token, e-mail addresses and control characters, and bounded to maxDetail
// characters.
func (c *Client) clean(s string) string {
	const scanned = 16 * maxDetail
	s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), c.token, "[redacted]")
	s = emailPattern.ReplaceAllString(cut(s, scanned), "[e-mail]")
	s = strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".") // what follows goes on with a colon
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
