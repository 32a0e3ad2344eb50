package traffic

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBucketRangeMatchesExactly checks every range against every header value: Envoy compares the whole value,
// and Go's regexp is RE2 as Envoy's.
func TestBucketRangeMatchesExactly(t *testing.T) {
	t.Parallel()
	others := []string{"", "100", "-1", "1.5", "007", "x", "none", " 5", "5 ", "５"}
	for low := 0; low <= buckets; low++ {
		for high := low; high <= buckets; high++ {
			expression := Buckets(low, high)
			matcher, err := regexp.Compile("^(?:" + expression + ")$")
			require.NoError(t, err, expression)
			for n := range buckets {
				want := n >= low && n < high
				require.Equalf(t, want, matcher.MatchString(fmt.Sprint(n)), "%d in [%d,%d): %s", n, low, high, expression)
				require.Equalf(t, want, matcher.MatchString(fmt.Sprintf("%02d", n)), "%02d in [%d,%d): %s", n, low, high, expression)
			}
			for _, other := range others {
				assert.Falsef(t, matcher.MatchString(other), "%q in [%d,%d): %s", other, low, high, expression)
			}
		}
	}
}
