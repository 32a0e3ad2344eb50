package render

import (
	"path"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestChangesAreListedInOrder: each says what, why and by whom, its patterns can match, and the newest is RenderedSince.
func TestChangesAreListedInOrder(t *testing.T) {
	t.Parallel()
	list, err := Changes()
	require.NoError(t, err)
	require.NotEmpty(t, list)
	last := ""
	for _, c := range list {
		assert.False(t, newer(last, c.Version), "%s stands behind %s", c.Version, last)
		assert.NotEqual(t, [3]int{}, releaseOf(c.Version), "%q is no release", c.Version)
		last = c.Version
		for _, text := range []string{c.What, c.Why, c.Source} {
			assert.NotEmpty(t, text, c.What)
		}
		require.NotEmpty(t, c.Files)
		for _, pattern := range c.Files {
			_, err := path.Match(pattern, "")
			require.NoError(t, err, pattern)
		}
	}
	assert.Equal(t, RenderedSince, last, "the lock has the release of the newest change")
}

func TestChangesBetweenReleases(t *testing.T) {
	t.Parallel()
	list := []Change{
		{Version: "v0.1.0", Files: []string{"base/*.yaml"}}, {Version: "v0.2.0", Files: []string{"overlays/*/patches/a.yaml"}},
		{Version: "v0.10.0", Files: []string{"base/a.yaml"}}, {Version: "v1.0.0", Files: []string{"base/a.yaml"}},
	}
	versions := func(file, after, upTo string) []string {
		found := []string{}
		for _, c := range between(list, file, after, upTo) {
			found = append(found, c.Version)
		}
		return found
	}
	assert.Equal(t, []string{"v0.1.0", "v0.10.0"}, versions("base/a.yaml", "", "v0.10.0"))
	assert.Equal(t, []string{"v0.10.0"}, versions("base/a.yaml", "v0.2.0", "v0.10.0"), "v0.10 is newer than v0.2")
	assert.Equal(t, []string{}, versions("base/a.yaml", "v0.10.0", "v0.10.0"))
	assert.Equal(t, []string{"v0.2.0"}, versions("overlays/dev/patches/a.yaml", "", "v2.0.0"))
	assert.Equal(t, []string{}, versions("overlays/dev/a.yaml", "", "v2.0.0"))
	assert.Equal(t, []string{"v0.10.0", "v1.0.0"}, versions("base/a.yaml", "v0.2.0-rc.1", "v1.0.0-rc.1"), "of a candidate")
}

// TestTheLockKeepsItsRelease: what is read is what was written; the first release goes without saying.
func TestTheLockKeepsItsRelease(t *testing.T) {
	t.Parallel()
	lock := newLock("sha256:a", nil)
	assert.Equal(t, RenderedSince == firstRelease, lock.Version == "")
	lock.Version = "v9.9.9"
	data, err := lock.Bytes()
	require.NoError(t, err)
	read, err := ReadLock("kservegen.lock", data)
	require.NoError(t, err)
	assert.Equal(t, lock, read)
}
