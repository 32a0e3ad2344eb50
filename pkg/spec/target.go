package spec

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/suggest"
)

const (
	// DefaultBucketHeader carries the sticky bucket.
	DefaultBucketHeader = "x-llm-bucket"

	// defaultMetric and defaultTarget: queue length is what shows that a server batches as much as it can;
	// start at 3 to 5 waiting requests per replica.
	// https://cloud.google.com/kubernetes-engine/docs/best-practices/machine-learning/inference/autoscaling
	defaultMetric = "vllm:num_requests_waiting"
	defaultTarget = 5

	defaultMonitoring = "monitoring"
)

var (
	headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9a-z-]+$")
	metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	roleARN    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$`)
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d$`)
	// zoneName includes Local Zones such as us-east-1-bos-1a.
	zoneName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-\d(-[a-z]+-\d)?[a-z]$`)
	// https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html
	clusterName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$`)
)

// target resolves everything but the revisions.
func (r *resolver) target() Target {
	s := &r.spec
	served := s.Model.ServedName
	if served == "" {
		served = r.m.Name
	}
	if r.m.Name == "" && s.Model.ID == "" {
		r.failf("spec.model.id", "is missing; for example deepseek-ai/DeepSeek-R1-Distill-Llama-8B")
	}
	r.checkPlain("spec.model.servedName", served)
	r.checkServing()
	r.checkExpose()
	r.checkSecurity()
	r.checkScaling()
	r.checkPlatform()
	r.checkGitOps()
	r.checkQuota()
	r.checkOmit()
	if s.Sticky != nil {
		if s.Sticky.Header == "" {
			s.Sticky.Header = DefaultBucketHeader
		}
		r.checkHeaderName("spec.sticky.header", s.Sticky.Header)
		r.checkStickyFrom()
	}
	r.checkSelection()
	chat := r.checkChat()
	return Target{
		Environment: r.environment, Name: r.m.Name, Namespace: r.m.Namespace, ServedName: served, Serving: s.Serving,
		Sticky: s.Sticky, Expose: s.Expose, Chat: chat, Security: s.Security, Scaling: s.Scaling,
		Monitoring: s.Monitoring, Platform: s.Platform, GitOps: s.GitOps, Quota: s.Quota, Omit: s.Omit,
	}
}

func (r *resolver) checkHeader(path string, h *HeaderMatch) {
	if h == nil {
		return
	}
	r.checkHeaderName(path+".header", h.Header)
	switch {
	case h.Value == "":
		r.failf(path+".value", "is missing")
	case strings.ContainsFunc(h.Value, func(c rune) bool { return unicode.IsControl(c) && c != '\t' }): // RFC 9110, 5.5
		r.failf(path+".value", "%q holds a control character, which no header can", h.Value)
	}
}

func (r *resolver) checkHeaderName(path, name string) {
	switch {
	case name == "":
		r.failf(path, "is missing")
	case strings.ToLower(name) != name:
		r.failf(path, "must be in lower case, as HTTP/2 sends it: %q", strings.ToLower(name))
	case !headerName.MatchString(name):
		r.failf(path, "%q is not a header name", name)
	}
}

// checkPlain refuses what cannot stand in a flag: KServe runs the container through Go's text/template
// (kserve#3851), and blanks split words in a shell.
func (r *resolver) checkPlain(path, value string) {
	if strings.ContainsAny(value, " \t\r\n") {
		r.failf(path, "%q must not contain blanks", value)
	}
	r.checkTemplate(path, value)
}

func (r *resolver) checkTemplate(path, value string) {
	if strings.Contains(value, "{{") {
		r.failf(path, "%q contains {{, which KServe executes as a Go template (kserve#3851); put the text into a file that the server reads", value)
	}
}

func (r *resolver) checkSecurity() {
	s := &r.spec.Security
	r.enum("spec.security.mtls", &s.MTLS, "strict", "strict", "off")
	seen := map[string]bool{}
	for i, caller := range s.Callers {
		path := fmt.Sprintf("spec.security.callers[%d].serviceAccount", i)
		r.checkQualified(path, caller.ServiceAccount)
		if seen[caller.ServiceAccount] {
			r.failf(path, "%q is listed already", caller.ServiceAccount)
		}
		seen[caller.ServiceAccount] = true
	}
	if s.JWT != nil {
		r.checkJWT(s.JWT)
	}
}

