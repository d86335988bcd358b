package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const usage = `whimsical-sim serves a simulated Whimsical workspace over SCIM 2.0.

The workspace lives in memory and is the same at every start: invented people at
example.com, about one in five an Editor, a few inactive, a few without a role.
The first line of output is the base URL. SIGINT and SIGTERM stop the server.

  whimsical-sim -users 50 -addr 127.0.0.1:8099 -v
  curl -H 'Authorization: Bearer whimsical-demo-token' \
       'http://127.0.0.1:8099/scim-v2/Users?startIndex=1&count=5'

Flags:
`

// options are the parsed flags.
type options struct {
	addr    string
	latency time.Duration
	verbose bool
	sim     sim.Config
}

// parse reads the flags. It prints the help, or what is wrong with the flags, to
// stderr; the error is [flag.ErrHelp] when help was asked for.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("whimsical-sim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.addr, "addr", "127.0.0.1:0", "loopback `address` to listen on; port 0 picks a free one")
	flags.IntVar(&o.sim.Users, "users", 12, "`number` of people in the workspace")
	flags.StringVar(&o.sim.Token, "token", "whimsical-demo-token", "bearer `token` that every request must carry")
	flags.StringVar(&o.sim.DefaultRole, "default-role", "viewer", "`role` of a user created without one: editor or viewer")
	flags.IntVar(&o.sim.PageSize, "page-size", 100, "largest `number` of users on one page")
	flags.BoolVar(&o.sim.PendingUntilLogin, "pending-until-login", false, "created users stay invisible, as before their first SAML login")
	flags.BoolVar(&o.sim.DeactivationKeeps, "deactivation-keeps", false, "deactivated users stay, with active false, instead of being removed")
	flags.DurationVar(&o.latency, "latency", 0, "`time` added to every request, such as 50ms")
	flags.BoolVar(&o.verbose, "v", false, "log one line for each request to stderr")
	if err := flags.Parse(args); err != nil {
		return options{}, fmt.Errorf("flags: %w", err)
	}
	if err := o.check(flags.Args()); err != nil {
		_, _ = fmt.Fprintf(stderr, "whimsical-sim: %v\n", err)
		return options{}, err
	}
	return o, nil
}

// check refuses what the flag package lets through.
func (o options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.latency < 0:
		return errors.New("-latency is negative")
	case o.sim.PageSize < 1:
		return errors.New("-page-size must be at least 1")
	}
	return checkLoopback(o.addr)
}

// checkLoopback refuses an address that other machines can reach: the token is a
// published default and the transport is not encrypted.
func checkLoopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("-addr %s is not a loopback address", addr)
	}
	return nil
}
