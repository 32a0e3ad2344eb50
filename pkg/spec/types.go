package spec

// APIVersion and Kind name the document.
const (
	APIVersion = "kservegen.dev/v1alpha1"
	Kind       = "ModelDeployment"
)

// ModelDeployment describes one served model: what serves, on what, how much of it, who may call it
// and how requests are shared between its revisions.
type ModelDeployment struct {
	// APIVersion is kservegen.dev/v1alpha1.
	APIVersion string `json:"apiVersion" jsonschema:"enum=kservegen.dev/v1alpha1"`
	// Kind is ModelDeployment.
	Kind     string   `json:"kind" jsonschema:"enum=ModelDeployment"`
	Metadata Metadata `json:"metadata,omitempty"`
	Spec     Spec     `json:"spec"`
}

// Metadata names the model in the cluster.
type Metadata struct {
	// Name of the model; every object is called by it or <name>-<revision>. Default: derived from model.id.
	Name string `json:"name,omitempty"`
	// Namespace that all objects live in. Default: default.
	Namespace string `json:"namespace,omitempty"`
}

// Spec is the model deployment itself. Only model.id and accelerator.type have no default.
type Spec struct {
	// Serving is the kind that each revision becomes. LLMInferenceService is KServe's kind for language models, v1alpha2, on
	// one node. LeaderWorkerSet, of kubernetes-sigs/lws, is for replicas over several nodes, without KServe.
	// Default: InferenceService.
	Serving     string      `json:"serving,omitempty" jsonschema:"enum=InferenceService,enum=LLMInferenceService,enum=LeaderWorkerSet"`
	Model       Model       `json:"model"`
	Runtime     Runtime     `json:"runtime,omitempty"`
	Accelerator Accelerator `json:"accelerator,omitempty"`
	Resources   Resources   `json:"resources,omitempty"`
	Replicas    Replicas    `json:"replicas,omitempty"`
	// Revisions are immutable versions of what serves, each merged over spec. Default: one revision, v1.
	Revisions []Revision `json:"revisions,omitempty"`
	// Traffic shares requests between revisions; a revision runs where the traffic names it, even with
	// weight 0. Default: all of it to the only revision.
	Traffic    []Traffic  `json:"traffic,omitempty"`
	Sticky     *Sticky    `json:"sticky,omitempty"`
	Expose     *Expose    `json:"expose,omitempty"`
	Chat       *Chat      `json:"chat,omitempty"`
	Security   Security   `json:"security,omitempty"`
	Scaling    Scaling    `json:"scaling,omitempty"`
	Monitoring Monitoring `json:"monitoring,omitempty"`
	Platform   Platform   `json:"platform,omitempty"`
	GitOps     *GitOps    `json:"gitops,omitempty"`
	Quota      *Quota     `json:"quota,omitempty"`
	Rollout    *Rollout   `json:"rollout,omitempty"`
	// Omit lists the objects that are left out of the tree.
	Omit []Omittable `json:"omit,omitempty"`
	// Environments are the overlays; each is merged over spec. Default: one environment, default.
	Environments []Environment `json:"environments,omitempty"`
}

// Model says what is served and where its weights come from.
type Model struct {
	// ID of the model on Hugging Face, for example deepseek-ai/DeepSeek-R1-Distill-Llama-8B.
	ID string `json:"id,omitempty"`
	// Revision is the commit of the model repository to pin.
	Revision string `json:"revision,omitempty"`
	// Source of the weights: hf://, s3://, gs://, oci:// or pvc://. Default: hf://<id>:<revision>.
	Source string `json:"source,omitempty"`
	// ServedName is what clients send as "model"; the same on every revision. Default: metadata.name.
	ServedName string `json:"servedName,omitempty"`
	// MaxModelLen is the context length in tokens, or auto: that of the catalogue's layout, else the longest that is sure to
	// fit by kservegen plan, else vLLM's own choice.
	MaxModelLen Count `json:"maxModelLen,omitempty"`
	// Secret in the namespace that holds the source's credentials (HF_TOKEN, or AWS_ACCESS_KEY_ID and
	// AWS_SECRET_ACCESS_KEY); it must exist before the pods start.
	Secret string `json:"secret,omitempty"`
	// ExternalSecret makes that Secret of one that is kept outside of the cluster. Default: something else makes it.
	ExternalSecret *ExternalSecret `json:"externalSecret,omitempty"`
	// Volume to create for a pvc:// source; without it the claim must exist.
	Volume *Volume `json:"volume,omitempty"`
	// Streamed lets the server read an s3:// source itself, into the memory of its devices, by Run:ai's model streamer: no
	// copy of it is on a disk. Default: KServe's storage-initializer copies it to the node's disk first.
	Streamed bool `json:"streamed,omitempty"`
	// Download fills the folder of a pvc:// source once, by a Job; the servers wait for it. Default: something else fills it.
	Download *Download `json:"download,omitempty"`
	// Cache copies the source to the disks of nodes by KServe's LocalModelCache; pods mount it. Default: each pod downloads.
	Cache *ModelCache `json:"cache,omitempty"`
	// Measured is what a server logged of its memory, to be used instead of an estimate.
	Measured *Measured `json:"measured,omitempty"`
}

