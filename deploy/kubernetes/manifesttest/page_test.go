package manifesttest

import (
	"maps"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

var yamlBlock = regexp.MustCompile("(?ms)^```yaml[^\n]*\n(# [^\n]*)\n(.*?)^```$")

// TestPageShowsTheSameDeployment checks that the short manifests of docs/connector.mdx are valid, and that
// somebody who moves from them to the hardened ones keeps every name, label, setting and image.
func TestPageShowsTheSameDeployment(t *testing.T) {
	secret, deployment := render(t, base)
	blocks := yamlBlock.FindAllStringSubmatch(read(t, repository, "docs", "connector.mdx"), -1)
	if len(blocks) != 2 {
		t.Fatalf("the page shows %d YAML files that begin with their names, want 2", len(blocks))
	}
	equal(t, "the first file", blocks[0][1], "# baton-whimsical-secrets.yaml")
	var pageSecret corev1.Secret
	strictly(t, blocks[0][2], &pageSecret)
	equal(t, "the secret's name", pageSecret.Name, secret.Name)
	equal(t, "the secret's type", pageSecret.Type, secret.Type)
	equal(t, "the secret's values", pageSecret.StringData, secret.StringData)

	equal(t, "the second file", blocks[1][1], "# baton-whimsical.yaml")
	var page appsv1.Deployment
	strictly(t, blocks[1][2], &page)
	equal(t, "the deployment's name", page.Name, deployment.Name)
	equal(t, "the deployment's labels", page.Labels, deployment.Labels)
	equal(t, "the selector", page.Spec.Selector, deployment.Spec.Selector)
	equal(t, "the pod's labels", page.Spec.Template.Labels, deployment.Spec.Template.Labels)

	short := only(t, "container on the page", page.Spec.Template.Spec.Containers)
	hardened := only(t, "container", deployment.Spec.Template.Spec.Containers)
	equal(t, "the container's name", short.Name, hardened.Name)
	equal(t, "the image", short.Image, hardened.Image)
	// The page has what the pages of all connectors have.
	equal(t, "imagePullPolicy", short.ImagePullPolicy, corev1.PullIfNotPresent)
	equal(t, "envFrom", short.EnvFrom, hardened.EnvFrom)
	// Only the hardened pod has probes, and needs what answers them.
	settings := environment(hardened)
	maps.DeleteFunc(settings, func(name, _ string) bool { return strings.HasPrefix(name, "BATON_HEALTH_CHECK") })
	equal(t, "env", environment(short), settings)
}
