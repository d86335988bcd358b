// Package reliability tests what the connector promises whatever the server and
// the network do; docs/reliability.md names the promises and their tests. The
// expected outcome of every fault in every operation is in matrix.md.
package reliability
