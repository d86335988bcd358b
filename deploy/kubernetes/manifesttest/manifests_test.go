package manifesttest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

const (
	base       = ".."
	repository = "../../.."
)

func TestManifestsDecodeStrictly(t *testing.T) {
	var kustomization types.Kustomization
	strictly(t, read(t, base, "kustomization.yaml"), &kustomization)
	for _, name := range kustomization.Resources {
		t.Run(name, func(t *testing.T) {
			decodeObject(t, read(t, base, name))
		})
	}
	if files := manifests(t); !slices.Equal(files, sorted(kustomization.Resources)) {
		t.Errorf("the kustomization lists %v, the folder holds %v", sorted(kustomization.Resources), files)
	}
}

// TestStrictness shows that the decoder catches what it is there for.
func TestStrictness(t *testing.T) {
	for name, change := range map[string]struct{ file, old, new string }{
		"a boolean in stringData": {"secret.yaml", `BATON_PROVISIONING: "true"`, `BATON_PROVISIONING: true`},
		"an unknown field":        {"deployment.yaml", "runAsNonRoot:", "runAsNotRoot:"},
		"a field in another case": {"deployment.yaml", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:"},
		"a misspelt direction":    {"networkpolicy.yaml", "  ingress: []", "  ingres: []"},
		"a field twice":           {"deployment.yaml", "  replicas: 1", "  replicas: 1\n  replicas: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			manifest := read(t, base, change.file)
			broken := strings.Replace(manifest, change.old, change.new, 1)
			if broken == manifest {
				t.Fatalf("%s does not hold %q", change.file, change.old)
			}
			if err := decode([]byte(broken), objectOf(t, manifest)); err == nil {
				t.Error("decoded without an error")
			}
		})
	}
}

func TestKustomizationRenders(t *testing.T) {
	secret, deployment := render(t, base)
	if secret.Namespace != "" || deployment.Namespace != "" {
		t.Errorf("the namespace is the user's, but the base sets %q and %q", secret.Namespace, deployment.Namespace)
	}

	overlay := t.TempDir()
	absolute, err := filepath.Abs(base)
	if err != nil {
		t.Fatal(err)
	}
	relative, err := filepath.Rel(overlay, absolute)
	if err != nil {
		t.Fatal(err)
	}
	kustomization := "resources:\n  - " + relative + "\nnamespace: connectors\nimages:\n" +
		"  - name: ghcr.io/conductorone/baton-whimsical\n    newName: registry.example.com/baton-whimsical\n    newTag: 0.1.0\n"
	if err := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(kustomization), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, deployment = render(t, overlay)
	if secret.Namespace != "connectors" || deployment.Namespace != "connectors" {
		t.Errorf("an overlay's namespace did not reach the objects: %q, %q", secret.Namespace, deployment.Namespace)
	}
	if got, want := deployment.Spec.Template.Spec.Containers[0].Image, "registry.example.com/baton-whimsical:0.1.0"; got != want {
		t.Errorf("an overlay's image did not reach the container: %q, want %q", got, want)
	}
}

func TestSecret(t *testing.T) {
	secret, _ := render(t, base)
	equal(t, "name", secret.Name, "baton-whimsical-secrets")
	equal(t, "type", secret.Type, corev1.SecretTypeOpaque)
	equal(t, "keys", sorted(keys(secret.StringData)), []string{
		"BATON_CLIENT_ID", "BATON_CLIENT_SECRET", "BATON_PROVISIONING", "BATON_WHIMSICAL_TOKEN",
	})
	equal(t, "BATON_PROVISIONING", secret.StringData["BATON_PROVISIONING"], "true")
	for name, value := range secret.StringData {
		if name != "BATON_PROVISIONING" && !regexp.MustCompile(`^<[^<>]+>$`).MatchString(value) {
			t.Errorf("%s is %q, not a placeholder: does a credential stand there?", name, value)
		}
	}
}

