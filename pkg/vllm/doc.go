// Package vllm judges what people write for vLLM's server by the release that is to run it: flags, their values, and the
// names of metrics. What the releases know is data of pkg/catalog; here is what follows from it.
package vllm
