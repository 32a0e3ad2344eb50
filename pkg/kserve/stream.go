package kserve

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/kservegen/kservegen/pkg/spec"
)

// streamMemory is the part of a pod's memory that the streamer's buffers may take, over all ranks.
const streamMemory = 4

// streamEnv are the variables of a server that reads its weights from S3. Without a limit the buffer is as large as the weights
// (runai-model-streamer: docs/src/env-vars.md), which is more than the pod may have; each rank has one.
func streamEnv(r spec.RevisionTarget) map[string]string {
	if !r.Model.Streamed {
		return nil
	}
	memory := resource.MustParse(string(r.Resources.Memory))
	ranks := int64(max(r.TensorParallel, 1) * max(r.DataParallel, 1))
	values := map[string]string{
		"RUNAI_STREAMER_MEMORY_LIMIT": strconv.FormatInt(memory.Value()/streamMemory/ranks, 10),
		// Offline, vLLM looks for the URI as a repository in its cache, and fails (get_model_path in
		// vllm/transformers_utils/repo_utils.py). Configuration and tokenizer come from the bucket, too.
		"HF_HUB_OFFLINE": "0",
	}
	if r.Region != "" {
		values["AWS_REGION"] = r.Region
	}
	return values
}

// bucketKeys are those of the Secret that the document names, if any; without one the pod's identity reads the bucket.
func bucketKeys(secret string) []corev1.EnvVar {
	var env []corev1.EnvVar
	if secret == "" {
		return env
	}
	for _, key := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		env = append(env, corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key,
		}}})
	}
	return env
}