// Measured is memory of one device in GiB, as "kservegen plan --log" prints it. It holds for one model, version of
// vLLM, device, parallelism and set of flags.
type Measured struct {
	// WeightsGiB is what loading the model took.
	WeightsGiB Text `json:"weightsGiB,omitempty"`
	// OtherGiB is what is neither weights nor KV cache.
	OtherGiB Text `json:"otherGiB,omitempty"`
}

// Volume is the PersistentVolumeClaim that holds the weights.
type Volume struct {
	// Size, for example 200Gi.
	Size string `json:"size"`
	// StorageClass that provisions it. Default: the cluster's default class.
	StorageClass string `json:"storageClass,omitempty"`
	// AccessMode of the claim. Default: ReadWriteMany, since every replica mounts it; ReadWriteOnce of EBS.
	AccessMode string `json:"accessMode,omitempty" jsonschema:"enum=ReadWriteMany,enum=ReadOnlyMany,enum=ReadWriteOnce"`
	// FSx is the Amazon FSx for Lustre file system that the volume is: one that exists, or a new one.
	FSx *FSx `json:"fsx,omitempty"`
	// EFS is the Amazon EFS file system that the volume is; it must exist.
	EFS *EFS `json:"efs,omitempty"`
	// EBS is the Amazon EBS volumes that pods have of a snapshot, one each.
	EBS *EBS `json:"ebs,omitempty"`
}

// Runtime is the ServingRuntime of the catalogue that runs the model.
type Runtime struct {
	// Name in the catalogue. Default: by accelerator (vllm-cuda, vllm-rocm, vllm-neuron, vllm-cpu).
	Name string `json:"name,omitempty" jsonschema:"enum=vllm-cuda,enum=vllm-rocm,enum=vllm-neuron,enum=vllm-cpu,enum=simulator"`
	// Version is the image tag. Default: the tag that the catalogue pins.
	Version string `json:"version,omitempty"`
	// Image replaces the whole image name, tag or digest included.
	Image string `json:"image,omitempty"`
	// Args are flags of the server without dashes, for example max-num-seqs: 128. true gives --flag, false
	// gives --no-flag, a list repeats the value after the flag. flag.key sets one member of a JSON value. They must
	// be flags of the release that the image names.
	Args map[string]Arg `json:"args,omitempty"`
	// Env are environment variables of the server; no secrets here.
	Env map[string]Text `json:"env,omitempty"`
	// Executor that runs the ranks of a replica over several nodes: mp is vLLM's own processes, ray wants an image that has
	// Ray. Default: mp.
	Executor string `json:"executor,omitempty" jsonschema:"enum=mp,enum=ray"`
	// StartupTimeout is how long loading may take before the pod is restarted. Default: from the bytes to
	// load and a stated throughput.
	StartupTimeout Duration `json:"startupTimeout,omitempty"`
	// DrainTimeout is how long a stopping pod may finish its streams. Default: 5m.
	DrainTimeout Duration `json:"drainTimeout,omitempty"`
}

