package c1

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// assertionLifetime is the longest life of a client assertion. The SDK signs them
// for two minutes.
const assertionLifetime = 5 * time.Minute

// credential is the client credential of one connector, as ConductorOne hands it
// out: the secret holds the private key, of which ConductorOne keeps the public
// half only.
type credential struct {
	id, secret string
	public     ed25519.PublicKey
	// audience is the host of the token endpoint without its port.
	audience string
}

// newCredential makes a credential for the token endpoint at addr, a host and port.
func newCredential(addr string) (*credential, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	key, err := (&jose.JSONWebKey{Key: private, Algorithm: string(jose.EdDSA), Use: "sig"}).MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("credential: %w", err)
	}
	return &credential{
		id:       fmt.Sprintf("stand-in@%s/connector", addr),
		secret:   "secret-token:conductorone.com:v1:" + base64.RawURLEncoding.EncodeToString(key),
		public:   public,
		audience: host,
	}, nil
}

// assertionClaims are the claims of a client assertion (RFC 7523, section 3). A
// connector in a lambda function adds its identity there.
type assertionClaims struct {
	jwt.Claims
	Identity string `json:"id_att"`
}

// verify checks a client assertion at the given time: the signature by the
// credential's key, issuer and subject, the audience, and that it expires, soon. It
// returns the claims.
func (c *credential) verify(assertion string, now time.Time) (*assertionClaims, error) {
	token, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		return nil, fmt.Errorf("client assertion: %w", err)
	}
	claims := &assertionClaims{}
	if err := token.Claims(c.public, claims); err != nil {
		return nil, fmt.Errorf("client assertion: %w", err)
	}
	if claims.Expiry == nil {
		return nil, errors.New("client assertion: no expiry")
	}
	if claims.Expiry.Time().Sub(now) > assertionLifetime {
		return nil, errors.New("client assertion: expires too late")
	}
	err = claims.ValidateWithLeeway(jwt.Expected{
		Issuer:      c.id,
		Subject:     c.id,
		AnyAudience: jwt.Audience{c.audience},
		Time:        now,
	}, 0)
	if err != nil {
		return nil, fmt.Errorf("client assertion: %w", err)
	}
	return claims, nil
}
