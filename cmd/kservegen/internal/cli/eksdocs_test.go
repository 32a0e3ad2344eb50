package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/pkg/spec"
)

var (
	code      = regexp.MustCompile("`([^`\n]+)`")
	fieldPath = regexp.MustCompile(`^(spec\.)?([a-z][A-Za-z0-9]*)(\.[a-z][A-Za-z0-9]*)+(: .*)?$`)
	fileName  = regexp.MustCompile(`\.(yaml|json|tf|com|aws|io)$`)
	link      = regexp.MustCompile(`\]\(([^)#: ]+)(#[^)]*)?\)`)
	block     = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// TestPagesAboutEKSAreTrue: the commands, flags and fields that the pages name are there, their documents load, and their links
// lead to files.
func TestPagesAboutEKSAreTrue(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"eks-cluster", "eks-network", "eks-compared"} {
		page := filepath.Join("../../../../docs", name+".md")
		data, err := os.ReadFile(page)
		require.NoError(t, err)
		text := string(data)
		for _, match := range code.FindAllStringSubmatch(text, -1) {
			checkCommand(t, page, match[1])
			checkField(t, page, match[1])
		}
		for _, line := range strings.Split(text, "\n") {
			checkCommand(t, page, strings.TrimSpace(line))
		}
		for _, match := range link.FindAllStringSubmatch(text, -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(page), match[1]))
			require.NoError(t, err, page)
		}
		for _, match := range block.FindAllStringSubmatch(text, -1) {
			checkDocument(t, page, match[1])
		}
	}
}

// checkCommand finds commands and flags that are not there.
func checkCommand(t *testing.T, page, text string) {
	t.Helper()
	words := strings.Fields(text)
	if len(words) < 2 || words[0] != "kservegen" && text != "render --shared" {
		return
	}
	words = slices.DeleteFunc(words, func(word string) bool { return word == "kservegen" })
	command, rest, err := newRoot(Streams{}).Find(words)
	require.NoErrorf(t, err, "%s: %s", page, text)
	require.NotEqualf(t, "kservegen", command.Name(), "%s: there is no command %q", page, text)
	for _, word := range rest {
		if name, ok := strings.CutPrefix(word, "--"); ok {
			name, _, _ = strings.Cut(name, "=")
			assert.NotNilf(t, command.Flags().Lookup(name), "%s: %s has no flag --%s", page, command.CommandPath(), name)
		}
	}
}

// sections of the document that pages name without spec, platform and eks before them.
var sections = []string{"", "platform.", "platform.eks."}

// checkField finds dotted names that look like fields of the document and are none.
func checkField(t *testing.T, page, text string) {
	t.Helper()
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "spec."), ":")
	first, _, _ := strings.Cut(name, ".")
	if !fieldPath.MatchString(text) || first == "settings" || first == "service" || fileName.MatchString(text) { // values of charts
		return
	}
	assert.Truef(t, slices.ContainsFunc(sections, func(before string) bool { return hasField(t, before+name) }), "%s: the document has no field %s", page, text)
}

// hasField looks into the document's JSON schema.
func hasField(t *testing.T, path string) bool {
	t.Helper()
	type node struct {
		Ref        string           `json:"$ref"`
		Properties map[string]*node `json:"properties"`
		Items      *node            `json:"items"`
		Defs       map[string]*node `json:"$defs"`
	}
	var root node
	require.NoError(t, json.Unmarshal([]byte(spec.Schema()), &root))
	at := root.Properties["spec"]
	for _, name := range strings.Split(path, ".") {
		for at != nil && at.Ref != "" {
			at = root.Defs[strings.TrimPrefix(at.Ref, "#/$defs/")]
		}
		if at != nil && at.Items != nil {
			at = at.Items
		}
		for at != nil && at.Ref != "" {
			at = root.Defs[strings.TrimPrefix(at.Ref, "#/$defs/")]
		}
		if at == nil {
			return false
		}
		at = at.Properties[name]
	}
	return at != nil
}

// checkDocument loads what a page shows of a document.
func checkDocument(t *testing.T, page, text string) {
	t.Helper()
	rest, ok := strings.CutPrefix(text, "spec:\n")
	if !ok {
		return
	}
	document := "apiVersion: kservegen.dev/v1alpha1\nkind: ModelDeployment\nspec:\n"
	for field, value := range map[string]string{
		"model": "{id: openai/gpt-oss-20b}", "accelerator": "{type: a10g}", "expose": "{hosts: [gpt.example.com], gateway: istio-ingress/llm}",
	} {
		if !strings.Contains("\n"+rest, "\n  "+field+":") {
			document += "  " + field + ": " + value + "\n"
		}
	}
	_, err := spec.Load(page, strings.NewReader(document+rest))
	assert.NoError(t, err, page)
}