// Accelerator is the device that a replica runs on.
type Accelerator struct {
	// Type in the catalogue, for example a10g, a100-80gb, h200, mi300x, trainium2, or none.
	Type string `json:"type,omitempty"`
	// PerReplica is the number of devices of one replica, on all its nodes together, or auto: the catalogue's layout for
	// this model, else the fewest that kservegen plan is sure that it starts on.
	PerReplica Count `json:"perReplica,omitempty"`
	// Nodes that one replica spans, each with the same number of devices. Default: the catalogue's layout for this model
	// where perReplica is auto, else 1.
	Nodes   int      `json:"nodes,omitempty" jsonschema:"minimum=1"`
	Network *Network `json:"network,omitempty"`
	// DeviceGroups are the ids of the groups that own the node's device files. AMD: render and video, which differ by
	// the node's system (getent group render video). Default: none.
	DeviceGroups []int `json:"deviceGroups,omitempty"`
	// SchedulerName of the scheduler that places the pods. Several Trainium devices: that of Neuron's scheduler extension
	// (my-scheduler where its Helm chart is not told otherwise), which finds devices that are connected. Default: the
	// cluster's.
	SchedulerName string `json:"schedulerName,omitempty"`
}

// Network is the devices that carry the traffic between the nodes of one replica.
type Network struct {
	// Resource that the device plugin counts, for example vpc.amazonaws.com/efa or rdma/rdma_shared_device_a.
	Resource string `json:"resource"`
	// PerNode is the number of them in each pod.
	PerNode int `json:"perNode" jsonschema:"minimum=1"`
}

// Resources of one pod besides its devices; requests equal limits. A replica over several nodes has a pod on each.
type Resources struct {
	// CPU, for example 3 or 500m. Default: the host's share per device.
	CPU Text `json:"cpu,omitempty"`
	// Memory, for example 12Gi; /dev/shm counts toward it. Default: the host's share per device.
	Memory Text `json:"memory,omitempty"`
	// SharedMemory is the size of /dev/shm. Default: 2Gi.
	SharedMemory Text `json:"sharedMemory,omitempty"`
}

// Replicas of each revision.
type Replicas struct {
	// Min is the number of replicas that always run; 0 takes scaling.type keda. Default: 1.
	Min *int `json:"min,omitempty" jsonschema:"minimum=0"`
	// Max is the number that scaling may reach. Default: min, which means a fixed number, and at least 1.
	Max *int `json:"max,omitempty" jsonschema:"minimum=1"`
}

// Revision is one immutable version of what serves. Fields that are left out are those of spec.
type Revision struct {
	// Name of the revision; its InferenceService and ServingRuntime are <model>-<name>.
	Name        string       `json:"name"`
	Model       *Model       `json:"model,omitempty"`
	Runtime     *Runtime     `json:"runtime,omitempty"`
	Accelerator *Accelerator `json:"accelerator,omitempty"`
	Resources   *Resources   `json:"resources,omitempty"`
	Replicas    *Replicas    `json:"replicas,omitempty"`
}

// Traffic is the share of one revision.
type Traffic struct {
	// Revision that gets the share.
	Revision string `json:"revision"`
	// Weight in percent; all weights sum to 100.
	Weight int `json:"weight" jsonschema:"minimum=0,maximum=100"`
	// Testers reach this revision whatever its weight.
	Testers *HeaderMatch `json:"testers,omitempty"`
	// Mirror is the percentage of the requests of which this revision gets a copy, before it has a weight; its answers
	// are thrown away. Each copy is generated as any request is, and takes as much of a device. Default: 0.
	Mirror int `json:"mirror,omitempty" jsonschema:"minimum=0,maximum=100"`
}

