package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadmeIsTrue runs the console blocks of the README in order in an empty directory and compares what is
// printed. broken.yaml and chat.yaml are the only files that a block needs and does not make.
//
//nolint:paralleltest // it changes the working directory, as the reader of the README would
func TestReadmeIsTrue(t *testing.T) {
	readme, err := os.ReadFile("../../../../README.md")
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("broken.yaml", []byte(broken), 0o600))
	require.NoError(t, os.WriteFile("chat.yaml", []byte(chatYAML), 0o600))
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	require.GreaterOrEqual(t, len(blocks), 2)
	for _, block := range blocks {
		for _, command := range strings.Split(block[1], "$ ")[1:] {
			line, want, _ := strings.Cut(command, "\n")
			assert.Equal(t, want, shell(t, line), "$ "+line)
		}
	}
}

const broken = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
spec:
  model:
    id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B
  accelerator: {typ: a10g}
  revisions: [{name: v1}]
  traffic:
  - {revision: v1, weight: 90%}
`

const chatYAML = `apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: llm}
spec:
  replicas: 2
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec:
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-L4}
      containers:
      - name: vllm
        image: vllm/vllm-openai:latest
        command: [vllm, serve, Qwen/Qwen3-8B, --max-num-seqs=64]
        resources: {limits: {nvidia.com/gpu: "1", cpu: "3", memory: 12Gi}}
`

// shell runs one line: kservegen, its arguments, and perhaps a redirection; or perl.
func shell(t *testing.T, line string) string {
	t.Helper()
	if strings.HasPrefix(line, "perl ") {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", line).CombinedOutput()
		require.NoError(t, err)
		return string(out)
	}
	line, file, redirected := strings.Cut(line, " > ")
	words := strings.Fields(line)
	require.Equal(t, "kservegen", words[0], "the README shows a command that this test does not run")
	var out, talk bytes.Buffer
	streams := Streams{In: strings.NewReader(""), Out: &out, Err: &talk}
	Main(t.Context(), words[1:], streams)
	if redirected {
		require.NoError(t, os.WriteFile(filepath.Clean(file), out.Bytes(), 0o600))
		out.Reset()
	}
	return regexp.MustCompile(`\(\d+\.\d s\)`).ReplaceAllString(out.String()+talk.String(), "(0.1 s)")
}
