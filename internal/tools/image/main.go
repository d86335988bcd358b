// Command image writes a minimal OCI image of the connector as a tarball that `docker load` and `podman load`
// read: the static binary, CA certificates, and nothing else. It pulls nothing.
package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"errors"
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

// options are the flags, all of which are required.
type options struct {
	binary, arch, tag, out string
	// What the image's labels tell; created in the form of RFC 3339.
	source, revision, version, created string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "", "the static linux binary")
	flag.StringVar(&o.arch, "arch", "", "its architecture, such as amd64")
	flag.StringVar(&o.tag, "tag", "", "the image's name, such as example.com/baton-whimsical:dev")
	flag.StringVar(&o.out, "out", "", "the tarball to write")
	flag.StringVar(&o.source, "source", "", "the URL of the source code")
	flag.StringVar(&o.revision, "revision", "", "the commit")
	flag.StringVar(&o.version, "version", "", "the version, without a v")
	flag.StringVar(&o.created, "created", "", "the time of the commit, such as 2006-01-02T15:04:05Z")
	flag.Parse()
	var missing []error
	flag.VisitAll(func(f *flag.Flag) {
		if f.Value.String() == "" {
			missing = append(missing, fmt.Errorf("-%s is required", f.Name))
		}
	})
	err := errors.Join(missing...)
	if err == nil {
		err = run(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	created, err := time.Parse(time.RFC3339, o.created)
	if err != nil {
		return err
	}
	created = created.UTC()
	reference, err := name.NewTag(o.tag)
	if err != nil {
		return err
	}
	files, err := fileSystem(o.binary)
	if err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(files)), nil })
	if err != nil {
		return err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", o.arch, v1.Time{Time: created}
	config.Config = v1.Config{
		Entrypoint: []string{"/baton-whimsical"},
		User:       fmt.Sprint(nonroot),
		WorkingDir: "/tmp",
		Env:        []string{"SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
		// https://github.com/opencontainers/image-spec/blob/main/annotations.md
		Labels: map[string]string{
			"org.opencontainers.image.title":    "baton-whimsical",
			"org.opencontainers.image.source":   o.source,
			"org.opencontainers.image.revision": o.revision,
			"org.opencontainers.image.version":  o.version,
			"org.opencontainers.image.licenses": "Apache-2.0",
			"org.opencontainers.image.created":  created.Format(time.RFC3339),
		},
	}
	if image, err = mutate.ConfigFile(image, config); err != nil {
		return err
	}
	return tarball.WriteToFile(o.out, reference, image)
}

// fileSystem returns the image's one layer as a tar archive. Times are zero,
// so that the same binary makes the same image.
func fileSystem(binary string) ([]byte, error) {
	program, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	for _, dir := range []struct {
		name string
		mode int64
		uid  int
	}{{"etc/", 0o755, 0}, {"etc/ssl/", 0o755, 0}, {"etc/ssl/certs/", 0o755, 0}, {"tmp/", 0o1777, nonroot}} {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: dir.name, Mode: dir.mode, Uid: dir.uid, Gid: dir.uid, ModTime: time.Unix(0, 0)}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
	}
	for _, file := range []struct {
		name    string
		mode    int64
		content []byte
	}{
		{"baton-whimsical", 0o755, program},
		{"etc/ssl/certs/ca-certificates.crt", 0o644, certificates()},
		{"etc/passwd", 0o644, []byte("nonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n")},
	} {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: file.name, Mode: file.mode, Size: int64(len(file.content)), ModTime: time.Unix(0, 0)}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	return files.Bytes(), nil
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
