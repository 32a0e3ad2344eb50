package spec

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// EKSNetwork is the VPC that `kservegen eks cluster` makes, the load balancer before the gateway, and the security groups of the
// model's pods.
type EKSNetwork struct {
	// CIDR of the VPC. Default: 10.0.0.0/16.
	CIDR string `json:"cidr,omitempty"`
	// NATGateway perZone survives the loss of a zone, single is one for all of them. Default: perZone.
	NATGateway string `json:"natGateway,omitempty" jsonschema:"enum=perZone,enum=single"`
	// PublicAccessCIDRs may reach the API server from outside of the VPC. Default: any address, as EKS has it; callers prove
	// who they are to IAM.
	PublicAccessCIDRs []string `json:"publicAccessCidrs,omitempty"`
	// LoadBalancer before the gateway: a Network Load Balancer. Default: none is written.
	LoadBalancer *LoadBalancer `json:"loadBalancer,omitempty"`
	// PodSecurityGroups are security groups of the model's pods, by a SecurityGroupPolicy. Default: those of their nodes.
	PodSecurityGroups []string `json:"podSecurityGroups,omitempty"`
}

// LoadBalancer is a Network Load Balancer whose targets are the gateway's pods.
type LoadBalancer struct {
	// Scheme internet-facing has public addresses, internal those of the VPC. Default: internal.
	Scheme string `json:"scheme,omitempty" jsonschema:"enum=internal,enum=internet-facing"`
	// CertificateARN of the certificate in ACM by which the load balancer ends TLS; the gateway gets plain HTTP.
	// Default: the gateway ends TLS (expose.tlsSecret).
	CertificateARN string `json:"certificateArn,omitempty"`
	// IdleTimeout is how long a connection may be silent, from 1m to 100m. Default: 1h, or runtime.drainTimeout where that is
	// longer; with a certificate 350s, which AWS fixes.
	IdleTimeout Duration `json:"idleTimeout,omitempty"`
	// CrossZone sends requests to the pods of every zone, not only of that which the client reached. Default: true.
	CrossZone *bool `json:"crossZone,omitempty"`
	// ProxyProtocol tells the gateway the client's address; the gateway has to be told to read it. Default: false.
	ProxyProtocol bool `json:"proxyProtocol,omitempty"`
	// SourceRanges that may connect. Default: any address where internet-facing, else the VPC.
	SourceRanges []string `json:"sourceRanges,omitempty"`
}

// Values of network.loadBalancer.scheme and network.natGateway.
const (
	SchemeInternal = "internal"
	SchemeInternet = "internet-facing"
	NATPerZone     = "perZone"
	NATSingle      = "single"
)

const (
	// DefaultEKSVersion is the newest Kubernetes of EKS that KServe 0.20 (1.32 and later: its quickstart), Istio 1.31 (1.32 and
	// later: istioctl/pkg/install/k8sversion) and Karpenter 1.11 (up to 1.35) are for. In standard support until 27 March 2027.
	DefaultEKSVersion = "1.35"
	// leastEKSVersion is the least of KServe 0.20 and Istio 1.31.
	leastEKSVersion = "1.32"
	// mostKarpenterVersion is that of Karpenter 1.11: 1.12 wants ec2:DescribeInstanceStatus, which eksctl doesn't give it (pkg/eks/cluster).
	// https://karpenter.sh/docs/upgrading/compatibility/
	mostKarpenterVersion = "1.35"
	// autoPodGroups is the first release where EKS Auto Mode reads SecurityGroupPolicies.
	// https://docs.aws.amazon.com/eks/latest/userguide/auto-sgp.html
	autoPodGroups = "1.36"
	// DefaultCIDR has room for /19 networks of three zones, public and private.
	DefaultCIDR = "10.0.0.0/16"

	// How long a connection of a Network Load Balancer may be silent. A TLS listener has no choice.
	// https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html
	leastIdle = time.Minute
	mostIdle  = 6000 * time.Second
	// TLSIdle is that of a listener that ends TLS.
	TLSIdle = 350 * time.Second
	// defaultIdle is longer than a careful client waits for an answer that isn't streamed.
	defaultIdle = time.Hour

	// defaultDrain is how long a stopping server may finish its streams (pkg/kserve has the same).
	defaultDrain = 5 * time.Minute

	// mostPodGroups is what the CRD allows (vpcresources.k8s.aws_securitygrouppolicies.yaml); EC2 allows five of an interface
	// unless its quota is raised.
	mostPodGroups = 16
)

