package manifesttest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// decode reads YAML into a Kubernetes object as the API server does in strict
// mode: unknown fields, fields in another case, duplicates and wrong types fail.
func decode(manifest []byte, into any) error {
	converted, err := yaml.YAMLToJSONStrict(manifest)
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(converted, into)
	return errors.Join(append(strict, err)...)
}

func strictly(t *testing.T, manifest string, into any) {
	t.Helper()
	if err := decode([]byte(manifest), into); err != nil {
		t.Fatal(err)
	}
}

// objectOf returns an empty object of the manifest's kind.
func objectOf(t *testing.T, manifest string) any {
	t.Helper()
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(manifest), &kind); err != nil {
		t.Fatal(err)
	}
	switch kind {
	case metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}:
		return &corev1.Secret{}
	case metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}:
		return &appsv1.Deployment{}
	case metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}:
		return &networkingv1.NetworkPolicy{}
	default:
		t.Fatalf("unexpected object %s %s", kind.APIVersion, kind.Kind)
		return nil
	}
}

func decodeObject(t *testing.T, manifest string) any {
	t.Helper()
	object := objectOf(t, manifest)
	strictly(t, manifest, object)
	return object
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// manifests returns the names of the files that hold objects.
func manifests(t *testing.T) []string {
	t.Helper()
	var names []string
	files, err := filepath.Glob(filepath.Join(base, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if name := filepath.Base(file); name != "kustomization.yaml" {
			names = append(names, name)
		}
	}
	return sorted(names)
}
