// Command image writes a minimal OCI image of the connector as a tarball that `docker load` and `podman load`
// read: the static binary, CA certificates, and nothing else. It pulls nothing.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// nonroot is the user id that distroless images use.
const nonroot = 65532

func main() {
	set := map[string]*string{}
	for name, usage := range map[string]string{
		"binary": "the static linux binary", "arch": "its architecture, such as amd64", "out": "the tarball to write",
		"tag": "the image's name, such as example.com/baton-whimsical:dev",
		// What the image's labels tell.
		"source": "the URL of the source code", "revision": "the commit", "version": "the version, without a v",
		"created": "the time of the commit, such as 2006-01-02T15:04:05Z",
	} {
		set[name] = flag.String(name, "", usage)
	}
	flag.Parse()
	for name, value := range set {
		if *value == "" {
			check(fmt.Errorf("-%s is required", name))
		}
	}
	created := must(time.Parse(time.RFC3339, *set["created"])).UTC()
	files := fileSystem(must(os.ReadFile(*set["binary"])))
	layer := must(tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil }))
	image := must(mutate.AppendLayers(empty.Image, layer))
	config := must(image.ConfigFile()).DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", *set["arch"], v1.Time{Time: created}
	config.Config = v1.Config{
		Entrypoint: []string{"/baton-whimsical"}, User: fmt.Sprint(nonroot), WorkingDir: "/tmp",
		Env: []string{"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
		// https://github.com/opencontainers/image-spec/blob/main/annotations.md
		Labels: map[string]string{
			"org.opencontainers.image.title":    "baton-whimsical",
			"org.opencontainers.image.source":   *set["source"],
			"org.opencontainers.image.revision": *set["revision"],
			"org.opencontainers.image.version":  *set["version"],
			"org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.created":  created.Format(time.RFC3339),
		},
	}
	image = must(mutate.ConfigFile(image, config))
	check(tarball.WriteToFile(*set["out"], must(name.NewTag(*set["tag"])), image))
}

// check ends the command on an error.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// must returns a value, or ends the command on an error.
func must[T any](value T, err error) T {
	check(err)
	return value
}

// fileSystem returns the image's one layer as a tar archive. Times are zero, so that the same binary makes the
// same image.
func fileSystem(program []byte) []byte {
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	for _, entry := range []struct {
		name    string
		mode    int64
		uid     int
		content []byte // nil for a folder
	}{
		{"etc/", 0o755, 0, nil}, {"etc/ssl/", 0o755, 0, nil}, {"etc/ssl/certs/", 0o755, 0, nil}, {"tmp/", 0o1777, nonroot, nil},
		{"baton-whimsical", 0o755, 0, program},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, 0, certificates()},
		{"etc/passwd", 0o644, 0, []byte("nonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n")},
	} {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: entry.name, Mode: entry.mode, Uid: entry.uid, Gid: entry.uid,
			Size: int64(len(entry.content)), ModTime: time.Unix(0, 0),
		}
		if entry.content == nil {
			header.Typeflag = tar.TypeDir
		}
		check(archive.WriteHeader(header))
		must(archive.Write(entry.content))
	}
	check(archive.Close())
	return files.Bytes()
}

// certificates returns the Mozilla roots that hold without further constraint, as PEM.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer never fails
		}
	}
	return out.Bytes()
}
