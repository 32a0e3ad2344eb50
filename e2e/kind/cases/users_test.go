package cases

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/kservegen/kservegen/e2e/kind/tree"
)

// TestIdentity reads the scripts of the reference tree as they are rendered.
func TestIdentity(t *testing.T) {
	const overlays = "../../../overlays/deepseek-r1-distill-llama-8b-sticky/deepseek-r1/overlays/"
	script := func(environment string) string {
		found, err := tree.Read(overlays + environment)
		require.NoError(t, err)
		shared, err := sharedBy(&Env{Tree: found})
		require.NoError(t, err)
		for _, object := range shared {
			if object["kind"] == "TrafficExtension" {
				return object["spec"].(map[string]any)["lua"].(map[string]any)["inlineCode"].(string)
			}
		}
		require.Fail(t, "no script")
		return ""
	}
	found, err := identityIn(script("staging"))
	require.NoError(t, err)
	assert.Equal(t, identity{"cookie", "session"}, found)
	assert.Equal(t, map[string]string{"cookie": "theme=dark; session=ann; other=1"}, found.header("ann"))
	_, err = identityIn(script("production"))
	assert.True(t, isLacking(err), "tokens")
	found, err = identityIn("local from = {header = \"x-user\"}\n")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"x-user": "ann"}, found.header("ann"))
	_, err = identityIn("return 1")
	require.Error(t, err)
}

// TestBucketOf has the hashes of draft-eastlake-fnv's test vectors.
func TestBucketOf(t *testing.T) {
	t.Parallel()
	assert.Equal(t, 0x811c9dc5%100, bucketOf(""))
	assert.Equal(t, 0xe40c292c%100, bucketOf("a"))
	assert.Equal(t, 0xbf9cf968%100, bucketOf("foobar"))
}

func TestAsBuckets(t *testing.T) {
	t.Parallel()
	own, count := map[string]bool{}, map[int]int{}
	for _, user := range users() {
		own[user] = bucketOf(user) < quarter
		for _, share := range []int{5, quarter, 60} {
			if bucketOf(user) < share {
				count[share]++
			}
		}
	}
	assert.Len(t, own, userCount)
	for _, share := range []int{5, quarter, 60} {
		assert.InDelta(t, share*userCount/100, count[share], 20, "there are users of both at %d %%", share)
	}
	require.NoError(t, asBuckets(users(), own, quarter))
	assert.True(t, isViolated(asBuckets(users(), own, 60)))
	own[users()[0]] = !own[users()[0]]
	assert.True(t, isViolated(asBuckets(users(), own, quarter)))
}

func TestLeft(t *testing.T) {
	t.Parallel()
	assert.Empty(t, left(map[string]bool{"a": true}, map[string]bool{"a": true, "b": true}))
	assert.Equal(t, "a", left(map[string]bool{"a": true}, map[string]bool{"b": true}))
}
