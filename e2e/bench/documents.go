package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// documents writes N documents with a canary and five environments that each differ in another way.
func (b *bench) documents(n int) (string, error) {
	dir := filepath.Join(b.dir, fmt.Sprintf("documents-%d", n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for i := range n {
		document := fmt.Sprintf(document, i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m%04d.yaml", i)), []byte(document), 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

const document = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: model-%04[1]d, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B}
  accelerator: {type: a10g}
  replicas: {min: 2, max: 6}
  revisions:
  - name: v1
  - name: v2
    runtime: {args: {max-num-seqs: 128}}
  traffic:
  - {revision: v1, weight: 90}
  - {revision: v2, weight: 10}
  expose: {hosts: [m%04[1]d.example.com], gateway: istio-ingress/llm}
  environments:
  - {name: dev, replicas: {min: 1, max: 1}}
  - {name: test, replicas: {min: 1, max: 2}}
  - {name: staging, expose: {hosts: [m%04[1]d.staging.example.com]}}
  - {name: preprod, runtime: {args: {max-num-batched-tokens: 4096}}}
  - {name: production, traffic: [{revision: v1, weight: 50}, {revision: v2, weight: 50}]}
`
