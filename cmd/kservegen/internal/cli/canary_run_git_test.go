package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serving is a Prometheus of two revisions that answer as much as the test needs, of which v2 fails a part of the requests in a
// thousand.
func serving(t *testing.T, failing int) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		from, _ := strconv.ParseFloat(r.FormValue("start"), 64)
		to, _ := strconv.ParseFloat(r.FormValue("end"), 64)
		step, _ := strconv.ParseFloat(r.FormValue("step"), 64)
		results := []string{}
		series := func(labels string, perSecond int) {
			values := []string{}
			for at := from; at <= to; at += step {
				count := 1
				if perSecond > 0 { // a part more or less in each second, the same of all series
					part := rand.New(rand.NewPCG(uint64(at), 1)).Float64() / 2
					count = int(float64(perSecond) * (at - 1.7e9 + part))
				}
				values = append(values, fmt.Sprintf(`[%f,"%d"]`, at, count))
			}
			results = append(results, fmt.Sprintf(`{"metric":{"pod":"a",%s},"values":[%s]}`, labels, strings.Join(values, ",")))
		}
		bad := 0
		if strings.Contains(query, `revision="v2"`) {
			bad = failing
		}
		switch {
		case strings.HasPrefix(query, "up{"):
			series(`"job":"llm"`, 0)
		case strings.Contains(query, "http_requests_total"):
			series(`"status":"2xx"`, 20000-20*bad)
			if bad > 0 {
				series(`"status":"5xx"`, 20*bad)
			}
		case strings.Contains(query, "_bucket"):
			for bound, each := range map[string]int{"0.1": 10000, "0.25": 18000, "0.5": 19500, "+Inf": 20000} {
				series(`"le":"`+bound+`"`, each)
			}
		case !strings.Contains(query, "avg_over_time"):
			series(`"finished_reason":"stop"`, 20000)
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, strings.Join(results, ","))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// inGit is a clone of a bare repository with a canary at its beginning; the test works in it.
func inGit(t *testing.T) (bare string) {
	t.Helper()
	document, err := os.ReadFile("../../testdata/documents/canary.yaml")
	require.NoError(t, err)
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("HOME", dir)
	typed(t, "git init --quiet --bare --initial-branch=main bare")
	typed(t, "git clone --quiet bare work")
	t.Chdir(filepath.Join(dir, "work"))
	text := strings.NewReplacer("weight: 90", "weight: 100", "weight: 10}", "weight: 0}").Replace(string(document))
	require.NoError(t, os.WriteFile("m.yaml", []byte(text), 0o600))
	for _, line := range []string{
		"git symbolic-ref HEAD refs/heads/main", "git config user.name Platform", "git config user.email platform@example.com", "kservegen render -f m.yaml -o deploy",
		"git add --all", "git commit --quiet -m 'Start'", "git push --quiet --set-upstream origin main",
	} {
		typed(t, line)
	}
	return filepath.Join(dir, "bare")
}

// runInGit runs a canary that needs seconds for what takes hours otherwise.
func runInGit(t *testing.T, url string, flags ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args := []string{
		"canary", "run", "--git", "-f", "m.yaml", "--env", "production", "--prometheus", url, "--profile", "vllm",
		"--interval", "1s", "--warm-up", "1s", "--step-min", "0s", "--step-max", "90s", "--blind-max", "20s",
	}
	for _, metric := range []string{"ttft-mean", "itl-mean"} {
		args = append(args, "--ignore", metric)
	}
	code = Main(t.Context(), append(args, flags...), Streams{In: strings.NewReader(""), Out: &stdout, Err: &stderr})
	return code, stdout.String(), stderr.String()
}

