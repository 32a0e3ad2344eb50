package k8s_test

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hub stands in for hf: files of $HUB arrive one by one, but for those that $HUB.fail names, and are compared. As with hf, what is missing
// counts only by --fail-on-missing-files. There is no answer while $HUB.down is there.
const hub = `#!/bin/sh
echo "$@" >> "$HUB.log"
while [ $# -gt 1 ]; do [ "$1" = --local-dir ] && dir=$2; [ "$1" = cache ] && verify=yes; shift; done
[ "$1" = --fail-on-missing-files ] && whole=yes
cd "$HUB"
[ -e "$HUB.down" ] && { echo "no answer" >&2; exit 1; }
for file in *; do
  if [ -n "$verify" ]; then
    if [ -e "$dir/$file" ]; then
      cmp -s "$file" "$dir/$file" || { echo "  - $file: expected a (sha256), got b"; wrong=yes; }
    elif [ -n "$whole" ]; then
      [ -d "$file" ] && file=$file/consolidated.pth
      echo "  - $file"; wrong=yes
    fi
  elif [ -f "$file" ] && { ! [ -e "$dir/$file" ] || { ! [ -d "$dir/.cache" ] && ! cmp -s "$file" "$dir/$file"; }; }; then
    grep -qx "$file" "$HUB.fail" 2>/dev/null && exit 1
    cp "$file" "$dir/$file"; echo "$file" >> "$HUB.got"
  fi
done
[ -n "$verify" ] || mkdir -p "$dir/.cache"
[ -z "$wrong" ]
`

// script is a download's script in a shell of this machine.
type script struct {
	t            *testing.T
	file, target string
	env          []string
}

func (s script) run() (output string, ok bool) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join("scripts", s.file))
	require.NoError(s.t, err)
	cmd := exec.CommandContext(s.t.Context(), "/bin/sh", "-c", string(text)) // as the container runs it
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}

func (s script) files() []string {
	s.t.Helper()
	entries, err := os.ReadDir(s.target)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(s.t, err)
	var names []string
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names
}

func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

func TestHubScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	models, bin, target := filepath.Join(dir, "hub"), filepath.Join(dir, "bin"), filepath.Join(dir, "weights", "r1", "a")
	for _, name := range []string{"a.json", "b.safetensors", "c.safetensors"} {
		write(t, filepath.Join(models, name), name)
	}
	write(t, filepath.Join(models, "original", "consolidated.pth"), "left out")
	write(t, filepath.Join(bin, "hf"), hub)
	require.NoError(t, os.Chmod(filepath.Join(bin, "hf"), 0o700))
	s := script{t, "download-hf.sh", target, []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HUB=" + models, "REPOSITORY=acme/m", "REVISION=abc", "TARGET=" + target,
	}}

	write(t, models+".fail", "c.safetensors\n")
	_, ok := s.run()
	assert.False(t, ok)
	assert.Nil(t, s.files(), "the servers wait for the whole")
	require.NoError(t, os.Remove(models+".fail"))
	leftover := filepath.Join(target+".partial", ".cache", "download", "c.1.incomplete")
	write(t, leftover, "half")
	said, ok := s.run()
	require.True(t, ok, said)
	assert.Contains(t, said, "Only original/ is missing")
	assert.NoFileExists(t, filepath.Join(target, ".cache", "download", "c.1.incomplete"))
	assert.Equal(t, []string{"a.json", "b.safetensors", "c.safetensors"}, s.files())
	assert.Equal(t, "a.json\nb.safetensors\nc.safetensors\n", read(t, models+".got"), "each file once")
	assert.Contains(t, read(t, models+".log"), "download acme/m --revision abc --local-dir "+target+".partial --exclude original/*")

	_, ok = s.run()
	require.True(t, ok)
	assert.Equal(t, "a.json\nb.safetensors\nc.safetensors\n", read(t, models+".got"), "a second Job fetches nothing")

	write(t, models+".down", "")
	said, ok = s.run()
	assert.False(t, ok)
	assert.NotContains(t, said, "holds something else", "or somebody removes a folder that is well")
	require.NoError(t, os.Remove(models+".down"))

	write(t, filepath.Join(target, "b.safetensors"), "damaged")
	said, ok = s.run()
	assert.False(t, ok)
	assert.Contains(t, said, target+" holds something else than acme/m at abc: name another folder")
	require.NoError(t, os.Remove(filepath.Join(target, "b.safetensors")))
	said, ok = s.run()
	assert.False(t, ok, "a folder that lacks a file is no copy")
	assert.Contains(t, said, "  - b.safetensors\n")
}

// TestHubScriptMends: what arrived damaged is fetched again by the next attempt, and nothing else is.
func TestHubScriptMends(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	models, bin, target := filepath.Join(dir, "hub"), filepath.Join(dir, "bin"), filepath.Join(dir, "weights", "m")
	write(t, filepath.Join(models, "a.json"), "a")
	write(t, filepath.Join(models, "b.safetensors"), "b")
	write(t, filepath.Join(target+".partial", "b.safetensors"), "damaged")
	write(t, filepath.Join(target+".partial", ".cache", "notes"), "")
	write(t, filepath.Join(bin, "hf"), hub)
	require.NoError(t, os.Chmod(filepath.Join(bin, "hf"), 0o700))
	s := script{t, "download-hf.sh", target, []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "HUB=" + models, "REPOSITORY=acme/m", "REVISION=abc", "TARGET=" + target,
	}}
	said, ok := s.run()
	assert.False(t, ok)
	assert.Contains(t, said, "b.safetensors: expected")
	assert.Nil(t, s.files())
	assert.NoDirExists(t, filepath.Join(target+".partial", ".cache"))
	_, ok = s.run()
	require.True(t, ok)
	assert.Equal(t, []string{"a.json", "b.safetensors"}, s.files())
	assert.Equal(t, "a.json\nb.safetensors\n", read(t, models+".got"))
}