var (
	eksVersion     = regexp.MustCompile(`^1\.\d{2}$`)
	keyARN         = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[\w/-]+$`)
	certificateARN = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[\w-]+$`)
)

// checkCluster checks what `kservegen eks cluster` reads besides the names.
func (r *resolver) checkCluster(eks *EKS) {
	const path = "spec.platform.eks."
	switch {
	case eks.Version == "":
	case !eksVersion.MatchString(eks.Version):
		r.failf(path+"version", "want a release of Kubernetes such as %s, in quotes, got %q", DefaultEKSVersion, eks.Version)
	case older(eks.Version, leastEKSVersion):
		r.failf(path+"version", "%s is older than what KServe 0.20 and Istio 1.31 run on; want %s or later", eks.Version, leastEKSVersion)
	case eks.Nodes != nil && cmp.Or(eks.Nodes.Provisioner, ProvisionerKarpenter) == ProvisionerKarpenter && older(mostKarpenterVersion, eks.Version):
		r.failf(path+"version", "Karpenter 1.11, which eksctl can install, is for Kubernetes %s and older; want that, or nodes: {provisioner: %s} or %s", mostKarpenterVersion, ProvisionerAuto, ProvisionerManaged)
	}
	if eks.KMSKeyARN != "" && !keyARN.MatchString(eks.KMSKeyARN) {
		r.failf(path+"kmsKeyArn", "want arn:aws:kms:<region>:<12 digits>:key/<id>, got %q", eks.KMSKeyARN)
	}
	r.checkRegionOf(path+"kmsKeyArn", eks.KMSKeyARN, eks.Region)
}

// older compares releases of Kubernetes; one that isn't a release is not older.
func older(release, than string) bool {
	v, err := version.ParseGeneric(release)
	return err == nil && v.LessThan(version.MustParseGeneric(than))
}

// checkRegionOf wants what an ARN names in the cluster's region.
func (r *resolver) checkRegionOf(path, arn, region string) {
	if parts := strings.Split(arn, ":"); len(parts) > 3 && region != "" && parts[3] != region {
		r.failf(path, "is in region %s, and the cluster in %s", parts[3], region)
	}
}

func (r *resolver) checkNetwork(eks *EKS) {
	const path = "spec.platform.eks.network"
	n := eks.Network
	if n == nil {
		return
	}
	if prefix, err := netip.ParsePrefix(cmp.Or(n.CIDR, DefaultCIDR)); err != nil || !prefix.Addr().Is4() || prefix != prefix.Masked() || prefix.Bits() < 16 || prefix.Bits() > 20 {
		// A VPC is a /16 at most; eight networks of a /20 have 512 addresses each, and each pod takes one.
		r.failf(path+".cidr", "want a network from /16 to /20 such as %s, got %q", DefaultCIDR, n.CIDR)
	}
	r.enum(path+".natGateway", &n.NATGateway, "", NATPerZone, NATSingle)
	r.checkRanges(path+".publicAccessCidrs", n.PublicAccessCIDRs)
	r.checkPodGroups(path+".podSecurityGroups", n.PodSecurityGroups)
	if len(n.PodSecurityGroups) > 0 && eks.AutoMode() && older(cmp.Or(eks.Version, DefaultEKSVersion), autoPodGroups) {
		r.failf(path+".podSecurityGroups", "EKS Auto Mode gives pods security groups of their own from Kubernetes %s on; set spec.platform.eks.version, leave them out, or use nodes: {provisioner: %s}", autoPodGroups, ProvisionerKarpenter)
	}
	if n.LoadBalancer != nil {
		r.checkLoadBalancer(n.LoadBalancer, eks.Region)
	}
	if n.LoadBalancer != nil && n.LoadBalancer.CertificateARN == "" && eks.AutoMode() {
		// https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html says so of the other kind of load balancer.
		r.remarkf(path+".loadBalancer", "EKS Auto Mode may not take idleTimeout, and cut a connection that is silent for %s; let answers be streamed, or use nodes: {provisioner: %s}", TLSIdle, ProvisionerKarpenter)
	}
}