// TestACanaryInGit is promoted by commits that say why, and tells a webhook, which may be dead.
//
//nolint:paralleltest // it changes the working directory
func TestACanaryInGit(t *testing.T) {
	bare := inGit(t)
	var mu sync.Mutex
	var events []map[string]any
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		var event map[string]any
		assert.NoError(t, json.Unmarshal(body, &event))
		mu.Lock()
		defer mu.Unlock()
		events = append(events, event)
	}))
	defer hook.Close()
	t.Setenv("HOOK", "very secret")
	code, out, said := runInGit(t, serving(t, 0), "-o", "json", "--webhook", hook.URL, "--webhook-secret-env", "HOOK")
	require.Equal(t, exitOK, code, said)
	log := typed(t, "git --git-dir="+bare+" log --format=%s main")
	assert.Equal(t, "Promote v2 of canary in production\nGive v2 of canary 50 % in production\nGive v2 of canary 25 % in production\nGive v2 of canary 5 % in production\nStart\n", log)
	assert.Contains(t, typed(t, "git --git-dir="+bare+" log -1 --format=%B main"), "| errors | pass |")
	assert.Empty(t, typed(t, "git status --porcelain"), "the work tree stays")
	assert.Equal(t, "promoted", events[len(events)-1]["event"])
	assert.Regexp(t, `^[0-9a-f]{7}$`, events[len(events)-1]["commit"])
	assert.Equal(t, strings.Count(out, "\n"), len(events)+strings.Count(out, `"event":"looked"`))
	assert.NotContains(t, said, "secret")

	code, _, said = runInGit(t, serving(t, 0))
	require.Equal(t, exitOK, code, said)
	assert.Contains(t, said, "promoted")
	typed(t, "git pull --quiet")
	typed(t, "kservegen render -f m.yaml -o deploy --check")
	typed(t, "kservegen canary finish v1 -f m.yaml --env production --push")
	code, _, said = runInGit(t, serving(t, 0), "--once")
	require.Equal(t, exitOK, code, said)
	assert.Contains(t, said, "no canary of canary runs in production")
}

// TestABadCanaryInGit is rolled back by a commit, and the next run says so and does nothing.
//
//nolint:paralleltest // it changes the working directory
func TestABadCanaryInGit(t *testing.T) {
	bare := inGit(t)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	url := serving(t, 50)
	code, _, said := runInGit(t, url, "--webhook", dead.URL+"/very-secret")
	require.Equal(t, exitFindings, code, said)
	assert.Contains(t, said, "nobody was told: the webhook at 127.0.0.1:")
	assert.NotContains(t, said, "very-secret")
	log := "git --git-dir=" + bare + " log --format=%s main"
	assert.Equal(t, "Roll back v2 of canary in production\nGive v2 of canary 5 % in production\nStart\n", typed(t, log))
	code, _, said = runInGit(t, url)
	require.Equal(t, exitFindings, code, said)
	assert.Contains(t, said, "Roll back v2 of canary in production: errors is")
	var told atomic.Int32
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told.Add(1) }))
	defer hook.Close()
	code, _, said = runInGit(t, url, "--once", "--webhook", hook.URL)
	require.Equal(t, exitFindings, code, said)
	assert.Zero(t, told.Load(), "a schedule would say it each time")
	code, out, said := runInGit(t, url, "--dry-run")
	require.Equal(t, exitOK, code, said)
	assert.Contains(t, out, "branch origin/main: from v1 to v2")
	assert.Equal(t, 3, strings.Count(typed(t, log), "\n"))
}

