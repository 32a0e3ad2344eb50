// Command vllm is `vllm serve` in front of llm-d-inference-sim: it takes the command line that a ServingRuntime
// has for vLLM and becomes the simulator.
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// simulator is where the image has it.
const simulator = "/app/llm-d-inference-sim"

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(args []string) error {
	if len(args) == 0 || args[0] != "serve" {
		return fmt.Errorf("vllm stands in for `vllm serve` only, not for %q", args)
	}
	if err := loaded(args); err != nil {
		return err
	}
	passed, ignored := translate(args[1:], os.Getenv)
	fmt.Printf("mock: %s %s\nmock: without meaning to the simulator: %s\n",
		simulator, strings.Join(passed, " "), strings.Join(ignored, " "))
	return syscall.Exec(simulator, append([]string{simulator}, passed...), environment())
}

// loaded fails as vLLM does where a local path of weights is not there.
func loaded(args []string) error {
	passed, _ := translate(args[1:], os.Getenv)
	for _, flag := range passed {
		path, ok := strings.CutPrefix(flag, "--model=")
		if !ok || !strings.HasPrefix(path, "/") {
			continue
		}
		if _, err := os.Stat(path + "/config.json"); err != nil {
			return fmt.Errorf("the model's folder: %w", err)
		}
	}
	return nil
}

// environment names the pod, so that the simulator says in a header who answered. A pod's host name is its name.
func environment() []string {
	name, err := os.Hostname()
	if err != nil || os.Getenv("POD_NAME") != "" {
		return os.Environ()
	}
	return append(os.Environ(), "POD_NAME="+name)
}