func TestDeployment(t *testing.T) {
	secret, deployment := render(t, base)
	pod := deployment.Spec.Template
	container := only(t, "container", pod.Spec.Containers)

	labels := map[string]string{"app": "baton-whimsical", "baton": "true", "baton-app": "whimsical"}
	equal(t, "name", deployment.Name, "baton-whimsical")
	equal(t, "the deployment's labels", deployment.Labels, labels)
	equal(t, "the pod's labels", pod.Labels, labels)
	equal(t, "the selector", deployment.Spec.Selector.MatchLabels, map[string]string{"app": "baton-whimsical"})

	set(t, "replicas", deployment.Spec.Replicas, 1)
	equal(t, "strategy", deployment.Spec.Strategy, appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType})

	equal(t, "container name", container.Name, "baton-whimsical")
	equal(t, "image", container.Image, "ghcr.io/conductorone/baton-whimsical:latest")
	// A node keeps the first image that it pulled under a tag that moves.
	equal(t, "imagePullPolicy", container.ImagePullPolicy, corev1.PullAlways)
	if len(container.Command)+len(container.Args) > 0 {
		t.Error("flags are visible in the process list: settings belong in the environment")
	}
	equal(t, "init containers", len(pod.Spec.InitContainers), 0)

	from := only(t, "envFrom", container.EnvFrom)
	if from.SecretRef == nil || from.SecretRef.Name != secret.Name || from.Prefix != "" {
		t.Errorf("envFrom does not take the secret %s as it is: %+v", secret.Name, from)
	}
	equal(t, "BATON_HOST_ID", environment(container)["BATON_HOST_ID"], "baton-whimsical")
}

func TestResources(t *testing.T) {
	_, deployment := render(t, base)
	container := only(t, "container", deployment.Spec.Template.Spec.Containers)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := container.Resources.Requests[name], container.Resources.Limits[name]
		if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
			t.Errorf("%s: request %s, limit %s", name, request.String(), limit.String())
		}
	}
}

// TestTemporaryFiles checks that the only place that can be written to is the
// directory where the SDK keeps its temporary files, and that it is bounded.
func TestTemporaryFiles(t *testing.T) {
	_, deployment := render(t, base)
	pod := deployment.Spec.Template.Spec
	volume := only(t, "volume", pod.Volumes)
	mount := only(t, "volume mount", only(t, "container", pod.Containers).VolumeMounts)

	equal(t, "mounted volume", mount.Name, volume.Name)
	equal(t, "mount path", mount.MountPath, "/tmp")
	equal(t, "read-only mount", mount.ReadOnly, false)
	if volume.EmptyDir == nil || volume.EmptyDir.SizeLimit == nil || volume.EmptyDir.Medium != corev1.StorageMediumDefault {
		t.Fatalf("the volume is %+v, want an emptyDir on disk with a size limit", volume.VolumeSource)
	}
	if floor := resource.MustParse("1Gi"); volume.EmptyDir.SizeLimit.Cmp(floor) < 0 {
		t.Errorf("the size limit %s is too small for a sync of 100,000 users", volume.EmptyDir.SizeLimit)
	}
}

func TestProbes(t *testing.T) {
	_, deployment := render(t, base)
	container := only(t, "container", deployment.Spec.Template.Spec.Containers)
	port := only(t, "port", container.Ports)
	env := environment(container)
	equal(t, "BATON_HEALTH_CHECK", env["BATON_HEALTH_CHECK"], "true")
	equal(t, "BATON_HEALTH_CHECK_PORT", env["BATON_HEALTH_CHECK_PORT"], strconv.Itoa(int(port.ContainerPort)))
	// The kubelet reaches the pod's address, never its loopback.
	equal(t, "BATON_HEALTH_CHECK_BIND_ADDRESS", env["BATON_HEALTH_CHECK_BIND_ADDRESS"], "0.0.0.0")

	for _, probe := range []struct {
		name, path string
		probe      *corev1.Probe
	}{
		{"startup", "/live", container.StartupProbe},
		{"liveness", "/live", container.LivenessProbe},
		{"readiness", "/ready", container.ReadinessProbe},
	} {
		if probe.probe == nil || probe.probe.HTTPGet == nil {
			t.Errorf("there is no %s probe over HTTP", probe.name)
			continue
		}
		// /health would make a request to Whimsical each time.
		equal(t, probe.name+" probe's path", probe.probe.HTTPGet.Path, probe.path)
		equal(t, probe.name+" probe's port", probe.probe.HTTPGet.Port.String(), port.Name)
	}
	// The health server starts after ConductorOne's first answer, which the SDK
	// awaits with pauses of up to five minutes.
	startup := container.StartupProbe
	if seconds := startup.PeriodSeconds * startup.FailureThreshold; seconds < 600 {
		t.Errorf("the startup probe gives up after %d s: an outage at the start would end in restarts", seconds)
	}
}

