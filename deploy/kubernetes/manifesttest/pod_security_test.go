package manifesttest

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// violations returns what in a pod breaks Kubernetes' "restricted" pod
// security standard.
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
}

// TestRestrictedStandard shows that the check catches what it is there for.
func TestRestrictedStandard(t *testing.T) {
	_, deployment := render(t, base)
	for name, test := range map[string]struct {
		change func(*corev1.PodSpec, *corev1.SecurityContext)
		reason string
	}{
		"privileged": {
			func(_ *corev1.PodSpec, own *corev1.SecurityContext) { own.Privileged = new(true) },
			"privileged",
		},
		"user 0": {
			func(pod *corev1.PodSpec, _ *corev1.SecurityContext) { pod.SecurityContext.RunAsUser = new(int64(0)) },
			"runAsUser=0",
		},
		"root allowed": {
			func(pod *corev1.PodSpec, _ *corev1.SecurityContext) { pod.SecurityContext.RunAsNonRoot = nil },
			"runAsNonRoot != true",
		},
		"the container overrides the pod": {
			func(_ *corev1.PodSpec, own *corev1.SecurityContext) { own.RunAsNonRoot = new(false) },
			"runAsNonRoot != true",
		},
		"privilege escalation": {
			func(_ *corev1.PodSpec, own *corev1.SecurityContext) { own.AllowPrivilegeEscalation = nil },
			"allowPrivilegeEscalation != false",
		},
		"capabilities kept": {
			func(_ *corev1.PodSpec, own *corev1.SecurityContext) { own.Capabilities = nil },
			"unrestricted capabilities",
		},
		"no seccomp profile": {
			func(pod *corev1.PodSpec, _ *corev1.SecurityContext) { pod.SecurityContext.SeccompProfile = nil },
			"seccompProfile",
		},
		"the host's network": {
			func(pod *corev1.PodSpec, _ *corev1.SecurityContext) { pod.HostNetwork = true },
			"host namespaces",
		},
		"the host's files": {
			func(pod *corev1.PodSpec, _ *corev1.SecurityContext) {
				pod.Volumes[0].VolumeSource = corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}
			},
			"restricted volume types",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := deployment.Spec.Template.DeepCopy()
			test.change(&pod.Spec, pod.Spec.Containers[0].SecurityContext)
			if reasons := violations(t, *pod); !slices.Contains(reasons, test.reason) {
				t.Errorf("the check finds %q, want %q among them", reasons, test.reason)
			}
		})
	}
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