func (r *resolver) checkJWT(j *JWT) {
	const path = "spec.security.jwt"
	if slices.Contains(r.spec.Omit, OmitAuthorizationPolicy) {
		r.failf(path, "takes the AuthorizationPolicies that spec.omit leaves out: without them a request without a token passes")
	}
	if r.spec.Expose == nil {
		r.failf(path, "tokens are asked of requests through the gateway; set spec.expose")
	}
	if j.Issuer == "" {
		r.failf(path+".issuer", "is missing")
	}
	// Istio reads a star at either end of a principal as a pattern.
	if strings.HasPrefix(j.Issuer, "*") || strings.HasSuffix(j.Issuer, "*") {
		r.failf(path+".issuer", "%q must be exact", j.Issuer)
	}
	r.checkKeySource(path, j.JWKSURI, j.JWKS)
}

// checkKeySource checks where the keys of an issuer come from.
func (r *resolver) checkKeySource(path, jwksURI, jwks string) {
	if jwks != "" && jwksURI != "" {
		r.failf(path+".jwks", "jwks and jwksUri are two ways to give the keys; keep one")
	}
	r.checkKeys(path+".jwks", jwks)
	if u, err := url.Parse(jwksURI); jwksURI != "" && (err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http")) {
		r.failf(path+".jwksUri", "%q is not a URL", jwksURI)
	}
}

// checkKeys refuses a key set that holds more than public keys: the tree goes to Git. A symmetric key is in
// member k, the private half of others in d (RFC 7518, 6.2.2, 6.3.2 and 6.4).
func (r *resolver) checkKeys(path, jwks string) {
	if jwks == "" {
		return
	}
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal([]byte(jwks), &set); err != nil {
		r.failf(path, "is not a JSON Web Key Set")
		return
	}
	for _, key := range set.Keys {
		for _, member := range []string{"d", "k"} {
			if _, ok := key[member]; ok {
				r.failf(path, "holds a secret key (member %s); only public keys belong here", member)
			}
		}
	}
}

func (r *resolver) checkScaling() {
	s := &r.spec.Scaling
	if s.Type != "" {
		r.enum("spec.scaling.type", &s.Type, "", "hpa", "keda", "off")
	}
	if s.Metric == "" {
		s.Metric = defaultMetric
	}
	if s.Target == "" {
		s.Target = Text(strconv.Itoa(defaultTarget))
	}
	if !metricName.MatchString(s.Metric) {
		r.failf("spec.scaling.metric", "%q is not a metric name", s.Metric)
	}
	r.checkQuantity("spec.scaling.target", string(s.Target))
	r.checkKEDA()
	r.checkHours()
}

// quantity parses a Kubernetes quantity over zero.
func (r *resolver) checkQuantity(path, value string) resource.Quantity {
	q, err := resource.ParseQuantity(value)
	if err != nil || q.Sign() <= 0 {
		r.failf(path, "want a Kubernetes quantity over zero such as 500m, 4 or 16Gi, got %q", value)
		return resource.Quantity{}
	}
	return q
}

func (r *resolver) checkPlatform() {
	m := &r.spec.Monitoring
	if m.Namespace == "" {
		m.Namespace = defaultMonitoring
	}
	if !namespaceName.MatchString(m.Namespace) {
		r.failf("spec.monitoring.namespace", "%q is not a namespace's name", m.Namespace)
	}
	r.checkWatching()
	r.checkEKS()
}

func (r *resolver) checkOmit() {
	names := make([]string, 0, len(Omittables()))
	for _, name := range Omittables() {
		names = append(names, string(name))
	}
	for i, omitted := range r.spec.Omit {
		if !slices.Contains(names, string(omitted)) {
			r.failf(fmt.Sprintf("spec.omit[%d]", i), "%q cannot be left out%s", omitted, suggest.Word(string(omitted), names))
		}
	}
}

// enum fills in a default and wants one of the values.
func (r *resolver) enum(path string, value *string, def string, known ...string) {
	if *value == "" {
		*value = def
	}
	if *value != "" && !slices.Contains(known, *value) {
		r.failf(path, "%q is unknown%s", *value, suggest.Word(*value, known))
	}
}
