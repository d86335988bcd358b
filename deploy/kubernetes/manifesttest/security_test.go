package manifesttest

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
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
	pod := render(t, base).pod
	equal(t, "violations", violations(t, pod), nil)
	// The check is asked in the right way: it finds what is missing.
	pod.Spec.SecurityContext.SeccompProfile = nil
	equal(t, "violations without a seccomp profile", violations(t, pod), []string{"seccompProfile"})
}

// TestHardening checks what the standard leaves open.
func TestHardening(t *testing.T) {
	r := render(t, base)
	pod, own := r.pod.Spec, r.container.SecurityContext
	if pod.SecurityContext == nil || own == nil {
		t.Fatal("a security context is missing")
	}
	set(t, "automountServiceAccountToken", pod.AutomountServiceAccountToken, false)
	set(t, "enableServiceLinks", pod.EnableServiceLinks, false)
	set(t, "runAsUser", pod.SecurityContext.RunAsUser, 65532)
	set(t, "runAsGroup", pod.SecurityContext.RunAsGroup, 65532)
	set(t, "fsGroup", pod.SecurityContext.FSGroup, 65532)
	set(t, "readOnlyRootFilesystem", own.ReadOnlyRootFilesystem, true)
	if own.RunAsUser != nil || own.RunAsGroup != nil {
		t.Error("the container overrides the pod's user")
	}
	if own.Capabilities != nil {
		equal(t, "capabilities added", len(own.Capabilities.Add), 0)
	}
}

// TestNetworkPolicy checks that nothing reaches the pod but what Kubernetes always lets through, which is its own
// node, and that the pod reaches name servers and HTTPS alone.
func TestNetworkPolicy(t *testing.T) {
	r := render(t, base)
	port := func(protocol corev1.Protocol, number int32) networkingv1.NetworkPolicyPort {
		return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: new(intstr.FromInt32(number))}
	}
	equal(t, "policy", &r.policy.Spec, &networkingv1.NetworkPolicySpec{
		PodSelector: *r.deployment.Spec.Selector,
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		Ingress:     []networkingv1.NetworkPolicyIngressRule{},
		Egress: []networkingv1.NetworkPolicyEgressRule{ // to any address: neither service has fixed ones
			{Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolUDP, 53), port(corev1.ProtocolTCP, 53)}},
			{Ports: []networkingv1.NetworkPolicyPort{port(corev1.ProtocolTCP, 443)}},
		},
	})
}
