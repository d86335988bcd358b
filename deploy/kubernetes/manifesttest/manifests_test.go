package manifesttest

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/kustomize/api/types"
)

const (
	base       = ".."
	repository = "../../.."
)

func TestManifestsDecodeStrictly(t *testing.T) {
	var kustomization types.Kustomization
	if err := decode(read(t, base, "kustomization.yaml"), &kustomization); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(base, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	listed := []string{filepath.Join(base, "kustomization.yaml")}
	for _, name := range kustomization.Resources {
		listed = append(listed, filepath.Join(base, name))
		if _, err := decoded(t, read(t, base, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	equal(t, "the files of the folder", files, slices.Sorted(slices.Values(listed)))
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
		manifest := read(t, base, change.file)
		broken := strings.Replace(manifest, change.old, change.new, 1)
		if _, err := decoded(t, broken); broken == manifest || err == nil {
			t.Errorf("%s: changed %t, and decoded without an error", name, broken != manifest)
		}
	}
}

func TestKustomizationRenders(t *testing.T) {
	overlay := t.TempDir()
	absolute, err := filepath.Abs(base)
	relative, unrelated := filepath.Rel(overlay, absolute)
	kustomization := "resources:\n  - " + relative + "\nnamespace: connectors\nimages:\n" +
		"  - name: ghcr.io/conductorone/baton-whimsical\n    newName: registry.example.com/baton-whimsical\n    newTag: 0.1.0\n"
	unwritten := os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(kustomization), 0o600)
	if err := errors.Join(err, unrelated, unwritten); err != nil {
		t.Fatal(err)
	}
	for dir, namespace := range map[string]string{base: "", overlay: "connectors"} { // the namespace is the user's
		r := render(t, dir)
		equal(t, "the secret's namespace", r.secret.Namespace, namespace)
		equal(t, "the deployment's namespace", r.deployment.Namespace, namespace)
		if dir == overlay {
			equal(t, "an overlay's image", r.container.Image, "registry.example.com/baton-whimsical:0.1.0")
		}
	}
}

func TestSecret(t *testing.T) {
	secret := render(t, base).secret
	equal(t, "name", secret.Name, "baton-whimsical-secrets")
	equal(t, "type", secret.Type, corev1.SecretTypeOpaque)
	equal(t, "values, without any credential", secret.StringData, map[string]string{
		"BATON_CLIENT_ID": "<C1 client ID>", "BATON_CLIENT_SECRET": "<C1 client secret>",
		"BATON_WHIMSICAL_TOKEN": "<SCIM OAuth token>", "BATON_PROVISIONING": "true",
	})
}

func TestDeployment(t *testing.T) {
	r := render(t, base)
	labels := map[string]string{"app": "baton-whimsical", "baton": "true", "baton-app": "whimsical"}
	equal(t, "name", r.deployment.Name, "baton-whimsical")
	equal(t, "the deployment's labels", r.deployment.Labels, labels)
	equal(t, "the pod's labels", r.pod.Labels, labels)
	equal(t, "the selector", r.deployment.Spec.Selector.MatchLabels, map[string]string{"app": "baton-whimsical"})
	set(t, "replicas", r.deployment.Spec.Replicas, 1)
	equal(t, "strategy", r.deployment.Spec.Strategy, appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType})
	equal(t, "container name", r.container.Name, "baton-whimsical")
	equal(t, "image", r.container.Image, "ghcr.io/conductorone/baton-whimsical:latest")
	// A node keeps the first image that it pulled under a tag that moves.
	equal(t, "imagePullPolicy", r.container.ImagePullPolicy, corev1.PullAlways)
	// Flags are visible in the process list: settings belong in the environment.
	equal(t, "arguments", len(r.container.Command)+len(r.container.Args), 0)
	equal(t, "init containers", len(r.pod.Spec.InitContainers), 0)

	from := only(t, "envFrom", r.container.EnvFrom)
	if from.SecretRef == nil || from.SecretRef.Name != r.secret.Name || from.Prefix != "" {
		t.Errorf("envFrom does not take the secret %s as it is: %+v", r.secret.Name, from)
	}
	equal(t, "BATON_HOST_ID", environment(r.container)["BATON_HOST_ID"], "baton-whimsical")

	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, limit := r.container.Resources.Requests[name], r.container.Resources.Limits[name]
		if request.IsZero() || limit.IsZero() || request.Cmp(limit) > 0 {
			t.Errorf("%s: request %s, limit %s", name, request.String(), limit.String())
		}
	}
}

// TestTemporaryFiles checks that the only place that can be written to is the directory where the SDK keeps its
// temporary files, and that it is bounded.
func TestTemporaryFiles(t *testing.T) {
	r := render(t, base)
	volume, mount := only(t, "volume", r.pod.Spec.Volumes), only(t, "volume mount", r.container.VolumeMounts)
	equal(t, "volume mount", mount, corev1.VolumeMount{Name: volume.Name, MountPath: "/tmp"})
	if volume.EmptyDir == nil || volume.EmptyDir.SizeLimit == nil || volume.EmptyDir.Medium != corev1.StorageMediumDefault {
		t.Fatalf("the volume is %+v, want an emptyDir on disk with a size limit", volume.VolumeSource)
	}
	if floor := resource.MustParse("1Gi"); volume.EmptyDir.SizeLimit.Cmp(floor) < 0 {
		t.Errorf("the size limit %s is too small for a sync of 100,000 users", volume.EmptyDir.SizeLimit)
	}
}

