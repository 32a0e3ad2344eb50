package istio

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	networking "istio.io/api/networking/v1alpha3"
	clientv1 "istio.io/client-go/pkg/apis/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kservegen/kservegen/pkg/manifest"
	"github.com/kservegen/kservegen/pkg/spec"
)

// DestinationRule says how a revision's pods are called: by mTLS, the least busy first, and not those that fail.
func DestinationRule(t spec.Target, r spec.RevisionTarget) manifest.Object {
	name := t.Qualified(r.Name)
	rule := &clientv1.DestinationRule{
		TypeMeta:   metav1.TypeMeta{APIVersion: clientv1.SchemeGroupVersion.String(), Kind: "DestinationRule"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: t.Namespace, Labels: t.RevisionLabels(spec.ComponentRouting, r.Name)},
	}
	rule.Spec.Host = PredictorHost(t, r.Name)
	rule.Spec.TrafficPolicy = &networking.TrafficPolicy{
		Tls:            &networking.ClientTLSSettings{Mode: networking.ClientTLSSettings_ISTIO_MUTUAL},
		LoadBalancer:   &networking.LoadBalancerSettings{LbPolicy: &networking.LoadBalancerSettings_Simple{Simple: networking.LoadBalancerSettings_LEAST_REQUEST}},
		ConnectionPool: connectionPool(),
		OutlierDetection: &networking.OutlierDetection{
			// Left out it is 5, counts every 5xx, and makes the line above it useless (istio#43357).
			Consecutive_5XxErrors:    wrapperspb.UInt32(0),
			ConsecutiveGatewayErrors: wrapperspb.UInt32(5),
			Interval:                 durationpb.New(10 * time.Second),
			BaseEjectionTime:         durationpb.New(30 * time.Second),
			MaxEjectionPercent:       50,
		},
	}
	const policy = "/spec/trafficPolicy"
	return manifest.Object{File: "destinationrule-" + r.Name, Typed: rule, Comments: manifest.Comments{
		Head: "How the pods of " + name + " are called.",
		At: map[string]string{
			policy + "/tls":              "Automatic mTLS would do the same, until another rule for this host says otherwise.",
			policy + "/loadBalancer":     "Requests differ in length by orders of magnitude; round robin would queue behind long ones.",
			policy + "/connectionPool":   "No limit on connections or pending requests: every stream holds one.",
			policy + "/outlierDetection": "A pod that refuses, resets or answers 502 to 504 leaves for a while. Not by 500s, which a prompt can\ncause: consecutive5xxErrors, left out, would count them.",
		},
	}}
}

func connectionPool() *networking.ConnectionPoolSettings {
	return &networking.ConnectionPoolSettings{
		Tcp: &networking.ConnectionPoolSettings_TCPSettings{
			ConnectTimeout: durationpb.New(5 * time.Second),
			TcpKeepalive: &networking.ConnectionPoolSettings_TCPSettings_TcpKeepalive{
				Time: durationpb.New(time.Minute), Interval: durationpb.New(30 * time.Second),
			},
		},
	}
}
