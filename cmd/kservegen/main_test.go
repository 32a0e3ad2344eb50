package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/kservegen/kservegen/cmd/kservegen/internal/cli"
	"github.com/kservegen/kservegen/pkg/catalog"
	"github.com/kservegen/kservegen/pkg/istiod"
	"github.com/kservegen/kservegen/pkg/spec"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kservegen": main,
		"kustomize": kustomize,
	})
}

// kustomize is `kustomize build DIR` with the library's defaults, to hold render's own words against.
func kustomize() {
	istiod.RestoreLogs()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	stream, err := built.AsYaml()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = os.Stdout.Write(stream)
}

// TestScripts runs testdata/script: one behaviour a file. Each starts with the documents of testdata/documents.
// UPDATE_SCRIPTS=1 writes what `cmp` meets into the script.
func TestScripts(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Abs(filepath.Join("testdata", "documents"))
	require.NoError(t, err)
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		UpdateScripts:      os.Getenv("UPDATE_SCRIPTS") != "",
		RequireUniqueNames: true,
		Cmds:               commands(),
		Setup: func(env *testscript.Env) error {
			env.Values[snapshotsKey{}] = snapshots{}
			return os.CopyFS(env.WorkDir, os.DirFS(documents))
		},
	})
}

// call runs the command line in this process.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(context.Background(), args, cli.Streams{In: strings.NewReader(stdin), Out: &out, Err: &errs})
	return code, out.String(), errs.String()
}

// starters lists the arguments of every first document that the catalogue has an answer for.
func starters(t *testing.T) [][]string {
	t.Helper()
	models, err := catalog.Models()
	require.NoError(t, err)
	require.NotEmpty(t, models)
	var calls [][]string
	for _, model := range models {
		for _, platform := range spec.Platforms() {
			calls = append(calls, []string{"init", model.Name, "--platform", platform})
		}
		for _, layout := range model.Layouts {
			calls = append(calls, []string{"init", model.Name, "--accelerator", layout.Accelerator})
		}
	}
	return calls
}

func TestEveryStarterRenders(t *testing.T) {
	t.Parallel()
	for _, args := range starters(t) {
		t.Run(fmt.Sprint(args[1:]), func(t *testing.T) {
			t.Parallel()
			code, document, stderr := call(t, "", args...)
			require.Equal(t, 0, code, stderr)
			assert.Empty(t, stderr)

			dir := filepath.Join(t.TempDir(), "deploy")
			code, stdout, stderr := call(t, document, "render", "-f", "-", "-o", dir)
			require.Equal(t, 0, code, "%s\n%s", stderr, document)
			assert.Empty(t, stdout)

			code, stdout, _ = call(t, document, "render", "-f", "-", "-o", dir, "--check")
			assert.Equal(t, 0, code, stdout)
		})
	}
}

// TestKServeServesEveryStarter: no webhook of KServe's refuses what a first document renders to.
func TestKServeServesEveryStarter(t *testing.T) {
	t.Parallel()
	for _, args := range starters(t) {
		_, document, _ := call(t, "", args...)
		// Where it is written without KServe, as one would have it with.
		document = strings.Replace(document, "serving: LeaderWorkerSet #", "platform: {kserve: {version: v0.19.0}} #", 1)
		environment := ""
		if strings.Contains(document, "environments:") {
			environment = "production"
		}
		code, stdout, stderr := call(t, document, "effective", "-", "--env", environment)
		assert.Equalf(t, 0, code, "%v: %s", args[1:], stderr)
		assert.Contains(t, stdout, "kind: Deployment", args[1:])
	}
}

// TestEveryStarterDiffers guards the loop above: a starter that ignored its model would render as well.
func TestEveryStarterDiffers(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, args := range starters(t) {
		_, document, _ := call(t, "", args...)
		if platform := slices.Index(args, "--platform"); platform > 0 && args[platform+1] == "generic" {
			continue // the first layout's document, which has a call of its own
		}
		assert.Nil(t, seen[document], "%v and %v write the same document", seen[document], args)
		seen[document] = args
	}
}
