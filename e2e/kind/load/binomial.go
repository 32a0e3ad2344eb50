package load

import "math"

// Binomial is the exact probability that of n independent requests, each of which goes to a revision with
// probability p, at most k do.
func Binomial(n, k int, p float64) float64 {
	if k < 0 {
		return 0
	}
	if k >= n || p == 0 {
		return 1
	}
	if p == 1 {
		return 0
	}
	sum := 0.0
	for i := 0; i <= k; i++ {
		sum += math.Exp(logChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p))
	}
	return min(sum, 1)
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return a - b - c
}

// TwoSided is the probability of a count that is at least as far from the expected one, to either side, as k
// is: how often a split that is right would look as wrong as this.
func TwoSided(n, k int, p float64) float64 {
	expected := float64(n) * p
	distance := math.Abs(float64(k) - expected)
	low := int(math.Floor(expected - distance))
	high := int(math.Ceil(expected + distance))
	return min(Binomial(n, low, p)+1-Binomial(n, high-1, p), 1)
}
