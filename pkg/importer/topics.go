package importer

import "strings"

// topic is what a document says about a group of facts.
type topic struct {
	prefix string
	// fields of the document that say it, the likeliest first.
	fields   []string
	why, fix string
	// suffix of the address, where only some of the facts are meant.
	suffix string
}

// topicOf finds what the document says about a fact: the longest prefix. It only words the report; what is in it is
// computed.
func topicOf(role, address string) topic {
	kind, _, _ := strings.Cut(role, "/")
	full := kind + ":" + address
	best := topic{}
	for _, t := range topics() {
		if begins(full, t.prefix) && strings.HasSuffix(full, t.suffix) && len(t.prefix+t.suffix) > len(best.prefix+best.suffix) {
			best = t
		}
	}
	return best
}

// begins says whether an address is one or below it: that of image is none of imagePullPolicy.
func begins(address, prefix string) bool {
	rest, ok := strings.CutPrefix(address, prefix)
	return ok && (rest == "" || strings.ContainsAny(prefix[len(prefix)-1:], "[:-/") || strings.ContainsAny(rest[:1], "[/"))
}

const servicePortFix = "nothing to do: the Services that KServe makes have port 80"

// topics are those of the workload and of what stands around it.
func topics() []topic { return append(workloadTopics(), aroundTopics()...) }

func workloadTopics() []topic {
	return []topic{
		{prefix: "workload:namespace", why: "a document has one namespace for all of its environments", fix: "import this environment by itself"},
		{prefix: "workload:container/server", why: "it is of KServe's Hugging Face server, and the tree runs vLLM itself", fix: "nothing to do where that server ran vLLM, which it does for every model that vLLM knows"},
		{prefix: "workload:container/server[model-dir]", why: "the weights are where KServe puts them", fix: "nothing to do"},
		{prefix: "workload:container/image", fields: []string{"spec.runtime.version", "spec.runtime.image"}},
		{prefix: "workload:container/args[", fields: []string{"spec.runtime.args"}},
		{prefix: "workload:container/args[port]", fix: "nothing to do inside the mesh: the tree's Service has port 80"},
		{prefix: "workload:container/ports", fix: "nothing to do inside the mesh: the tree's Service has port 80"},
		{prefix: "workload:container/env[", fields: []string{"spec.runtime.env"}},
		{prefix: "workload:container/resources/requests", fields: []string{"spec.resources"}},
		{prefix: "workload:container/resources/limits", fields: []string{"spec.resources"}, fix: "requests equal limits in the tree; set spec.resources to what a replica must have"},
		{prefix: "workload:container/startupProbe", fields: []string{"spec.runtime.startupTimeout"}},
		{prefix: "workload:container/livenessProbe", fix: "set spec.runtime.startupTimeout if loading takes longer than the tree's startupProbe waits"},
		{prefix: "workload:container/readinessProbe", fix: "set spec.runtime.startupTimeout if loading takes longer than the tree's startupProbe waits"},
		{prefix: "workload:container/livenessProbe/httpGet/port", fix: "nothing to do: the tree's probes follow its own port"},
		{prefix: "workload:container/readinessProbe/httpGet/port", fix: "nothing to do: the tree's probes follow its own port"},
		{prefix: "workload:container/name", fix: "nothing to do: KServe wants this name"},
		{prefix: "workload:container/modelFormat", fix: "nothing to do: the runtime of the tree is for this format"},
		{prefix: "workload:container/runtime", why: "it is not in the input, and every revision has a runtime of its own in the tree", fix: "import both, or compare the flags and the image of that runtime with those of the tree"},
		{prefix: "workload:container/command", why: "the tree starts the server without a shell", fix: "set what it does in spec.runtime.args and env, or build it into an image for spec.runtime.image"},
		{prefix: "workload:container/args", why: "the tree starts the server without a shell", fix: "set what it does in spec.runtime.args and env, or build it into an image for spec.runtime.image"},
		{prefix: "workload:pod/supportedModelFormats", fix: "nothing to do: each runtime of the tree is for one revision"},
		{prefix: "workload:pod/protocolVersions", fix: "nothing to do: each runtime of the tree is for one revision"},
		{prefix: "workload:pod/minReplicas", fields: []string{"spec.replicas.min"}},
		{prefix: "workload:pod/maxReplicas", fields: []string{"spec.replicas.max"}},
		{prefix: "workload:pod/terminationGracePeriodSeconds", fields: []string{"spec.runtime.drainTimeout"}},
		{prefix: "workload:pod/securityContext/supplementalGroups", fields: []string{"spec.accelerator.deviceGroups"}},
		{prefix: "workload:pod/schedulerName", fields: []string{"spec.accelerator.schedulerName"}},
		{prefix: "workload:pod/nodes[", why: "the tree asks for nodes by spec.accelerator.type alone", fix: "patch the affinity in the overlay's custom/ if other nodes with the device will not do"},
		{prefix: "workload:pod/terms[", why: "the tree asks for nodes by spec.accelerator.type alone", fix: "patch the affinity in the overlay's custom/ if other nodes with the device will not do"},
		{prefix: "workload:volume[/dev/shm]", fields: []string{"spec.resources.sharedMemory"}},
		{prefix: "workload:volume[", fix: "weights come by spec.model.source, caches are the runtime's; patch the volume in custom/ if it holds anything else"},
		{prefix: "workload:mount[", fix: "weights come by spec.model.source, caches are the runtime's; patch the volume in custom/ if it holds anything else"},
		{prefix: "workload:inferenceservice/metadata/name", fix: "every revision has objects of its own in the tree; remove the old ones once traffic has moved"},
		{prefix: "workload:servingruntime/metadata/name", fix: "every revision has objects of its own in the tree; remove the old ones once traffic has moved"},
		{prefix: "workload:servedName", fields: []string{"spec.model.servedName"}},
		{prefix: "workload:source", fields: []string{"spec.model.source"}},
	}
}

