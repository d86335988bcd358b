package faults

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const healthyBody = `{"healthy":true}`

// serve starts a server with an injector before a healthy handler.
func serve(t *testing.T) (*Injector, string) {
	t.Helper()
	injector := New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		write(w, http.StatusOK, scimType, healthyBody)
	}), "http://elsewhere.example.com")
	server := httptest.NewServer(injector)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return injector, server.URL
}

// met is what a client meets.
type met struct {
	status int // 0 for no answer
	header http.Header
	body   string
	// broken is set when the body did not end as it should.
	broken bool
}

// send makes a request and gives up after a while.
func send(t *testing.T, patience time.Duration, method, url string) met {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(`{"sent":true}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer secret")
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(r)
	if err != nil {
		return met{}
	}
	defer func() { _ = response.Body.Close() }()
	const enough = 20 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, enough))
	return met{status: response.StatusCode, header: response.Header, body: string(body), broken: err != nil}
}

// Whether a fault does the work of the request is seen in the matrix of
// internal/reliability, where a creation ends in another way.
func TestEachFaultIsWhatItIsCalled(t *testing.T) {
	noAnswer := func(m met) bool { return m.status == 0 }
	refused := func(status int) func(met) bool {
		return func(m met) bool { return m.status == status && strings.Contains(m.body, "2.0:Error") }
	}
	webPage := func(status int) func(met) bool {
		return func(m met) bool { return m.status == status && strings.HasPrefix(m.body, "<!doctype html>") }
	}
	retryAfter := func(plausible func(value string) bool) func(met) bool {
		return func(m met) bool { return refused(429)(m) && plausible(m.header.Get("Retry-After")) }
	}
	good := func(contentType string) func(met) bool {
		return func(m met) bool { return m.body == healthyBody && m.header.Get("Content-Type") == contentType }
	}
	echoed := func(status int) func(met) bool {
		return func(m met) bool {
			return m.status == status && strings.Contains(m.body, "Bearer secret") && m.header.Get("X-Echo") == "Bearer secret"
		}
	}
	tests := map[string]func(met) bool{
		"400": refused(400), "401": refused(401), "403": refused(403), "405": refused(405), "501": refused(501),
		"404 as JSON":    func(m met) bool { return m.status == 404 && m.body == `{"message":"Not Found"}` },
		"404 as HTML":    webPage(404),
		"429 in seconds": retryAfter(func(value string) bool { return value == "1" }),
		"429 as a date": retryAfter(func(value string) bool {
			_, err := http.ParseTime(value)
			return err == nil
		}),
		"429 for years":        retryAfter(func(value string) bool { return value == "999999999" }),
		"429 malformed":        retryAfter(func(value string) bool { return value == "soon" }),
		"429 bare":             retryAfter(func(value string) bool { return value == "" }),
		"malformed rate limit": func(m met) bool { return m.body == healthyBody && m.header.Get("X-Ratelimit-Limit") != "" },
		"500":                  refused(500), "502": webPage(502), "503": refused(503), "504": webPage(504),
		"reset before the answer": noAnswer, "reset after the work": noAnswer,
		"reset in the body":    func(m met) bool { return m.status == 0 || m.broken },
		"closed in the body":   func(m met) bool { return m.status == 200 && m.broken },
		"hang before the work": noAnswer, "hang after the work": noAnswer,
		"slow drip":       func(m met) bool { return m.status == 200 && m.broken },
		"truncated JSON":  func(m met) bool { return m.status == 200 && !m.broken && m.body == healthyBody[:len(healthyBody)/2] },
		"HTML with 200":   webPage(200),
		"empty with 200":  func(m met) bool { return m.status == 200 && m.body == "" },
		"204":             func(m met) bool { return m.status == 204 },
		"empty object":    func(m met) bool { return m.status == 200 && m.body == "{}" },
		"another API":     func(m met) bool { return m.status == 200 && !strings.Contains(m.body, "schemas") },
		"deep JSON":       func(m met) bool { return strings.Contains(m.body, strings.Repeat("[", 200_000)) },
		"BOM":             func(m met) bool { return m.body == "\ufeff"+healthyBody },
		"type text/plain": good("text/plain"), "type text/html": good("text/html; charset=iso-8859-1"),
		"type missing": good(""), "type odd": good(`application/;json; charset="`),
		"200 MB body":     func(m met) bool { return len(m.body) == 20<<20 },
		"gzip bomb":       func(m met) bool { return len(m.body) == 20<<20 },
		"large headers":   noAnswer,
		"400 that echoes": echoed(400), "401 that echoes": echoed(401), "500 that echoes": echoed(500), "200 that echoes": echoed(200),
	}
	for _, status := range []string{"301", "302", "307", "308"} {
		for target, location := range map[string]string{
			"to another host": "http://elsewhere.example.com/Users/1", "to the same host": "/moved/Users/1", "in a loop": "/Users/1",
		} {
			tests[status+" "+target] = func(m met) bool {
				return strconv.Itoa(m.status) == status && m.header.Get("Location") == location
			}
		}
	}
	for _, fault := range Table() {
		t.Run(fault.Name, func(t *testing.T) {
			check, ok := tests[fault.Name]
			if !ok {
				t.Fatal("nothing checks this fault")
			}
			t.Parallel()
			injector, url := serve(t)
			injector.Set(Rule{Fault: fault})
			patience := time.Minute
			if fault.Slow {
				patience = 3 * time.Second
			}
			if m := send(t, patience, http.MethodPatch, url+"/Users/1"); !check(m) {
				t.Errorf("status %d, header %v, broken %t, %d bytes: %.100s", m.status, m.header, m.broken, len(m.body), m.body)
			}
		})
	}
}

