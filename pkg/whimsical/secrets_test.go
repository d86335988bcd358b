package whimsical

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/grpc-ecosystem/go-grpc-middleware/logging/zap/ctxzap"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc/status"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// person is an e-mail address that servers of these tests give away.
const person = "ada.lovelace@example.com"

// secretFree fails the test on a text with the token, however it is spelt, or with the address of a person.
func secretFree(t *testing.T, text string) {
	t.Helper()
	parts := append(strings.Fields(inBase64(scimscript.Token)), scimscript.Token, "ada.lovelace", "example.com")
	unescaped := strings.ReplaceAll(text, "%25", "%")
	if plain, err := url.PathUnescape(unescaped); err == nil {
		unescaped = plain
	}
	for _, part := range parts {
		if part = strings.TrimRight(part, "="); strings.Contains(strings.ToLower(text+unescaped), strings.ToLower(part)) {
			t.Errorf("%q is in %q", part, text)
		}
	}
}

// readable fails the test on a text that does not belong into an error.
func readable(t *testing.T, text string) {
	t.Helper()
	if n := utf8.RuneCountInString(text); n > 1000 || !utf8.ValidString(text) {
		t.Errorf("a text of %d characters: %.100q", n, text)
	}
	if strings.ContainsFunc(text, controls) {
		t.Errorf("a control character in %q", text)
	}
}

// escaped returns a text with every byte in a format.
func escaped(text, format string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		_, _ = fmt.Fprintf(&out, format, c)
	}
	return out.String()
}

// inBase64 returns a text in all forms of base64, between spaces.
func inBase64(text string) string {
	var forms []string
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		forms = append(forms, encoding.EncodeToString([]byte(text)))
	}
	return " " + strings.Join(forms, " ") + " "
}

// TestTheTokenIsRecognizedHoweverItIsSpelt spells tokens with characters that differ between encodings.
func TestTheTokenIsRecognizedHoweverItIsSpelt(t *testing.T) {
	for _, token := range []string{"AbCd1234", "ab+/=~?&%#xyz", "???>>>???>>>", "0123456789abcdef0123456789abcdef", "eyJhbGciOi.J9._-"} {
		pattern := secretPattern(token)
		spellings := []string{
			token, strings.ToUpper(token), strings.ToLower(token), url.QueryEscape(token), url.PathEscape(token),
			url.QueryEscape(url.QueryEscape(token)), strings.ToLower(url.QueryEscape(token)), escaped(token, "%%%02X"),
			escaped(token, `\u%04x`), escaped(token, "&#%d;"), escaped(token, "&#x%X;"), strings.ReplaceAll(token, "/", `\/`),
		}
		for _, around := range []string{"", "a", "ab", "abc", "Bearer "} {
			spellings = append(spellings, strings.Fields(inBase64(around+token+around))...)
			spellings = append(spellings, url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(around+token))))
		}
		for _, spelling := range spellings {
			left := pattern.ReplaceAllString("x "+spelling+" x", "[redacted]")
			if !strings.Contains(left, "[redacted]") || len(left) > len("x x")+len("[redacted]")+2*len("Bearer Bearer ") {
				t.Errorf("%q is left of %q", left, spelling)
			}
		}
		if left := pattern.ReplaceAllString("nothing of it is in here: abc, 123, QUJD", "[redacted]"); strings.Contains(left, "[redacted]") {
			t.Errorf("with the token %q, a text became %q", token, left)
		}
	}
	for token, want := range map[string]string{"b": "a[redacted]c Yg YWJj IgI", "abc": "[redacted] Yg YWJj IgI"} { // too short to look for in base64
		if got := secretPattern(token).ReplaceAllString("abc Yg YWJj IgI", "[redacted]"); got != want {
			t.Errorf("with the token %q, %q is left", token, got)
		}
	}
}

// noted returns a context whose logger keeps everything it is told.
func noted(ctx context.Context) (context.Context, *bytes.Buffer) {
	var log bytes.Buffer
	core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()), zapcore.AddSync(&log), zap.DebugLevel)
	return ctxzap.ToContext(ctx, zap.New(core)), &log
}

// detail returns a SCIM error that says a text.
func detail(says string) string {
	body, err := json.Marshal(map[string]any{
		"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "scimType": says, "detail": says,
	})
	if err != nil {
		return ""
	}
	return string(body)
}

