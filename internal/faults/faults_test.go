package faults

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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

// send makes a request, and gives up after a while. It returns the status, 0 for none, and what the client meets.
func send(t *testing.T, patience time.Duration, method, url string) (int, string) {
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
		return 0, "no answer"
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 20<<20)) // enough
	said := strconv.Itoa(response.StatusCode)
	if err != nil {
		return response.StatusCode, said + ", broken off"
	}
	for _, name := range []string{"Content-Type", "Location", "Retry-After", "X-Ratelimit-Limit", "X-Echo"} {
		value := response.Header.Get(name)
		if _, err := http.ParseTime(value); err == nil {
			value = "a date"
		}
		if value != "" {
			said += ", " + name + " " + value
		}
	}
	return response.StatusCode, fmt.Sprintf("%s, %d bytes %.180q", said, len(body), body)
}

// Whether a fault does the work of the request is seen in the matrix of internal/reliability, where a creation ends
// in another way.
func TestEachFaultIsWhatItIsCalled(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for line := range strings.Lines(string(document)) {
		name, met, _ := strings.Cut(strings.TrimSpace(line), ": ")
		want[name] = met
	}
	for _, fault := range Table() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			injector, url := serve(t)
			injector.Set(Rule{Fault: fault})
			patience := time.Minute
			if fault.Slow {
				patience = 3 * time.Second
			}
			if _, met := send(t, patience, http.MethodPatch, url+"/Users/1"); !slices.Contains(strings.Split(want[fault.Name], " or "), met) {
				t.Errorf("testdata/faults.txt does not say\n%s: %s", fault.Name, met)
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
				status, _ := send(t, time.Minute, http.MethodGet, url+path)
				got = append(got, status)
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