func TestRulesStrikeTheRequestsTheyName(t *testing.T) {
	fault := Named("503")
	for name, test := range map[string]struct {
		rules []Rule
		want  []int
	}{
		"none":                   {nil, []int{200, 200, 200, 200}},
		"all":                    {[]Rule{{Fault: fault}}, []int{503, 503, 503, 503}},
		"the first":              {[]Rule{{Fault: fault, Times: 1}}, []int{503, 200, 200, 200}},
		"two after the first":    {[]Rule{{Fault: fault, After: 1, Times: 2}}, []int{200, 503, 503, 200}},
		"those of an operation":  {[]Rule{{Fault: fault, Operations: []Operation{Get}}}, []int{200, 503, 200, 503}},
		"the second such":        {[]Rule{{Fault: fault, Operations: []Operation{Get, Find}, After: 1}}, []int{200, 200, 200, 503}},
		"by the rule that comes": {[]Rule{{Fault: fault, Operations: []Operation{Create}}, {Fault: fault, After: 3}}, []int{200, 200, 200, 503}},
	} {
		t.Run(name, func(t *testing.T) {
			injector, url := serve(t)
			injector.Set(test.rules...)
			var got []int
			for _, path := range []string{"/Users", "/Users/1", "/Users", "/Users/1"} {
				got = append(got, send(t, time.Minute, http.MethodGet, url+path).status)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%v, want %v", got, test.want)
			}
			struck := len(slices.DeleteFunc(got, func(status int) bool { return status == 200 }))
			if injector.Strikes() != struck {
				t.Errorf("%d strikes, want %d", injector.Strikes(), struck)
			}
		})
	}
}

func TestOperationsAreToldApart(t *testing.T) {
	for request, want := range map[string]Operation{
		"GET /scim-v2/Users?count=1&startIndex=1":          Validate,
		"GET /scim-v2/Users?count=100&startIndex=1":        List,
		"GET /scim-v2/Users?startIndex=1":                  List,
		"GET /Users?count=100&filter=userName&startIndex=": Find,
		"GET /scim-v2/Users/a%2FUsers":                     Get,
		"POST /scim-v2/Users":                              Create,
		"PATCH /scim-v2/Users/1":                           Patch,
		"DELETE /scim-v2/Users/1":                          Delete,
		"PUT /scim-v2/Users/1":                             "PUT",
	} {
		method, target, _ := strings.Cut(request, " ")
		if got := operationOf(httptest.NewRequestWithContext(t.Context(), method, target, nil)); got != want {
			t.Errorf("%s is %q, want %q", request, got, want)
		}
	}
}