// bucket answers what `aws s3 sync` asks of S3.
type bucket struct {
	mu      sync.Mutex
	objects map[string]string
	// broken objects are refused, and so are lists after so many where there is a limit.
	broken map[string]bool
	lists  int
	limit  int
	got    []string
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/models/")
	if key == "" || key == "/models" || r.URL.Query().Has("list-type") {
		if b.lists++; b.limit > 0 && b.lists > b.limit {
			http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
			return
		}
		b.list(w, r.URL.Query().Get("prefix"))
		return
	}
	text, there := b.objects[key]
	if !there {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"e"`)
	w.Header().Set("Last-Modified", modified.Format(http.TimeFormat))
	if r.Method == http.MethodGet {
		b.got = append(b.got, key)
		if b.broken[key] {
			http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
			return
		}
	}
	_, _ = w.Write([]byte(text))
}

var modified = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (b *bucket) list(w http.ResponseWriter, prefix string) {
	type contents struct {
		Key, ETag, LastModified, StorageClass string
		Size                                  int
	}
	var result struct {
		XMLName     xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
		IsTruncated bool
		Contents    []contents
	}
	for _, key := range slices.Sorted(maps.Keys(b.objects)) { // in this order, which aws relies on
		if strings.HasPrefix(key, prefix) {
			result.Contents = append(result.Contents, contents{key, `"e"`, modified.Format(time.RFC3339), "STANDARD", len(b.objects[key])})
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(result)
}

func needsAWS(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the command line of AWS takes seconds to start")
	}
	if out, err := exec.CommandContext(t.Context(), "aws", "--version").CombinedOutput(); err != nil {
		t.Skipf("no aws: %v %s", err, out)
	}
}

// TestS3Script runs with the real command line of AWS, where the machine has one.
func TestS3Script(t *testing.T) {
	t.Parallel()
	needsAWS(t)
	dir := t.TempDir()
	target := filepath.Join(dir, "weights", "r1")
	const sums = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.json\n3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b.safetensors\n"
	s3 := &bucket{
		objects: map[string]string{"r1/a.json": "a", "r1/b.safetensors": "b", "r1/SHA256SUMS": sums, "r1-distill/c.json": "c"},
		broken:  map[string]bool{"r1/b.safetensors": true},
	}
	server := httptest.NewServer(s3)
	defer server.Close()
	s := script{t, "download-s3.sh", target, []string{
		"SOURCE=s3://models/r1/", "TARGET=" + target, "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=us-east-1", "HOME=" + dir,
		"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true",
	}}
	said, ok := s.run()
	assert.False(t, ok, said)
	assert.Nil(t, s.files())

	s3.broken, s3.got = nil, nil
	write(t, filepath.Join(target+".partial", "b.safetensors.1f2E3d4C"), "what a killed download left")
	said, ok = s.run()
	require.True(t, ok, said)
	assert.Equal(t, []string{"SHA256SUMS", "a.json", "b.safetensors"}, s.files(), "none of a prefix that begins so, and nothing that is left over")
	assert.Equal(t, []string{"r1/b.safetensors"}, s3.got, "what was there already is not fetched again")

	s3.got = nil
	said, ok = s.run()
	require.True(t, ok, said)
	assert.Empty(t, s3.got, "a second Job fetches nothing")

	s3.lists, s3.limit = 1, 1
	said, ok = s.run()
	assert.False(t, ok, "what cannot be listed was not checked")
	assert.Contains(t, said, "AccessDenied")
	assert.NotContains(t, said, "holds something else", "or somebody removes a folder that is well")

	s3.limit = 0
	s3.objects["r1/a.json"] = "another"
	said, ok = s.run()
	assert.False(t, ok)
	assert.Contains(t, said, target+" holds something else than s3://models/r1/: name another folder")
}

// TestS3ScriptChecksHashes: an object of another content than SHA256SUMS says never gets the folder's name.
func TestS3ScriptChecksHashes(t *testing.T) {
	t.Parallel()
	needsAWS(t)
	dir := t.TempDir()
	target := filepath.Join(dir, "weights", "r1")
	s3 := &bucket{objects: map[string]string{"r1/a.json": "x", "r1/SHA256SUMS": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a.json\n"}}
	server := httptest.NewServer(s3)
	defer server.Close()
	s := script{t, "download-s3.sh", target, []string{
		"SOURCE=s3://models/r1/", "TARGET=" + target, "AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=us-east-1", "HOME=" + dir,
		"AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_MAX_ATTEMPTS=1", "AWS_EC2_METADATA_DISABLED=true",
	}}
	said, ok := s.run()
	assert.False(t, ok)
	assert.Contains(t, said, "a.json: FAILED")
	s3.objects["r1/a.json"] = "a" // as it should be, of the same size and time
	said, ok = s.run()
	require.True(t, ok, said)
	assert.Equal(t, []string{"SHA256SUMS", "a.json"}, s.files())

	s3.lists, s3.limit = 0, 1
	unlisted := script{t, "download-s3.sh", target + "1", append(slices.Clone(s.env), "TARGET="+target+"1")}
	said, ok = unlisted.run()
	assert.False(t, ok, said)
	assert.Nil(t, unlisted.files(), "no second list, no name")

	s3.limit, s3.objects = 0, map[string]string{}
	empty := script{t, "download-s3.sh", target + "2", append(s.env, "TARGET="+target+"2")}
	said, ok = empty.run()
	assert.False(t, ok)
	assert.Contains(t, said, "there is nothing below s3://models/r1/")
}
