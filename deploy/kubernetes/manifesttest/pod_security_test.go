package manifesttest

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// violations returns what in a pod breaks Kubernetes' "restricted" pod security standard.
func violations(t *testing.T, pod corev1.PodTemplateSpec) []string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	var reasons []string
	for _, result := range evaluator.EvaluatePod(level, &pod.ObjectMeta, &pod.Spec) {
		if !result.Allowed {
			reasons = append(reasons, result.ForbiddenReason)
		}
	}
	return reasons
}

func TestPodMeetsTheRestrictedStandard(t *testing.T) {
	_, deployment := render(t, base)
	equal(t, "violations", violations(t, deployment.Spec.Template), nil)
	// The check is asked in the right way: it finds what is missing.
	deployment.Spec.Template.Spec.SecurityContext.SeccompProfile = nil
	equal(t, "violations without a seccomp profile", violations(t, deployment.Spec.Template), []string{"seccompProfile"})
}

// TestHardening checks what the standard leaves open.
func TestHardening(t *testing.T) {
	_, deployment := render(t, base)
	pod := deployment.Spec.Template.Spec
	container := only(t, "container", pod.Containers)
	if pod.SecurityContext == nil || container.SecurityContext == nil {
		t.Fatal("a security context is missing")
	}
	set(t, "automountServiceAccountToken", pod.AutomountServiceAccountToken, false)
	set(t, "enableServiceLinks", pod.EnableServiceLinks, false)
	set(t, "runAsUser", pod.SecurityContext.RunAsUser, 65532)
	set(t, "runAsGroup", pod.SecurityContext.RunAsGroup, 65532)
	set(t, "fsGroup", pod.SecurityContext.FSGroup, 65532)
	set(t, "readOnlyRootFilesystem", container.SecurityContext.ReadOnlyRootFilesystem, true)
	if own := container.SecurityContext; own.RunAsUser != nil || own.RunAsGroup != nil {
		t.Error("the container overrides the pod's user")
	}
	if capabilities := container.SecurityContext.Capabilities; capabilities != nil {
		equal(t, "capabilities added", len(capabilities.Add), 0)
	}
}