func aroundTopics() []topic {
	return []topic{
		{prefix: "secret:", fields: []string{"spec.model.secret"}},
		{prefix: "service:metadata/name", fix: "let clients ask the tree's Service, or keep this one beside it"},
		{prefix: "service:spec/ports", fix: "let clients ask the tree's Service, at port 80"},
		{prefix: "virtualservice:spec/hosts", fields: []string{"spec.expose.hosts"}},
		{prefix: "virtualservice:spec/gateways", fields: []string{"spec.expose.gateway"}},
		{prefix: "virtualservice:spec/http[weights]/route", fields: []string{"spec.traffic"}},
		{prefix: "virtualservice:spec/http[testers-", fields: []string{"spec.traffic"}},
		{prefix: "virtualservice:spec/http[", suffix: "/percentage/value", fields: []string{"spec.traffic"}},
		{prefix: "httproute:spec/hostnames", fields: []string{"spec.expose.hosts"}},
		{prefix: "httproute:spec/parentRefs", fields: []string{"spec.expose.gateway"}},
		{prefix: "httproute:spec/parentRefs", suffix: "/sectionName", why: "the tree's route is at every listener that takes its hosts", fix: "patch it in the overlay's custom/ if it must not be"},
		{prefix: "httproute:spec/rules[", suffix: "/timeouts/request", why: "the tree has none, for any cuts a stream", fix: "patch it in the overlay's custom/ if clients do not stream"},
		{prefix: "httproute:spec/rules[", suffix: "/weight", fields: []string{"spec.traffic"}},
		{prefix: "httproute:spec/rules[", suffix: "/percent", fields: []string{"spec.traffic"}},
		{prefix: "httproute:spec/rules[weights]/backendRefs[", suffix: "/port", fix: servicePortFix},
		{prefix: "httproute:spec/rules[testers-", suffix: "/port", fix: servicePortFix},
		{prefix: "httproute:spec/rules[sticky-", suffix: "/port", fix: servicePortFix},
		{prefix: "httproute:spec/rules[", suffix: "/rule", fix: "change what names the rule, such as a policy's sectionName"},
		{prefix: "httproute:spec/rules[", suffix: "/path/value", fields: []string{"spec.expose.path"}},
		{prefix: "httproute:spec/rules[testers-", fields: []string{"spec.traffic"}},
		{prefix: "horizontalpodautoscaler:spec/metrics", fields: []string{"spec.scaling"}},
		{prefix: "horizontalpodautoscaler:spec/minReplicas", fields: []string{"spec.replicas.min"}},
		{prefix: "horizontalpodautoscaler:spec/maxReplicas", fields: []string{"spec.replicas.max"}},
		{prefix: "horizontalpodautoscaler:spec/behavior", fields: []string{"spec.scaling.coldStart"}},
		{prefix: "scaledobject:spec/advanced", fields: []string{"spec.scaling.coldStart"}},
		{prefix: "scaledobject:spec/triggers", fields: []string{"spec.scaling"}},
		{prefix: "scaledobject:spec/cooldownPeriod", fields: []string{"spec.scaling.cooldown"}},
		{prefix: "scaledobject:spec/minReplicaCount", fields: []string{"spec.replicas.min"}},
		{prefix: "scaledobject:spec/maxReplicaCount", fields: []string{"spec.replicas.max"}},
		{prefix: "persistentvolume:spec", fields: []string{"spec.model.volume"}},
		{prefix: "storageclass:", fields: []string{"spec.model.volume"}},
		{prefix: "externalsecret:", fields: []string{"spec.model.externalSecret"}},
		{prefix: "job:", fields: []string{"spec.model.download"}},
		{prefix: "persistentvolumeclaim:spec", fields: []string{"spec.model.volume"}},
		{prefix: "requestauthentication:spec", fields: []string{"spec.security.jwt"}},
		{prefix: "authorizationpolicy:spec", fields: []string{"spec.security.callers"}},
		{prefix: "synckustomization:spec/path", fields: []string{"spec.gitops.path"}, why: "the tree is at another place"},
		{prefix: "syncapplication:spec/source/path", fields: []string{"spec.gitops.path"}, why: "the tree is at another place"},
		{prefix: "synckustomization:spec", fix: "patch what render --gitops writes in the folder of your cluster if it is still needed"},
		{prefix: "syncapplication:spec", fix: "patch what render --gitops writes in the folder of your cluster if it is still needed"},
		{prefix: "syncsource:spec", fix: "patch what render --gitops writes in the folder of your cluster if it is still needed"},
		{prefix: "syncsource:spec/ref", fields: []string{"spec.gitops.branch", "spec.gitops.tag"}},
		{prefix: "syncsource:spec/interval", fields: []string{"spec.gitops.flux.interval"}},
		{prefix: "syncsource:spec/url", fields: []string{"spec.gitops.repository"}},
		{prefix: "serviceaccount:metadata/annotations", fields: []string{"spec.platform.eks"}},
		{prefix: "modellist/", fields: []string{"spec.expose.modelList"}, fix: "render --shared writes the list, of all documents of a run"},
		{prefix: "bucketwriter:", fields: []string{"spec.sticky.from"}, fix: "render --shared writes the script; a gateway's filter of your own belongs into another object"},
		{prefix: "resourcequota:spec/hard", fields: []string{"spec.quota.devices"}},
		{prefix: "prometheusrule:", fields: []string{"spec.monitoring.alerts"}, fix: "alerts of your own belong into a PrometheusRule beside this one"},
		{prefix: "dashboard:", fields: []string{"spec.monitoring.dashboard"}, fix: "save the dashboard under another name if you changed it"},
		{prefix: "chatpage:spec", fields: []string{"spec.chat"}},
		{prefix: "chatpage:spec/replicas", fields: []string{"spec.chat.replicas"}},
		{prefix: "chatpage:spec/minReplicas", fields: []string{"spec.chat.replicas"}},
		{prefix: "chatpage:spec/maxReplicas", fields: []string{"spec.chat.replicas"}},
		{prefix: "chatpage:spec/template/spec/containers[chat]/image", fields: []string{"spec.chat.image"}},
		{prefix: "chatpage:spec/template/spec/volumes", fields: []string{"spec.chat.signIn"}},
		{prefix: "chatpage:spec/jwtRules", fields: []string{"spec.chat.signIn.oidc"}},
		{prefix: "chatpage:spec/hosts", fields: []string{"spec.chat.host"}},
		{prefix: "chatpage:spec/hostnames", fields: []string{"spec.chat.host"}},
		{prefix: "gateway:", fix: "one Gateway serves all models: render --shared writes it, or keep yours"},
	}
}
