package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/conductorone/baton-sdk/pkg/connectorrunner"
	"github.com/spf13/viper"
)

// mode is what a process of this command is there for, as far as it matters to
// a signal.
type mode int

const (
	// oneShot does one thing and ends.
	oneShot mode = iota
	// service takes tasks until it is told to stop.
	service
	// child is the second process, which the SDK starts and which ends with the
	// first.
	child
)

// modeOf tells the mode by the arguments, the environment and the configuration
// file.
func modeOf(arguments []string, file *viper.Viper, getenv func(name string) string) mode {
	switch {
	case slices.Contains(arguments, "_connector-service"):
		return child
	case getenv("BATON_CLIENT_ID") != "", file.GetString("client-id") != "", slices.ContainsFunc(arguments, func(a string) bool {
		return a == "--client-id" || strings.HasPrefix(a, "--client-id=")
	}):
		return service
	default:
		return oneShot
	}
}

// untilStopped returns a context that ends when this process is told to stop by
// SIGINT or SIGTERM.
//
// Such a stop is the normal end of a service. A one-shot process has not done
// its work, and says so by its exit code, like a process that the signal killed:
// the SDK would exit with 0, and with a sync half written. What was gathered so
// far is lost, a file of an earlier sync stays as it was, and the child ends
// with its parent. It must outlive the signals that a terminal or a supervisor
// sends to both processes, or the parent would take its end for a crash.
func untilStopped(m mode) context.Context {
	ctx, stop := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		for received := range signals {
			switch m {
			case child:
			case service:
				stop(connectorrunner.ErrSigTerm)
			case oneShot:
				os.Exit(exitCode(received))
			}
		}
	}()
	return ctx
}

// exitCode is what a shell reports of a process that the signal killed.
func exitCode(received os.Signal) int {
	if number, ok := received.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return 1
}
