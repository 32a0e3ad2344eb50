package manifest_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// inferenceService has the shape and the size of a rendered one, with the scalars that need quoting.
func inferenceService(t testing.TB) any {
	const source = `
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: deepseek-r1-v1
  namespace: llm
  annotations:
    serving.kserve.io/deploymentMode: Standard
    serving.kserve.io/autoscalerClass: none
    sidecar.istio.io/inject: "true"
    proxy.istio.io/config: |
      holdApplicationUntilProxyStarts: true
      terminationDrainDuration: 120s
  labels:
    app.kubernetes.io/name: vllm
    app.kubernetes.io/instance: deepseek-r1
    app.kubernetes.io/version: v0.33.0
    app.kubernetes.io/managed-by: kservegen
    kservegen.dev/model: deepseek-r1
    kservegen.dev/revision: v1
spec:
  predictor:
    minReplicas: 2
    maxReplicas: 6
    timeout: 600
    deploymentStrategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}
    terminationGracePeriodSeconds: 300
    serviceAccountName: deepseek-r1
    securityContext: {runAsNonRoot: true, runAsUser: 1000, fsGroup: 1000, seccompProfile: {type: RuntimeDefault}}
    nodeSelector: {node.kubernetes.io/instance-type: g5.2xlarge, kubernetes.io/arch: amd64}
    tolerations:
    - {key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}
    topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: topology.kubernetes.io/zone
      whenUnsatisfiable: ScheduleAnyway
      labelSelector: {matchLabels: {kservegen.dev/model: deepseek-r1, kservegen.dev/revision: v1}}
    model:
      modelFormat: {name: vllm}
      runtime: deepseek-r1-v1
      storageUri: s3://models/deepseek-r1-distill-llama-8b
      args:
      - --served-model-name=deepseek-r1
      - --max-model-len=32768
      - --gpu-memory-utilization=0.92
      - --reasoning-parser=deepseek_r1
      - --tensor-parallel-size=1
      - '--speculative-config={"method": "mtp", "num_speculative_tokens": 1}'
      env:
      - {name: HF_HUB_OFFLINE, value: "1"}
      - {name: VLLM_NO_USAGE_STATS, value: "1"}
      - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
      ports:
      - {name: http, containerPort: 8080, protocol: TCP}
      resources:
        requests: {cpu: "6", memory: 24Gi, nvidia.com/gpu: "1"}
        limits: {cpu: "6", memory: 24Gi, nvidia.com/gpu: "1"}
      startupProbe: {httpGet: {path: /health, port: http}, periodSeconds: 10, failureThreshold: 90, timeoutSeconds: 5}
      readinessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 5, failureThreshold: 3, timeoutSeconds: 5}
      livenessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 10}
      lifecycle: {preStop: {exec: {command: [sh, -c, sleep 20]}}}
      volumeMounts:
      - {name: shm, mountPath: /dev/shm}
      - {name: cache, mountPath: /home/vllm/.cache}
    volumes:
    - {name: shm, emptyDir: {medium: Memory, sizeLimit: 8Gi}}
    - {name: cache, emptyDir: {}}
`
	var v any
	require.NoError(t, sigsyaml.Unmarshal([]byte(source), &v))
	return v
}

func TestMarshalInferenceService(t *testing.T) {
	t.Parallel()
	checkAgainstLibrary(t, inferenceService(t))
}

func BenchmarkMarshal(b *testing.B) {
	v := inferenceService(b)
	b.Run("manifest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = manifest.Marshal(v)
		}
	})
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = library(v)
		}
	})
}
