package mutationtest

const (
	any1     = `(?:/[^/]+)*` // anything above
	selector = any1 + `/(?:matchLabels|selector|workloadSelector/labels)`
	probe    = any1 + `/(?:startup|readiness|liveness)Probe`
	device   = `/(?:nvidia\.com~1gpu|amd\.com~1gpu)`
	pod      = `/spec/predictor`
)

// operators lists the mistakes. Fields that are a matter of taste (a node's affinity, a spread over zones, a scaling
// speed, a dashboard) are in none of them.
func operators() []operator {
	return []operator{
		{"wrong port", wrongPort()},
		{"wrong host", wrongHost()},
		{"wrong selector", []edit{at(selector+`/[^/]+`, text(misspell))}},
		{"wrong label", wrongLabel()},
		{"wrong weight", wrongWeight()},
		{"wrong namespace", wrongNamespace()},
		{"wrong reference", wrongReference()},
		{"wrong name", []edit{at(`/metadata/name`, text(misspell), "ServiceAccount", "ServingRuntime", "InferenceService", "PersistentVolumeClaim", "Service")}},
		{"wrong image", []edit{at(any1+`/image`, text(replaced(`:[^:/]+$`, ":latest"), replaced(`:[^:/]+$`, "")))}},
		{"wrong probe", wrongProbe()},
		{"wrong mode", wrongMode()},
		{"wrong devices", wrongDevices()},
		{"wrong metric", []edit{at(any1+`/metric/name`, text(misspell)), at(`/spec/metrics/\*/type`, set("Object", "External")), at(any1+`/target/type`, set("Utilization"))}},
		{"wrong replicas", wrongReplicas()},
		{"wrong time", wrongTime()},
		{"wrong type", []edit{at(`/spec`+any1, wrongType)}},
		{"dropped object", []edit{at(``, drop)}},
		{"dropped field", droppedField()},
	}
}

func wrongPort() []edit {
	next := either(numbers(add(1)), text(misspell))
	return []edit{
		at(any1+`/(?:port|number|targetPort|containerPort)`, next),
		at(any1+`/operation/ports/\*`, next),
		at(any1+`/annotations/prometheus\.io~1port`, next),
		at(any1+`/args/\*`, argument("--port", numbers(add(1)))),
	}
}

func wrongHost() []edit {
	return []edit{
		at(any1+`/host`, text(replaced(`^`, "x")), "VirtualService", "DestinationRule"),
		at(`/spec/hosts/\*`, text(replaced(`^`, "x")), "VirtualService"),
		at(any1+`/host`, text(replaced(`-predictor\.`, ".")), "VirtualService", "DestinationRule"),
		at(any1+`/(?:backendRefs/\*|backendRef)/name`, text(replaced(`^`, "x"), replaced(`-predictor$`, "")), "HTTPRoute"),
		at(`/spec/hostnames/\*`, text(replaced(`^`, "x")), "HTTPRoute"),
	}
}

func wrongWeight() []edit {
	next := numbers(add(1), add(-1), times(-1))
	return []edit{
		at(any1+`/weight`, next, "VirtualService"),
		at(`/spec/rules/\*/backendRefs`, inShares(next), "HTTPRoute"),
	}
}

func wrongLabel() []edit {
	return []edit{
		at(pod+`/labels/[^/]+`, text(misspell)),
		at(`/metadata/labels/networking\.kserve\.io~1visibility`, text(misspell)),
	}
}

func wrongNamespace() []edit {
	return []edit{
		at(`/metadata/namespace`, set("other")),
		at(`/spec/gateways/\*`, text(replaced(`/`, "x/"))),
		at(`/spec/parentRefs/\*/namespace`, text(misspell), "HTTPRoute"),
		at(any1+`/source/namespaces/\*`, text(misspell)),
		at(any1+`/source/principals/\*`, text(replaced(`/ns/([^/]+)/`, "/ns/${1}x/"))),
		at(any1+`/namespaceSelector/matchLabels/kubernetes\.io~1metadata\.name`, text(misspell)),
		at(`/spec/egress/\*/hosts/\*`, text(replaced(`^([a-z-]+)/`, "${1}x/")), "Sidecar"),
		at(any1+`/hosts?(?:/\*)?`, text(replaced(`^([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.`, "$1.other.svc.")), "VirtualService", "DestinationRule"),
	}
}

func wrongReference() []edit {
	return []edit{
		at(pod+`/(?:serviceAccountName|model/runtime|model/modelFormat/name)`, text(misspell)),
		at(any1+`/scaleTargetRef/(?:name|kind)`, text(misspell)),
		at(any1+`/(?:claimName|secretName|secretKeyRef/name|configMapKeyRef/name)`, text(misspell)),
		at(any1+`/volumeMounts/\*/name`, text(misspell)),
		at(any1+`/storageUri`, text(replaced(`^pvc://([^/]+)`, "pvc://${1}x"), replaced(`^([a-z0-9]+)://`, "${1}x://"))),
		at(`/spec/gateways/\*`, text(misspell)),
		at(`/spec/parentRefs/\*/(?:name|kind)`, text(misspell), "HTTPRoute"),
	}
}

