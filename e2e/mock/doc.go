// Package mock holds what stands in for a GPU, a model server, an object store and a caller inside the e2e cluster.
//
//   - gpu is a device plugin: the scheduler, the kubelet and the container believe that there are devices.
//   - vllm is the entry point `vllm serve` in front of llm-d-inference-sim.
//   - storage-initializer leaves a model's folder behind without fetching one.
//   - forward lets the suite's requests into the mesh with the identity of a caller.
//
// Each is one static program. They have a module of their own, since they need the kubelet's API and nothing of
// kservegen.
package mock
