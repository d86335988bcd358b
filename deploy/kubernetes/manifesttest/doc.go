// Package manifesttest checks the Kubernetes manifests of baton-whimsical: that they decode strictly into the
// Kubernetes API types, that the kustomization renders, and that what comes out is the deployment that the
// documentation promises. It is a module of its own, so that the connector's module does not depend on
// Kubernetes.
//
//	cd deploy/kubernetes/manifesttest && go test ./...
package manifesttest
