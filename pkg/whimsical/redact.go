package whimsical

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxDetailRunes bounds what of a server's own words enters an error.
	maxDetailRunes = 300
	// secretWindow is the shortest part of the token that may not appear in
	// any text this package produces.
	secretWindow = 8
)

// An at sign may have been escaped on its way: for a URL, even twice, for JSON
// or for HTML.
const escapedAt = `(?:@|%(?:25)*40|\\u0040|&#(?:64|[xX]40);|&commat;)`

var (
	atSign       = regexp.MustCompile(escapedAt)
	emailPattern = regexp.MustCompile(`(?:"[^"@]*"|[^\s@"<>(),;:=]+)(?:` + escapedAt + `[^\s@"'<>(),;:=&\\]+)+`)
)

// redactor makes text that came from a server fit for errors and logs.
type redactor struct {
	token string
}

// text returns s without parts of the token, e-mail addresses and control
// characters, bounded to maxDetailRunes characters.
func (r redactor) text(s string) string {
	const scanned = 16 * maxDetailRunes
	if len(s) > scanned {
		s = s[:scanned]
	}
	s = r.withoutToken(strings.ToValidUTF8(s, ""))
	s = emailPattern.ReplaceAllString(s, "[e-mail]")
	s = strings.Map(func(c rune) rune {
		if unicode.In(c, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > maxDetailRunes {
		s = string([]rune(s)[:maxDetailRunes]) + "..."
	}
	return s
}

// withoutToken masks every run of s that shares secretWindow or more
// consecutive bytes with the token: a server that echoes a cut-off header
// still reveals most of it.
func (r redactor) withoutToken(s string) string {
	window := min(secretWindow, len(r.token))
	if window == 0 || len(s) < window {
		return s
	}
	parts := make(map[string]struct{}, len(r.token))
	for i := 0; i+window <= len(r.token); i++ {
		parts[r.token[i:i+window]] = struct{}{}
	}
	masked := make([]bool, len(s))
	found := false
	for i := 0; i+window <= len(s); i++ {
		if _, ok := parts[s[i:i+window]]; ok {
			found = true
			for j := i; j < i+window; j++ {
				masked[j] = true
			}
		}
	}
	if !found {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case !masked[i]:
			b.WriteByte(s[i])
		case i == 0 || !masked[i-1]:
			b.WriteString("[redacted]")
		}
	}
	return b.String()
}