// TestVariables checks that every variable is one that the connector knows and
// the README documents, and that its value has the setting's type.
func TestVariables(t *testing.T) {
	// What the SDK knows without publishing it in the schema.
	known := map[string]string{
		"BATON_CLIENT_ID":     "stringField",
		"BATON_CLIENT_SECRET": "stringField",
		"BATON_HOST_ID":       "stringField",
		"BATON_PROVISIONING":  "boolField",
	}
	var schema struct {
		Fields []map[string]json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal([]byte(read(t, repository, "config_schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	var required []string
	for _, field := range schema.Fields {
		var name string
		if err := json.Unmarshal(field["name"], &name); err != nil {
			t.Fatal(err)
		}
		variable := "BATON_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		for key := range field {
			if strings.HasSuffix(key, "Field") {
				known[variable] = key
			}
		}
		if string(field["isRequired"]) == "true" {
			required = append(required, variable)
		}
	}

	secret, deployment := render(t, base)
	vars := environment(only(t, "container", deployment.Spec.Template.Spec.Containers))
	for name, value := range secret.StringData {
		if _, twice := vars[name]; twice {
			t.Errorf("%s is set in the deployment and in the secret", name)
		}
		vars[name] = value
	}
	documented := regexp.MustCompile("`(BATON_[A-Z0-9_]+)`").FindAllStringSubmatch(read(t, repository, "README.md"), -1)
	for name, value := range vars {
		switch kind, ok := known[name]; {
		case !ok:
			t.Errorf("the connector has no setting %s", name)
		case kind == "boolField" && value != "true" && value != "false":
			t.Errorf("%s is %q, not a boolean", name, value)
		case kind == "intField":
			if _, err := strconv.Atoi(value); err != nil {
				t.Errorf("%s is %q, not a number", name, value)
			}
		}
		if !slices.ContainsFunc(documented, func(match []string) bool { return match[1] == name }) {
			t.Errorf("the README does not document %s", name)
		}
	}
	if len(required) == 0 {
		t.Error("the schema requires nothing: has its form changed?")
	}
	for _, name := range append(required, "BATON_CLIENT_ID", "BATON_CLIENT_SECRET") {
		if _, ok := vars[name]; !ok {
			t.Errorf("%s is required and not set", name)
		}
	}
}

// render returns the secret and the deployment that a kustomization makes.
func render(t *testing.T, dir string) (*corev1.Secret, *appsv1.Deployment) {
	t.Helper()
	objects := build(t, dir)
	equal(t, "rendered objects", len(objects), 3)
	return one[corev1.Secret](t, objects), one[appsv1.Deployment](t, objects)
}

// one returns the only object of a type.
func one[T any](t *testing.T, objects []any) *T {
	t.Helper()
	var found []*T
	for _, object := range objects {
		if typed, ok := object.(*T); ok {
			found = append(found, typed)
		}
	}
	return only(t, reflect.TypeFor[T]().String(), found)
}

// build builds a kustomization as kubectl does, and decodes what comes out.
func build(t *testing.T, dir string) []any {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsRootOnly
	rendered, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var objects []any
	for _, object := range rendered.Resources() {
		text, err := object.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, decodeObject(t, string(text)))
	}
	return objects
}

func environment(container corev1.Container) map[string]string {
	env := make(map[string]string, len(container.Env))
	for _, variable := range container.Env {
		env[variable.Name] = variable.Value
	}
	return env
}
