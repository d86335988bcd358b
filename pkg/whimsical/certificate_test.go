package whimsical

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/conductorone/baton-whimsical/internal/scimscript"
)

// certified returns the base URL of a server whose certificate holds from and to
// those times for one host. No authority has signed it.
func certified(t *testing.T, from, to time.Time, host string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

func TestAServerThatCannotBeSpokenTo(t *testing.T) {
	const here, day = "127.0.0.1", 24 * time.Hour
	now := time.Now()
	plain, closed := httptest.NewServer(http.NotFoundHandler()), httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	closed.Close()
	for name, test := range map[string]struct {
		base string
		code codes.Code
		says string
	}{
		"its certificate has expired": {
			base: certified(t, now.Add(-2*day), now.Add(-day), here),
			says: "the server's TLS certificate has expired or is not valid yet: check this machine's clock, and whether a proxy answers in the server's place",
		},
		"its certificate is not valid yet": {
			base: certified(t, now.Add(day), now.Add(2*day), here),
			says: "the server's TLS certificate has expired or is not valid yet: check this machine's clock",
		},
		"its certificate is for another host": {
			base: certified(t, now.Add(-day), now.Add(day), "scim.example.com"),
			says: "the server's TLS certificate is for another host: check the network, the proxy settings and base-url",
		},
		"the authority of its certificate is unknown": {
			base: certified(t, now.Add(-day), now.Add(day), here),
			says: "the server's TLS certificate is not trusted: where a proxy inspects TLS, give its certificate authority in SSL_CERT_FILE; else check base-url",
		},
		"it does not speak TLS": {base: "https" + strings.TrimPrefix(plain.URL, "http"), says: "the server does not speak TLS"},
		"it is not there":       {base: closed.URL, code: codes.Unavailable, says: "the connection was refused: check the network"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := clientOf(t, test.base).ListUsers(t.Context(), "")
			failsWith(t, err, test.code, test.says)
		})
	}
}

// TestAProxyThatRefusesToConnect asks for a host that is not this machine, since
// no request to this machine goes to a proxy.
func TestAProxyThatRefusesToConnect(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		code   codes.Code
		says   string
	}{
		"it asks for a login": {
			http.StatusProxyAuthRequired, codes.FailedPrecondition,
			"the proxy asks for a login (407): put a user and a password into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT",
		},
		"it does not allow the host": {
			http.StatusForbidden, codes.Unavailable,
			"no whole answer arrived: check the network, the proxy settings and base-url",
		},
	} {
		t.Run(name, func(t *testing.T) {
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodConnect || r.Header.Get("Authorization") != "" {
					t.Errorf("the proxy was sent %s with the headers %v", r.Method, r.Header)
				}
				http.Error(w, scimscript.Token, test.status)
			}))
			t.Cleanup(proxy.Close)
			address, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			client := clientOf(t, "https://scim.example.com/")
			below := &http.Transport{Proxy: http.ProxyURL(address)}
			t.Cleanup(below.CloseIdleConnections)
			client.http.HttpClient.Transport = &transport{next: below, authorization: "Bearer " + scimscript.Token}
			_, err = client.ListUsers(t.Context(), "")
			failsWith(t, err, test.code, test.says)
			secretFree(t, err.Error())
		})
	}
}