func (r *resolver) checkRanges(path string, ranges []string) {
	for i, cidr := range ranges {
		if prefix, err := netip.ParsePrefix(cidr); err != nil || prefix != prefix.Masked() {
			r.failf(fmt.Sprintf("%s[%d]", path, i), "want a network such as 192.0.2.0/24, got %q", cidr)
		} else if slices.Contains(ranges[:i], cidr) {
			r.failf(fmt.Sprintf("%s[%d]", path, i), "%s is there twice", cidr)
		}
	}
}

func (r *resolver) checkPodGroups(path string, groups []string) {
	if len(groups) > mostPodGroups {
		r.failf(path, "are %d, and a SecurityGroupPolicy has room for %d", len(groups), mostPodGroups)
	}
	for i, group := range groups {
		if !securityGroup.MatchString(group) {
			r.failf(fmt.Sprintf("%s[%d]", path, i), "want the id of a security group such as sg-0123456789abcdef0, got %q", group)
		} else if slices.Contains(groups[:i], group) {
			r.failf(fmt.Sprintf("%s[%d]", path, i), "%s is there twice", group)
		}
	}
}

func (r *resolver) checkLoadBalancer(lb *LoadBalancer, region string) {
	const path = "spec.platform.eks.network.loadBalancer"
	r.enum(path+".scheme", &lb.Scheme, SchemeInternal, SchemeInternal, SchemeInternet)
	if lb.CertificateARN != "" && !certificateARN.MatchString(lb.CertificateARN) {
		r.failf(path+".certificateArn", "want arn:aws:acm:<region>:<12 digits>:certificate/<id>, got %q", lb.CertificateARN)
	}
	r.checkRegionOf(path+".certificateArn", lb.CertificateARN, region)
	r.checkRanges(path+".sourceRanges", lb.SourceRanges)
	idle := lb.IdleTimeout.Or(defaultIdle)
	switch {
	case lb.CertificateARN != "" && lb.IdleTimeout != "":
		r.failf(path+".idleTimeout", "a load balancer that ends TLS has %s, which AWS fixes; leave it out, or end TLS at the gateway (expose.tlsSecret)", TLSIdle)
	case idle < leastIdle || idle > mostIdle || idle%time.Second != 0:
		r.failf(path+".idleTimeout", "want whole seconds from %s to %s, got %s", leastIdle, mostIdle, lb.IdleTimeout)
	}
	r.checkBalanced(lb)
}

// checkBalanced wants a gateway that the load balancer can stand before.
func (r *resolver) checkBalanced(lb *LoadBalancer) {
	const path = "spec.platform.eks.network.loadBalancer"
	e := r.spec.Expose
	switch {
	case e == nil:
		r.failf(path, "stands before the gateway; set spec.expose, or leave it out")
	case e.API == APIKServe:
		r.failf(path, "KServe's routes name a Gateway that isn't written here; give that Gateway the annotations (docs/eks-network.md)")
	case e.API == APIGateway && e.GatewayClass != defaultGatewayClass:
		r.failf(path, "what a Gateway of class %s makes of annotations isn't known; leave it out, or use class %s", e.GatewayClass, defaultGatewayClass)
	case e.API == APIGateway && lb.CertificateARN != "":
		r.failf(path+".certificateArn", "the Service of a Gateway of the Gateway API has the listeners' ports, and none for TLS that has ended; use expose.tlsSecret, or spec.expose.api: istio")
	case lb.CertificateARN != "" && e.TLSSecret != "":
		r.failf(path+".certificateArn", "ends TLS before the gateway, which would want it again (expose.tlsSecret); keep one of the two")
	}
}

// checkStreams wants streams that may be finished when their server stops to outlive the load balancer's patience: an answer
// that isn't streamed is silent until it is there.
func (r *resolver) checkStreams(t RevisionTarget) {
	eks := r.spec.Platform.EKS
	if eks == nil || eks.Network == nil || eks.Network.LoadBalancer == nil {
		return
	}
	const path = "spec.platform.eks.network.loadBalancer"
	lb, longest := eks.Network.LoadBalancer, t.Runtime.DrainTimeout.Or(defaultDrain)
	switch {
	case lb.CertificateARN != "" && longest > TLSIdle:
		r.failf(path+".certificateArn", "a load balancer that ends TLS gives up a silent connection after %s, and an answer may take %s (runtime.drainTimeout); end TLS at the gateway (expose.tlsSecret)", TLSIdle, longest)
	case lb.IdleTimeout != "" && lb.IdleTimeout.Or(0) < longest:
		r.failf(path+".idleTimeout", "%s is less than the %s that an answer may take (runtime.drainTimeout); raise it", lb.IdleTimeout, longest)
	case longest > mostIdle:
		r.failf("spec.runtime.drainTimeout", "%s is more than the %s that a load balancer lets a connection be silent; lower it", longest, mostIdle)
	}
}

