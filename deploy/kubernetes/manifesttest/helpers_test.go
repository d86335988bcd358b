package manifesttest

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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
	content, err := os.ReadFile(filepath.Join(elements...)) //nolint:gosec // files of this repository
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

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func only[T any](t *testing.T, what string, list []T) T {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d of %s, want one", len(list), what)
	}
	return list[0]
}

// set checks a field that has to be there: a missing one is not its zero value.
func set[T any](t *testing.T, what string, field *T, want T) {
	t.Helper()
	if field == nil {
		t.Errorf("%s is not set, want %v", what, want)
		return
	}
	equal(t, what, *field, want)
}

func keys(m map[string]string) []string {
	return slices.Collect(maps.Keys(m))
}

func sorted(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	return names
}
