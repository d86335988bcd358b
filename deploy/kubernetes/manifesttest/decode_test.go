package manifesttest

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// decode reads YAML into a Kubernetes object as the API server does in strict mode: unknown fields, fields in
// another case, duplicates and wrong types fail.
func decode(manifest string, into any) error {
	converted, err := yaml.YAMLToJSONStrict([]byte(manifest))
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(converted, into)
	return errors.Join(append(strict, err)...)
}

// decoded returns the object of a manifest.
func decoded(t *testing.T, manifest string) (any, error) {
	t.Helper()
	var kind metav1.TypeMeta
	if err := yaml.Unmarshal([]byte(manifest), &kind); err != nil {
		t.Fatal(err)
	}
	object, ok := map[metav1.TypeMeta]any{
		{APIVersion: "v1", Kind: "Secret"}:                          &corev1.Secret{},
		{APIVersion: "apps/v1", Kind: "Deployment"}:                 &appsv1.Deployment{},
		{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}: &networkingv1.NetworkPolicy{},
	}[kind]
	if !ok {
		t.Fatalf("unexpected object %s %s", kind.APIVersion, kind.Kind)
	}
	return object, decode(manifest, object)
}

func read(t *testing.T, elements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// objects are the objects of manifests, one of each kind.
type objects struct {
	secret     *corev1.Secret
	deployment *appsv1.Deployment
	policy     *networkingv1.NetworkPolicy // nil for none
	pod        corev1.PodTemplateSpec
	container  corev1.Container
}

func parse(t *testing.T, manifests ...string) objects {
	t.Helper()
	var o objects
	for _, manifest := range manifests {
		object, err := decoded(t, manifest)
		if err != nil {
			t.Fatal(err)
		}
		switch object := object.(type) {
		case *corev1.Secret:
			o.secret = object
		case *appsv1.Deployment:
			o.deployment, o.pod = object, object.Spec.Template
		case *networkingv1.NetworkPolicy:
			o.policy = object
		}
	}
	if o.secret == nil || o.deployment == nil {
		t.Fatal("a secret or a deployment is missing")
	}
	o.container = only(t, "container", o.pod.Spec.Containers)
	return o
}

// render builds a kustomization as kubectl does, and decodes what comes out.
func render(t *testing.T, dir string) objects {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	built, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var manifests []string
	for _, resource := range built.Resources() {
		manifests = append(manifests, resource.MustYaml())
	}
	o := parse(t, manifests...)
	if len(manifests) != 3 || o.policy == nil {
		t.Fatalf("%d objects, want a secret, a deployment and a network policy", len(manifests))
	}
	return o
}

func only[T any](t *testing.T, what string, list []T) T {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%d of %s, want one", len(list), what)
	}
	return list[0]
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// set checks a field that has to be there: a missing one is not its zero value.
func set[T comparable](t *testing.T, what string, field *T, want T) {
	t.Helper()
	if field == nil || *field != want {
		t.Errorf("%s is not set to %v", what, want)
	}
}

func environment(container corev1.Container) map[string]string {
	env := map[string]string{}
	for _, variable := range container.Env {
		env[variable.Name] = variable.Value
	}
	return env
}
