// Package e2e tests the real binaries: one-shot, service mode and lambda,
// against the simulated workspace and stand-ins for ConductorOne's side, all
// on loopback.
package e2e