func wrongProbe() []edit {
	return []edit{
		at(probe+`/httpGet/path`, text(misspell)),
		at(any1+`/startupProbe/failureThreshold`, set(int64(1))),
		at(any1+`/startupProbe/periodSeconds`, set(int64(1))),
	}
}

func wrongMode() []edit {
	return []edit{
		at(`/spec/mtls/mode`, set("PERMISSIVE", "DISABLE", "strict")),
		at(any1+`/trafficPolicy/tls/mode`, set("DISABLE", "SIMPLE")),
		at(any1+`/annotations/serving\.kserve\.io~1deploymentMode`, set("Knative", "RawDeployment", "standard")),
		at(any1+`/annotations/serving\.kserve\.io~1autoscalerClass`, set("hpa", "externalx")),
		at(pod+`/labels/sidecar\.istio\.io~1inject`, set("false")),
		at(any1+`/appProtocol`, text(misspell)),
	}
}

func wrongDevices() []edit {
	return []edit{
		at(any1+`/limits`+device, numbers(times(2), times(0))),
		at(any1+`/requests`+device, numbers(times(2), times(0))),
		at(any1+`/args/\*`, argument("--tensor-parallel-size", numbers(times(2)))),
		at(any1+`/limits`+device, text(replaced(`$`, "Gi"))),
	}
}

func wrongReplicas() []edit {
	return []edit{
		at(any1+`/maxReplicas`, set(int64(0), int64(-1))),
		at(any1+`/minReplicas`, numbers(add(100), times(-1))),
		at(`/spec/(?:maxUnavailable|minAvailable)`, set(int64(0), "100%"), "PodDisruptionBudget"),
	}
}

func wrongTime() []edit {
	return []edit{
		at(any1+`/terminationGracePeriodSeconds`, set(int64(30), int64(-1))),
		at(any1+`/preStop/sleep/seconds`, set(int64(3600))),
		at(any1+`/args/\*`, argument("--shutdown-timeout", numbers(times(10)))),
		at(any1+`/http/\*/timeout`, set("30s", "0s", "5")),
		at(any1+`/timeouts/request`, set("30s", "5", "soon"), "HTTPRoute"),
		at(any1+`/(?:connectTimeout|interval|baseEjectionTime)`, set("5", "soon"), "DestinationRule"),
	}
}

// wrongType is a value of another type, of numbers and switches.
func wrongType(value any) []any {
	switch value.(type) {
	case int64:
		return []any{"many", []any{value}}
	case bool:
		return []any{"yes"}
	}
	return nil
}

func droppedField() []edit {
	return []edit{
		at(`/spec/mtls(?:/mode)?`, drop),
		at(`/spec/(?:selector|workloadSelector|podSelector)`, drop),
		at(any1+`/ports/\*/name`, drop),
		at(any1+`/ports`, drop, "Service", "ServingRuntime"),
		at(any1+`/resources/(?:limits|requests)`, drop),
		at(any1+`/(?:limits|requests)`+device, drop),
		at(probe, drop),
		at(any1+`/(?:terminationGracePeriodSeconds|lifecycle)`, drop),
		at(any1+`/trafficPolicy/tls`, drop),
		at(`/spec/http/\*(?:/match|/route)?`, drop, "VirtualService"),
		at(any1+`/weight`, drop, "VirtualService"),
		at(`/spec/(?:hosts|gateways)(?:/\*)?`, drop, "VirtualService"),
		at(`/spec/rules/\*(?:/matches|/backendRefs)?`, drop, "HTTPRoute"),
		at(`/spec/rules/\*/backendRefs`, inShares(drop), "HTTPRoute"),
		at(`/spec/(?:hostnames|parentRefs)(?:/\*)?`, drop, "HTTPRoute"),
		at(`/metadata/annotations/serving\.kserve\.io~1[^/]+`, drop, "InferenceService"),
		at(`/metadata/labels/networking\.kserve\.io~1visibility`, drop),
		at(pod+`/(?:annotations|labels)/[^/]+`, drop),
		at(pod+`/(?:serviceAccountName|minReplicas|maxReplicas|model/runtime|model/modelFormat|model/storageUri)`, drop),
		at(`/spec/rules(?:/\*(?:/from|/to)?)?`, drop, "AuthorizationPolicy"),
		at(`/spec/(?:ingress|egress)/\*`, drop, "NetworkPolicy"),
		at(any1+`/(?:volumes|volumeMounts)/\*`, drop, "ServingRuntime", "InferenceService"),
		at(`/spec/(?:metrics|scaleTargetRef)`, drop, "HorizontalPodAutoscaler"),
		at(`/spec/(?:jwtRules/\*/(?:issuer|jwksUri|audiences))`, drop, "RequestAuthentication"),
		at(`/spec/(?:maxUnavailable|minAvailable)`, drop, "PodDisruptionBudget"),
	}
}