// echoes are servers that give away what they were sent, by name.
func echoes() map[string]http.HandlerFunc {
	const token = scimscript.Token
	handlers := map[string]http.HandlerFunc{
		"its headers": func(w http.ResponseWriter, r *http.Request) {
			for name, values := range r.Header {
				w.Header()[name] = values
				w.Header()["X-Echo-"+name] = values
			}
			for _, name := range keptHeaders {
				if name != "Content-Type" {
					w.Header().Set(name, r.Header.Get("Authorization"))
				}
			}
			w.Header().Set("Location", "https://example.com/?token="+token)
			w.WriteHeader(http.StatusUnauthorized)
		},
		"its headers, with 200": func(w http.ResponseWriter, r *http.Request) {
			for _, name := range keptHeaders {
				w.Header().Set(name, r.Header.Get("Authorization"))
			}
			_, _ = w.Write([]byte(`{"Resources":[],"detail":"` + token + person + `"}`))
		},
		"a reason phrase": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 403 Bearer %s %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", token, person)
			_ = conn.Close()
		},
		"a redirect": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://example.com/"+token+"?user="+person)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"a body that is no SCIM error": saying(http.StatusBadGateway, "<html>Bearer "+token+" "+person),
		"a web page with 200":          saying(http.StatusOK, "<html>Bearer "+token+" "+person),
		"a list of somebody else":      saying(http.StatusOK, `{"Resources":[{"userName":"`+person+token+`"}]}`),
		"JSON that is no list":         saying(http.StatusOK, detail(token+" "+person)),
	}
	for name, says := range map[string]string{
		"the token":                   token,
		"the header":                  "got Authorization: Bearer " + token,
		"the token, in words":         strings.Join(strings.Split(token, "-"), "-") + "-" + token + token[3:] + token[:8],
		"the token behind much text":  strings.Repeat("x ", 145) + token,
		"the token at the very end":   strings.Repeat("y", 4790) + token + token,
		"the token in capitals":       strings.ToUpper(token) + " and " + strings.ToLower(token),
		"the token, escaped":          escaped(token, "%%%02X") + " " + escaped(token, "%%%02x") + " " + escaped(token, "%%25%02x"),
		"the token in base64":         inBase64(token) + inBase64("Bearer "+token) + inBase64("user:"+token+"@host"),
		"an e-mail address":           "user " + person + " exists",
		"a filter":                    `invalid filter: userName eq "` + person + `"`,
		"an encoded filter":           "GET /Users?filter=userName%20eq%20%22ada.lovelace%40example.com%22",
		"a doubly encoded filter":     "userName%2520eq%2520%2522ada.lovelace%2540example.com%2522",
		"an address escaped for JSON": `{\"userName\":\"ada.lovelace\u0040example.com\"}`,
		"an address escaped for HTML": "ada.lovelace&#64;example.com or ada.lovelace&commat;example.com",
		"an address in capitals":      "ADA.LOVELACE@EXAMPLE.COM",
		"a quoted local part":         `"ada.lovelace smith"@example.com`,
		"an address in brackets":      "Ada <" + person + ">, mailto:" + person + ";(" + person + ")",
		"an address split by control": "ada.lovelace\u200b@\u200bexample.com",
		"an address between controls": "\x00" + person + "\x1b[0m",
		"many addresses":              strings.Repeat(person+",", 200),
	} {
		handlers["a detail with "+name] = saying(http.StatusBadRequest, detail(says))
		handlers["a 404 with "+name] = saying(http.StatusNotFound, detail(says))
	}
	return handlers
}

func TestNoErrorAndNoLogHoldsASecret(t *testing.T) {
	for name, echo := range echoes() {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(echo)
			t.Cleanup(server.Close)
			ctx, log := noted(t.Context())
			client, err := New(ctx, server.URL+"/scim-v2", scimscript.Token)
			if err != nil {
				t.Fatal(err)
			}
			client.retryPause = time.Millisecond
			calls := operations(ctx, client, person, person)
			calls["get by id"] = func() error { _, err := client.GetUser(ctx, "u1"); return err }
			calls["get by token"] = func() error { _, err := client.GetUser(ctx, scimscript.Token); return err }
			for operation, call := range calls {
				err := call()
				if err == nil {
					continue
				}
				t.Logf("%s: %v", operation, err)
				secretFree(t, err.Error())
				secretFree(t, fmt.Sprintf("%+v %#v", err, err))
				secretFree(t, fmt.Sprint(status.Convert(err).Proto()))
				readable(t, err.Error())
			}
			if log.Len() == 0 {
				t.Error("nothing was logged: what does this test look at?")
			}
			secretFree(t, log.String())
		})
	}
}

func TestTheTokenIsNotInTheClientsOwnText(t *testing.T) {
	ctx, log := noted(t.Context())
	client, err := New(ctx, "https://example.org/", scimscript.Token)
	if err != nil {
		t.Fatal(err)
	}
	secretFree(t, log.String())
	secretFree(t, fmt.Sprint(client.users))
}
