package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/conductorone/baton-whimsical/internal/sim"
)

const (
	// readHeaderTimeout bounds how long a client may take to send a header.
	readHeaderTimeout = 10 * time.Second
	// gracePeriod is how long requests in flight may delay the end.
	gracePeriod = 3 * time.Second
)

// The exit codes of the command.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the command without the process around it: it serves until ctx ends and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if o.verbose {
		o.sim.RequestLog = stderr
	}
	workspace, err := sim.New(o.sim)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "whimsical-sim: %v\n", err)
		return exitUsage
	}
	d := daemon{addr: o.addr, handler: delayed(workspace.Handler(), o.latency), grace: gracePeriod}
	if err := d.serve(ctx, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "whimsical-sim: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// daemon is a server that runs until it is told to stop.
type daemon struct {
	addr    string
	handler http.Handler
	grace   time.Duration
}

// serve listens, prints the base URL and answers requests until ctx ends. Requests
// in flight then get the grace period to finish.
func (d daemon) serve(ctx context.Context, stdout io.Writer) error {
	var listening net.ListenConfig
	listener, err := listening.Listen(ctx, "tcp", d.addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: d.handler, ReadHeaderTimeout: readHeaderTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	_, printErr := fmt.Fprintf(stdout, "http://%s%s\n", listener.Addr(), sim.BasePath)
	if printErr != nil {
		return errors.Join(fmt.Errorf("print the base URL: %w", printErr), server.Close())
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	// The shutdown begins because ctx has ended, so it needs a deadline of its own.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.grace)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		// The bound is part of a clean stop: what is still in flight is cut off.
		_ = server.Close()
	}
	return nil
}

// delayed adds a pause before every request, which ends early with the request.
func delayed(next http.Handler, latency time.Duration) http.Handler {
	if latency == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		pause := time.NewTimer(latency)
		defer pause.Stop()
		select {
		case <-pause.C:
			next.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	})
}
