package manifesttest

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TestNetworkPolicy checks that nothing reaches the pod but what Kubernetes always lets through, which is its
// own node, and that the pod reaches name servers and HTTPS alone.
func TestNetworkPolicy(t *testing.T) {
	objects := build(t, base)
	policy, pod := one[networkingv1.NetworkPolicy](t, objects), one[appsv1.Deployment](t, objects).Spec.Template

	selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
	if err != nil {
		t.Fatal(err)
	}
	if selector.Empty() || !selector.Matches(labels.Set(pod.Labels)) {
		t.Errorf("the policy is for %s, the pod has the labels %v", selector, pod.Labels)
	}
	equal(t, "directions", policy.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress})
	equal(t, "rules for what comes in", len(policy.Spec.Ingress), 0)

	open := map[string]bool{}
	for _, rule := range policy.Spec.Egress {
		equal(t, "destinations", len(rule.To), 0) // any: neither service has fixed addresses
		if len(rule.Ports) == 0 {
			t.Error("a rule without ports opens all of them")
		}
		for _, port := range rule.Ports {
			if port.Protocol == nil || port.Port == nil || port.Port.Type != intstr.Int || port.EndPort != nil {
				t.Fatalf("a port is %+v", port)
			}
			open[string(*port.Protocol)+" "+port.Port.String()] = true
		}
	}
	equal(t, "open ports", open, map[string]bool{"UDP 53": true, "TCP 53": true, "TCP 443": true})
}