// Rollout is the way of a new revision to all requests, for `kservegen canary`. Nothing of it is in the tree.
type Rollout struct {
	// Steps are the shares that `canary step` gives the new revision one after the other, in percent: ascending, and 100 at
	// the end. Default: 5, 25, 50, 100.
	Steps []int `json:"steps,omitempty"`
	// Shadow is the percentage of the requests that the new revision gets copies of between its start, when testers alone
	// reach it, and its first share; their answers are thrown away. Each copy takes as much of a device as a request.
	// Default: 0, no such phase.
	Shadow int `json:"shadow,omitempty" jsonschema:"minimum=0,maximum=100"`
	// From is the revision that gives its share away, and To the one that takes it over. `canary start` writes them and
	// `canary finish` takes them out. Default: the first and the second of two revisions that run.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// HeaderMatch is an exact match of one request header.
type HeaderMatch struct {
	// Header name, in lower case.
	Header string `json:"header"`
	// Value that it must have.
	Value string `json:"value"`
}

// Sticky keeps a caller on one revision by a bucket from 0 to 99 in a header that the gateway, the
// authentication layer or the client sets from a hash of the user.
type Sticky struct {
	// Header that carries the bucket. Default: x-llm-bucket.
	Header string `json:"header,omitempty"`
	// From is what the gateway takes the user from: it writes the bucket of the user into the header, and takes off what the
	// client sent there. It needs expose with a gateway of Istio's; render --shared writes how. Default: nothing, and the
	// authentication layer or the client sets the header.
	From *StickyFrom `json:"from,omitempty"`
}

// StickyFrom is one thing that is the same in all requests of a user. Requests without it go by the weights.
type StickyFrom struct {
	// Cookie is the name of a cookie.
	Cookie string `json:"cookie,omitempty"`
	// Claim is the name of a claim, such as sub, that is a string in the tokens that security.jwt checks.
	Claim string `json:"claim,omitempty"`
	// Header is the name of a request header, in lower case, that an authentication layer in front of the gateway sets.
	Header string `json:"header,omitempty"`
}

// Expose makes the model reachable through an ingress gateway.
type Expose struct {
	// API of the objects that route requests: istio makes a VirtualService, gateway the HTTPRoutes of the Gateway API.
	// kserve leaves the HTTPRoutes to KServe, which shares requests by weight only; with InferenceServices it takes a
	// KServe 0.21 (platform.kserve.version). Default: istio.
	API string `json:"api,omitempty" jsonschema:"enum=istio,enum=gateway,enum=kserve"`
	// Hosts that clients call. With api kserve and InferenceServices KServe makes the host, and none is given here.
	Hosts []string `json:"hosts,omitempty"`
	// Gateway as namespace/name: Istio's or, with api gateway or kserve, that of the Gateway API.
	Gateway string `json:"gateway,omitempty"`
	// GatewayClass of the Gateway that `render --shared` writes, with api gateway. Default: istio.
	GatewayClass string `json:"gatewayClass,omitempty"`
	// GatewayServiceAccount limits callers to this service account of the gateway's namespace. Default: any
	// workload of that namespace.
	GatewayServiceAccount string `json:"gatewayServiceAccount,omitempty"`
	// Path prefix that selects this model where several share a host, for example /deepseek/; it is removed
	// before the request reaches the server.
	Path string `json:"path,omitempty"`
	// Header that selects this model where several share a host.
	Header *HeaderMatch `json:"header,omitempty"`
	// ModelList names this model in what `render --shared` makes the gateway answer to GET /v1/models of the hosts. For a
	// model with a path or a header; one that has its host alone answers itself.
	ModelList bool `json:"modelList,omitempty"`
	// RevealRevision adds the response header x-llm-revision with the name of the revision that answered, for whoever may
	// call. kservegen chat shows it.
	RevealRevision bool `json:"revealRevision,omitempty"`
	// TLSSecret in the gateway's namespace; used by the Gateway that `render --shared` writes. Without it
	// that Gateway speaks plain HTTP.
	TLSSecret string `json:"tlsSecret,omitempty"`
}

// Quota limits what the models of the namespace may take together. It is a ResourceQuota that `render --shared` writes.
type Quota struct {
	// Devices is how many accelerators of one kind the namespace may use, or auto: what its models need with
	// replicas.max of every revision that runs, and one replica of each that ends while its successor starts.
	Devices Count `json:"devices"`
}

// Security says who may call.
type Security struct {
	// MTLS strict refuses plaintext on every port of the model's pods; off leaves it to the mesh. What the nodes of one
	// replica say to each other bypasses the mesh.
	MTLS string `json:"mtls,omitempty" jsonschema:"enum=strict,enum=off"`
	// Callers inside the mesh that may use the API, besides the gateway.
	Callers []Caller `json:"callers,omitempty"`
	// JWT that requests through the gateway must carry. A caller inside the mesh needs none, but what it sends as
	// Authorization: Bearer must be valid: a made-up API key is refused.
	JWT *JWT `json:"jwt,omitempty"`
}

// Caller is a workload identity.
type Caller struct {
	// ServiceAccount as namespace/name.
	ServiceAccount string `json:"serviceAccount"`
}

// JWT is an OpenID Connect issuer whose tokens are accepted.
type JWT struct {
	// Issuer, the iss claim.
	Issuer string `json:"issuer"`
	// Audiences of which the aud claim must name one.
	Audiences []string `json:"audiences,omitempty"`
	// JWKSURI is where the keys are. Default: by OpenID discovery from the issuer.
	JWKSURI string `json:"jwksUri,omitempty"`
	// JWKS holds public keys inline, where istiod cannot reach the issuer.
	JWKS string `json:"jwks,omitempty"`
}

// Scaling of each revision by a metric of vLLM.
type Scaling struct {
	// Type hpa makes a HorizontalPodAutoscaler, keda a ScaledObject of KEDA, off a fixed number. Default: hpa where
	// replicas.max is over replicas.min.
	Type string `json:"type,omitempty" jsonschema:"enum=hpa,enum=keda,enum=off"`
	// Metric of vLLM, averaged over pods. Default: vllm:num_requests_waiting.
	Metric string `json:"metric,omitempty"`
	// Target of the metric per pod. Default: 5 waiting requests, for each engine of the pod (data parallelism).
	Target Text `json:"target,omitempty"`
	// Prometheus is the one that KEDA asks, with type keda.
	Prometheus Prometheus `json:"prometheus,omitempty,omitzero"` // zero is not in a digest: those of older documents stay
	// Cooldown is how long nobody has asked before the last replica goes, with type keda and replicas.min 0. Default: 10m,
	// or runtime.startupTimeout where that is longer.
	Cooldown Duration `json:"cooldown,omitempty"`
	// ColdStart has the autoscaler's windows computed from what a replica takes until it answers, where neither its image nor
	// weights are on the node yet: auto for the estimate, or what was measured, for example 12m. Default: windows of ten minutes.
	ColdStart string `json:"coldStart,omitempty"`
	// Schedule keeps more than replicas.min at hours of which one knows that people come, with type keda.
	Schedule []Hours `json:"schedule,omitempty"`
	// AdapterRules has `render --shared` write the rules by which prometheus-adapter serves the metrics of hpa, and no others.
	// Default: none, since its own default rules serve them too.
	AdapterRules bool `json:"adapterRules,omitempty"`
	// Spare holds nodes for replicas that may come. Default: none; a replica that comes waits for its node.
	Spare *Spare `json:"spare,omitempty"`
}

// Spare are pods that do nothing on nodes with accelerators, and go when a replica wants the place. They cost what the nodes do.
type Spare struct {
	// Replicas of the revision with the most traffic that a node is held for.
	Replicas int `json:"replicas" jsonschema:"minimum=1"`
	// PriorityClass of the pods, which exists and is below that of the models. Default: spare-nodes, which `render --shared` writes.
	PriorityClass string `json:"priorityClass,omitempty"`
}

// Hours are a time of the week, as two points in cron's five fields.
type Hours struct {
	// Timezone of start and end in IANA's names, for example Europe/Berlin. Default: UTC.
	Timezone string `json:"timezone,omitempty"`
	// Start in cron's fields minute, hour, day of the month, month and day of the week, for example 0 7 * * 1-5.
	Start string `json:"start"`
	// End likewise.
	End string `json:"end"`
	// Min is the number of replicas from start to end; over replicas.min, and not over replicas.max.
	Min int `json:"min" jsonschema:"minimum=1"`
}

// Prometheus is what KEDA's operator asks for metrics.
type Prometheus struct {
	// ServerAddress is its URL. Default: http://prometheus-operated.<monitoring.namespace>.svc:9090, the Service that the
	// Prometheus operator, and so kube-prometheus-stack, makes for what it runs.
	ServerAddress string `json:"serverAddress,omitempty"`
	// Authentication is the name of a TriggerAuthentication in the model's namespace, which must exist. Default: none.
	Authentication string `json:"authentication,omitempty"`
}

// Monitoring says who scrapes, and what watches.
type Monitoring struct {
	// Namespace of Prometheus. Default: monitoring.
	Namespace string `json:"namespace,omitempty"`
	// Labels by which a Prometheus selects the PodMonitor and the PrometheusRule: kube-prometheus-stack wants release: <its Helm
	// release> unless it is told otherwise. Default: none.
	Labels map[string]Text `json:"labels,omitempty"`
	// Alerts make a PrometheusRule; {} is enough. Default: none.
	Alerts *Alerts `json:"alerts,omitempty"`
	// Dashboard makes a ConfigMap that Grafana's sidecar loads; {} is enough. Default: none.
	Dashboard *Dashboard `json:"dashboard,omitempty"`
}

// Platform holds what differs by where the cluster runs.
type Platform struct {
	EKS    *EKS           `json:"eks,omitempty"`
	KServe *KServeRelease `json:"kserve,omitempty"`
}

// KServeRelease is the KServe that runs in the cluster.
type KServeRelease struct {
	// Version of it, for example v0.20.0, which is the default and the release that kservegen is built with.
	Version string `json:"version,omitempty"`
}

// GitOps says where the tree is kept and what pulls it from there into a cluster. The tree is the same without it.
type GitOps struct {
	// Engine that pulls. `render --gitops` has the last word; without either there are no objects for one.
	Engine string `json:"engine,omitempty" jsonschema:"enum=flux,enum=argocd"`
	// Repository that the cluster reads: https://, http:// or ssh:// for Git, oci:// for an OCI artifact.
	Repository string `json:"repository,omitempty"`
	// Branch that is followed. Default: main.
	Branch string `json:"branch,omitempty"`
	// Tag instead of a branch. Default for an OCI artifact: latest.
	Tag string `json:"tag,omitempty"`
	// Path of the trees in the repository or the artifact, which is where -o of render leads; . for its root.
	// Default: deploy.
	Path   string `json:"path,omitempty"`
	Flux   Flux   `json:"flux,omitempty"`
	ArgoCD ArgoCD `json:"argocd,omitempty"`
}

// Flux is what only Flux has.
type Flux struct {
	// Namespace of the Flux objects. Default: flux-system.
	Namespace string `json:"namespace,omitempty"`
	// Interval at which the repository is looked at. Default: 1m.
	Interval Duration `json:"interval,omitempty"`
	// Secret in that namespace with the repository's credentials. Default: none; for a registry of a cloud, the
	// identity of Flux there.
	Secret string `json:"secret,omitempty"`
	// DependsOn are Flux Kustomizations, as name or namespace/name, that must be ready first: those that install KServe
	// and Istio, or kservegen-shared, which is what `render --shared` writes.
	DependsOn []string `json:"dependsOn,omitempty"`
}

// ArgoCD is what only Argo CD has.
type ArgoCD struct {
	// Namespace of the Applications. Default: argocd.
	Namespace string `json:"namespace,omitempty"`
	// Project of the Applications. Default: default.
	Project string `json:"project,omitempty"`
	// Cluster is the destination's name in Argo CD. Default: the cluster that Argo CD runs in.
	Cluster string `json:"cluster,omitempty"`
}

// Environment is one overlay: a name and what differs from spec. A revision's own fields win over it.
type Environment struct {
	// Name of the overlay's folder.
	Name        string       `json:"name"`
	Model       *Model       `json:"model,omitempty"`
	Runtime     *Runtime     `json:"runtime,omitempty"`
	Accelerator *Accelerator `json:"accelerator,omitempty"`
	Resources   *Resources   `json:"resources,omitempty"`
	Replicas    *Replicas    `json:"replicas,omitempty"`
	// Traffic replaces spec.traffic here; it may name fewer revisions, which then do not run here.
	Traffic    []Traffic   `json:"traffic,omitempty"`
	Sticky     *Sticky     `json:"sticky,omitempty"`
	Expose     *Expose     `json:"expose,omitempty"`
	Chat       *Chat       `json:"chat,omitempty"`
	Security   *Security   `json:"security,omitempty"`
	Scaling    *Scaling    `json:"scaling,omitempty"`
	Monitoring *Monitoring `json:"monitoring,omitempty"`
	Platform   *Platform   `json:"platform,omitempty"`
	GitOps     *GitOps     `json:"gitops,omitempty"`
	Quota      *Quota      `json:"quota,omitempty"`
	// Omit replaces spec.omit here.
	Omit []Omittable `json:"omit,omitempty"`
}

// Omittable is the file name of an object that can be left out.
type Omittable string