// LoadBalancer is what stands before the gateway, nil for none that is written.
func (t Target) LoadBalancer() *LoadBalancer {
	if t.Platform.EKS == nil || t.Platform.EKS.Network == nil || t.Expose == nil {
		return nil
	}
	return t.Platform.EKS.Network.LoadBalancer
}

// PodSecurityGroups are those that the model's pods have of their own.
func (t Target) PodSecurityGroups() []string {
	if t.Platform.EKS == nil || t.Platform.EKS.Network == nil {
		return nil
	}
	return t.Platform.EKS.Network.PodSecurityGroups
}

// Idle is how long a connection may be silent, for the models of one gateway.
func Idle(targets []Target) time.Duration {
	idle := time.Duration(0)
	for _, t := range targets {
		lb := t.LoadBalancer()
		if lb == nil {
			continue
		}
		if lb.CertificateARN != "" {
			return TLSIdle
		}
		idle = max(idle, lb.IdleTimeout.Or(defaultIdle))
		for _, r := range t.Revisions {
			idle = max(idle, min(r.Runtime.DrainTimeout.Or(defaultDrain), mostIdle))
		}
	}
	return idle
}

// CrossesZones reports whether requests go to the pods of every zone.
func (lb *LoadBalancer) CrossesZones() bool { return lb.CrossZone == nil || *lb.CrossZone }

// sameBalancer reports whether two documents ask for one load balancer. How long it is patient is the longest of what they say.
func sameBalancer(a, b *LoadBalancer) bool {
	return a.Scheme == b.Scheme && a.CertificateARN == b.CertificateARN && a.CrossesZones() == b.CrossesZones() &&
		a.ProxyProtocol == b.ProxyProtocol && slices.Equal(a.SourceRanges, b.SourceRanges)
}

// checkBalancers: the pods of a gateway have one Service that the load balancer takes them from, and each Gateway of the Gateway
// API has its own.
func checkBalancers(deployments []*Deployment) manifest.Problems {
	var problems manifest.Problems
	type asked struct {
		m  *Deployment
		lb *LoadBalancer
	}
	first := map[string]asked{}
	for m, target := range targetsOf(deployments) {
		lb := target.LoadBalancer()
		if lb == nil {
			continue
		}
		key := target.Environment + " " + target.BalancedGateway()
		other, again := first[key]
		switch {
		case !again:
			first[key] = asked{m, lb}
		case !sameBalancer(other.lb, lb):
			problems = append(problems, m.problemOf("spec.platform.eks.network.loadBalancer",
				"spec.platform.eks.network.loadBalancer: the gateway %s has another one by model %s (%s); a gateway has one load balancer",
				target.BalancedGateway(), other.m.Name, other.m.where()))
		}
	}
	return slices.Compact(problems)
}

// BalancedGateway is what has one load balancer: with Istio's API the pods of the gateway's namespace, whatever Gateways select
// them.
func (t Target) BalancedGateway() string {
	if t.Expose.OfGatewayAPI() {
		return t.Expose.Gateway
	}
	namespace, _, _ := strings.Cut(t.Expose.Gateway, "/")
	return namespace
}

// checkClusters: documents that name one cluster of a region mean one cluster.
func checkClusters(deployments []*Deployment) manifest.Problems {
	clusters := map[string][]member{}
	for m, target := range targetsOf(deployments) {
		if eks := target.Platform.EKS; eks != nil && eks.Cluster != "" && eks.Region != "" {
			key := eks.Region + " " + eks.Cluster
			clusters[key] = append(clusters[key], member{m, target})
		}
	}
	var problems manifest.Problems
	for _, members := range clusters {
		problems = append(problems, agree(members, false)...)
	}
	return problems
}

func (e *EKS) cidr() string {
	if e.Network == nil {
		return ""
	}
	return e.Network.CIDR
}

func (e *EKS) nat() string {
	if e.Network == nil {
		return ""
	}
	return e.Network.NATGateway
}

// AutoMode reports whether EKS makes the nodes, and has the load balancer's controller built in.
func (e *EKS) AutoMode() bool { return e.Nodes != nil && e.Nodes.Provisioner == ProvisionerAuto }
