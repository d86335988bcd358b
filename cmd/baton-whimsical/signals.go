package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/conductorone/baton-sdk/pkg/connectorrunner"
	"github.com/spf13/cobra"
)

// handleSignals lets SIGINT and SIGTERM end a service as usual, and a one-shot process
// with the exit code of one that the signal killed, at once: a moment later, the SDK
// exits with 0. The second process ends with the first; it must outlive the signals that
// a terminal sends to both, or the first would take its end for a crash.
func handleSignals(invoked *cobra.Command, service bool, stop context.CancelCauseFunc, run *oneShot) {
	if invoked.Name() == "_connector-service" {
		signal.Ignore(os.Interrupt, syscall.SIGTERM)
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		received, _ := (<-signals).(syscall.Signal)
		if service {
			stop(connectorrunner.ErrSigTerm)
			return
		}
		if run.screen != nil {
			_, _ = fmt.Fprintln(run.stderr)
		}
		os.Exit(128 + int(received))
	}()
}