func TestProbes(t *testing.T) {
	container := render(t, base).container
	port, env := only(t, "port", container.Ports), environment(container)
	equal(t, "BATON_HEALTH_CHECK", env["BATON_HEALTH_CHECK"], "true")
	equal(t, "BATON_HEALTH_CHECK_PORT", env["BATON_HEALTH_CHECK_PORT"], strconv.Itoa(int(port.ContainerPort)))
	// The kubelet reaches the pod's address, never its loopback.
	equal(t, "BATON_HEALTH_CHECK_BIND_ADDRESS", env["BATON_HEALTH_CHECK_BIND_ADDRESS"], "0.0.0.0")

	for path, probes := range map[string][]*corev1.Probe{
		"/live": {container.StartupProbe, container.LivenessProbe}, "/ready": {container.ReadinessProbe},
	} {
		for _, probe := range probes {
			if probe == nil || probe.HTTPGet == nil {
				t.Fatalf("a probe of %s over HTTP is missing", path)
			}
			// /health would make a request to Whimsical each time.
			equal(t, "a probe's path", probe.HTTPGet.Path, path)
			equal(t, "a probe's port", probe.HTTPGet.Port.String(), port.Name)
		}
	}
	// What answers starts after ConductorOne's first answer, which the SDK awaits with pauses of up to five minutes.
	startup := container.StartupProbe
	if seconds := startup.PeriodSeconds * startup.FailureThreshold; seconds < 600 {
		t.Errorf("the startup probe gives up after %d s: an outage at the start would end in restarts", seconds)
	}
}

// TestVariables checks that every variable is one that the connector knows and the README documents, and that its
// value has the setting's type.
func TestVariables(t *testing.T) {
	// What the SDK knows without publishing it in the schema.
	known := map[string]string{
		"BATON_CLIENT_ID": "stringField", "BATON_CLIENT_SECRET": "stringField", "BATON_HOST_ID": "stringField", "BATON_PROVISIONING": "boolField",
	}
	var schema struct {
		Fields []map[string]any `json:"fields"`
	}
	if err := json.Unmarshal([]byte(read(t, repository, "config_schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	required := []string{"BATON_CLIENT_ID", "BATON_CLIENT_SECRET"}
	for _, field := range schema.Fields {
		name, _ := field["name"].(string)
		variable := "BATON_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		for key := range field {
			if strings.HasSuffix(key, "Field") {
				known[variable] = key
			}
		}
		if field["isRequired"] == true {
			required = append(required, variable)
		}
	}
	if len(required) == 2 {
		t.Error("the schema requires nothing: has its form changed?")
	}

	r := render(t, base)
	vars := environment(r.container)
	for name, value := range r.secret.StringData {
		if _, twice := vars[name]; twice {
			t.Errorf("%s is set in the deployment and in the secret", name)
		}
		vars[name] = value
	}
	readme := read(t, repository, "README.md")
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
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("the README does not document %s", name)
		}
	}
	for _, name := range required {
		if _, ok := vars[name]; !ok {
			t.Errorf("%s is required and not set", name)
		}
	}
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml[^\n]*\n(# [^\n]*)\n(.*?)^```$")

// TestPageShowsTheSameDeployment checks that the short manifests of docs/connector.mdx are valid, and that somebody
// who moves from them to the hardened ones keeps every name, label, setting and image.
func TestPageShowsTheSameDeployment(t *testing.T) {
	blocks := yamlBlock.FindAllStringSubmatch(read(t, repository, "docs", "connector.mdx"), -1)
	if len(blocks) != 2 {
		t.Fatalf("the page shows %d YAML files that begin with their names, want 2", len(blocks))
	}
	equal(t, "the first file", blocks[0][1], "# baton-whimsical-secrets.yaml")
	equal(t, "the second file", blocks[1][1], "# baton-whimsical.yaml")
	short, hardened := parse(t, blocks[0][2], blocks[1][2]), render(t, base)
	equal(t, "the secret's name", short.secret.Name, hardened.secret.Name)
	equal(t, "the secret's type", short.secret.Type, hardened.secret.Type)
	equal(t, "the secret's values", short.secret.StringData, hardened.secret.StringData)
	equal(t, "the deployment's name", short.deployment.Name, hardened.deployment.Name)
	equal(t, "the deployment's labels", short.deployment.Labels, hardened.deployment.Labels)
	equal(t, "the selector", short.deployment.Spec.Selector, hardened.deployment.Spec.Selector)
	equal(t, "the pod's labels", short.pod.Labels, hardened.pod.Labels)
	equal(t, "the container's name", short.container.Name, hardened.container.Name)
	equal(t, "the image", short.container.Image, hardened.container.Image)
	// The page has what the pages of all connectors have.
	equal(t, "imagePullPolicy", short.container.ImagePullPolicy, corev1.PullIfNotPresent)
	equal(t, "envFrom", short.container.EnvFrom, hardened.container.EnvFrom)
	// Only the hardened pod has probes, and needs what answers them.
	settings := environment(hardened.container)
	maps.DeleteFunc(settings, func(name, _ string) bool { return strings.HasPrefix(name, "BATON_HEALTH_CHECK") })
	equal(t, "env", environment(short.container), settings)
}
