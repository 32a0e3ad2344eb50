package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/importer"
	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// page is a document with a page, and exposed what leads there.
const page = `apiVersion: kservegen.dev/v1alpha1
kind: ModelDeployment
metadata: {name: deepseek-r1, namespace: llm}
spec:
  model: {id: deepseek-ai/DeepSeek-R1-Distill-Llama-8B, revision: 6a6f4aa4197940add57724a7707d069478df56b1}
  accelerator: {type: a10g}
  chat: {image: "registry.example.com/kservegen:v1", host: chat.example.com, signIn: {basic: {secret: chat-users}}}
`

const exposed = "  expose: {hosts: [deepseek.example.com], gateway: istio-ingress/llm}\n"

// TestPagesComeBack: what environments say of the page in their own ways.
func TestPagesComeBack(t *testing.T) {
	t.Parallel()
	const oidc = "{basic: null, oidc: {issuer: https://login.example.com, clientId: page, scopes: [openid, email]"
	for name, more := range map[string]string{
		"alone":                 "",
		"many":                  "  replicas: {min: 3, max: 3}\n",
		"switched off":          "  environments:\n  - name: dev\n    chat: {enabled: false}\n  - name: production\n",
		"an autoscaler in one":  "  environments:\n  - name: dev\n    chat: {replicas: {min: 2, max: 2}}\n  - name: production\n    chat: {replicas: {min: 2, max: 6}}\n",
		"a public client":       "  environments:\n  - name: dev\n  - name: production\n    chat: {signIn: " + oidc + ", jwksUri: https://login.example.com/keys}}}\n",
		"keys in the document":  "  environments:\n  - name: dev\n    chat: {requestsPerMinute: 7}\n  - name: production\n    chat: {signIn: " + oidc + `, secret: chat-oidc, jwks: '{"keys":[]}'}}}` + "\n",
		"by the Gateway API":    "  expose: {api: gateway, hosts: [deepseek.example.com], gateway: istio-ingress/llm}\n  environments:\n  - name: dev\n  - name: production\n    chat: {host: talk.example.com}\n",
		"callers besides":       "  security: {mtls: \"off\", callers: [{serviceAccount: apps/web}]}\n",
		"without its policies":  "  omit: [authorizationpolicy, networkpolicy, poddisruptionbudget, serviceaccount]\n",
		"a gateway by its name": "  environments:\n  - name: dev\n    expose: {gatewayServiceAccount: ingress}\n  - name: production\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(more, "  expose:") {
				more = exposed + more
			}
			deployments, err := spec.Load("document.yaml", strings.NewReader(page+more))
			require.NoError(t, err)
			tree, err := render.NewGenerator().Tree(deployments[0])
			require.NoError(t, err)
			out := t.TempDir()
			writeTree(t, tree, out)
			dir := filepath.Join(out, tree.Name)
			is := comesBack(t, dir, dir)
			assert.Equal(t, tree.Lock.Files, is.tree.Lock.Files)
			assert.NotContains(t, is.document, "{}", "what says nothing is left out")
		})
	}
}

// TestPageThatWasChanged: what a document cannot say of a page is told, and where it might be said.
func TestPageThatWasChanged(t *testing.T) {
	t.Parallel()
	deployments, err := spec.Load("document.yaml", strings.NewReader(page+exposed))
	require.NoError(t, err)
	tree, err := render.NewGenerator().Tree(deployments[0])
	require.NoError(t, err)
	for i, file := range tree.Files {
		if file.Path == "base/deployment-chat.yaml" {
			changed := strings.Replace(string(file.Data), "enableServiceLinks: false", "enableServiceLinks: true", 1)
			require.NotEqual(t, string(file.Data), changed)
			tree.Files[i].Data = []byte(changed)
		}
	}
	out := t.TempDir()
	writeTree(t, tree, out)
	proposal := imported(t, filepath.Join(out, tree.Name, "overlays", "default"))
	require.Len(t, proposal.Losses, 1)
	assert.Equal(t, "/spec/template/spec/enableServiceLinks", proposal.Losses[0].Path)
	assert.Contains(t, proposal.Losses[0].Fix, "spec.chat")
	assert.Contains(t, proposal.Document, "chat.example.com")
}

// TestPageOfSomebodyElse: a page beside a model that is none of ours is carried as all else that a document does not say.
func TestPageOfSomebodyElse(t *testing.T) {
	t.Parallel()
	const model = `apiVersion: apps/v1
kind: Deployment
metadata: {name: llama, namespace: ml}
spec:
  selector: {matchLabels: {app: llama}}
  template:
    metadata: {labels: {app: llama}}
    spec:
      containers:
      - name: vllm
        image: vllm/vllm-openai:v0.33.0
        args: [--model=meta-llama/Llama-3.1-8B-Instruct]
        resources: {limits: {nvidia.com/gpu: "1"}}
`
	const theirs = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: llama-chat, namespace: ml, labels: {app.kubernetes.io/component: chat}}
spec:
  selector: {matchLabels: {kservegen.dev/chat: llama}}
  template:
    metadata: {labels: {kservegen.dev/chat: llama}}
    spec:
      containers:
      - name: chat
        image: registry.example.com/kservegen:v1
        args: [chat, --web, --listen-host=chat.example.com, --users-file=/etc/users]
`
	path := filepath.Join(t.TempDir(), "theirs.yaml")
	require.NoError(t, os.WriteFile(path, []byte(model+theirs), 0o600))
	proposal := imported(t, path)
	assert.NotContains(t, proposal.Document, "chat:")
	told := false
	for _, loss := range proposal.Losses {
		told = told || loss.Object.Name == "llama-chat" && loss.Path == ""
	}
	assert.True(t, told, "the page is not among what is lost")
}

func imported(t *testing.T, path string) *importer.Proposal {
	t.Helper()
	in, err := importer.Read(t.Context(), []string{path}, nil, nil)
	require.NoError(t, err)
	proposal, err := importer.Import(in, importer.Options{})
	require.NoError(t, err)
	return proposal
}