// TestRunsInGitThatAreRefused say what to do, and change nothing.
//
//nolint:paralleltest // it changes the working directory
func TestRunsInGitThatAreRefused(t *testing.T) {
	bare := inGit(t)
	url := serving(t, 0)
	head := typed(t, "git --git-dir="+bare+" rev-parse main")
	for words, flags := range map[string][]string{
		"there is no branch origin/other":      {"--branch", "other"},
		"--ready-by nobody is unknown":         {"--ready-by", "nobody"},
		"exclude each other":                   {"--webhook", url, "--webhook-file", "x"},
		"signs nothing":                        {"--webhook-secret-env", "HOOK"},
		"the webhook's URL is none":            {"--webhook", "hooks"},
		"the variable EMPTY_HOOK is empty":     {"--webhook", url, "--webhook-secret-env", "EMPTY_HOOK"},
		"--despite-gitops is about weights in": {"--despite-gitops"},
		"are about the shares in Git; add --g": {"--git=false", "--branch", "main"},
	} {
		code, _, said := runInGit(t, url, flags...)
		assert.Equal(t, exitUsage, code, said)
		assert.Contains(t, said, words)
	}
	typed(t, "git config --unset user.email")
	t.Setenv("EMAIL", "")
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "user.useConfigOnly")
	t.Setenv("GIT_CONFIG_VALUE_0", "true")
	code, _, said := runInGit(t, url)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, said, "git does not know by whom a commit is; git config user.name")
	code, _, said = runInGit(t, url, "--dry-run")
	assert.Equal(t, exitOK, code, said)
	typed(t, "git config user.email platform@example.com")
	typed(t, "git checkout --quiet --detach")
	code, _, said = runInGit(t, url)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, said, "or name the branch of origin that has the shares with --branch")
	code, _, said = runInGit(t, url, "--dry-run", "--branch", "main")
	assert.Equal(t, exitOK, code, said)
	typed(t, "git checkout --quiet main")
	require.NoError(t, os.WriteFile("m.yaml", append([]byte("# mine\n"), mustRead(t, "m.yaml")...), 0o600))
	code, _, said = runInGit(t, url)
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, said, "not committed yet: m.yaml")
	assert.Equal(t, head, typed(t, "git --git-dir="+bare+" rev-parse main"))
}

func mustRead(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

// TestLooksOfWhichNothingComes end with 3 and not with 4, which a schedule takes for a canary on its way.
//
//nolint:paralleltest // it changes the working directory
func TestLooksOfWhichNothingComes(t *testing.T) {
	bare := inGit(t)
	hook := filepath.Join(bare, "hooks", "pre-receive")
	require.NoError(t, os.WriteFile(hook, []byte("#!/bin/sh\necho it is protected >&2\nexit 1\n"), 0o700))
	code, _, said := runInGit(t, serving(t, 0), "--once")
	assert.Equal(t, exitInternal, code)
	assert.Contains(t, said, "that cannot be written: git push: remote: it is protected")
	require.NoError(t, os.Remove(hook))
	code, _, said = runInGit(t, serving(t, 0), "--once")
	require.Equal(t, exitUndecided, code, said)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	require.Eventually(t, func() bool { // once the warm-up is over
		code, _, said = runInGit(t, dead.URL, "--once", "--ready-by", "unchecked")
		return code != exitUndecided
	}, time.Minute, time.Second)
	assert.Equal(t, exitInternal, code)
	assert.Contains(t, said, "blind")
}

// TestAPullRequest: the first step is a branch with its text, and the tracked branch stays until somebody merges it.
//
//nolint:paralleltest // it changes the working directory
func TestAPullRequest(t *testing.T) {
	bare := inGit(t)
	code, _, said := runInGit(t, serving(t, 0), "--pull-request", "../pr", "--once")
	require.Equal(t, exitUndecided, code, said)
	assert.Contains(t, said, "waits to be merged into origin/main")
	assert.Equal(t, "Give v2 of canary 5 % in production\n", string(mustRead(t, "../pr/title")))
	branch := strings.TrimSpace(string(mustRead(t, "../pr/branch")))
	assert.Contains(t, string(mustRead(t, "../pr/body.md")), "production: v1 100, v2 0 → v1 95, v2 5")
	assert.Equal(t, "Give v2 of canary 5 % in production\nStart\n", typed(t, "git --git-dir="+bare+" log --format=%s "+branch))
	assert.Equal(t, "Start\n", typed(t, "git --git-dir="+bare+" log --format=%s main"))
	typed(t, "git --git-dir="+bare+" update-ref refs/heads/main "+branch)
	code, _, said = runInGit(t, serving(t, 0), "--pull-request", "../pr", "--once")
	require.Equal(t, exitUndecided, code, said)
	assert.Contains(t, said, "resumed")
}
