package gate

import "math"

// batches are the numbers of blocks that are taken together to see how events cluster: what comes in waves of some minutes looks
// independent from block to block, and is not from batch to batch.
func batches() []int { return []int{1, 2, 4} }

// fewest is how many batches say anything of how they vary.
const fewest = 3

// dispersion is by how many times the events vary more from block to block than independent requests would, at least 1, and with
// one standard error on top: few blocks may look calm by chance. A real difference between the revisions does not count.
func dispersion(pairs []pair, m model, poisson bool) float64 {
	ratio := ratioOf(pairs, poisson)
	return worst(pairs, func(p pair) (mean, variance float64) { return m(p, ratio) })
}

// dispersionOwn is that of the canary's own share.
func dispersionOwn(pairs []pair) float64 {
	sum := total(pairs).canary
	share := (sum.Events + .5) / (sum.Of + 1)
	return worst(pairs, func(p pair) (mean, variance float64) { return share * p.canary.Of, share * (1 - share) * p.canary.Of })
}

func worst(pairs []pair, expect func(pair) (mean, variance float64)) float64 {
	found := 1.0
	for _, size := range batches() {
		if len(pairs)/size >= fewest {
			found = max(found, spread(pairs, size, expect))
		}
	}
	return found
}

// spread is Pearson's statistic over batches of blocks, per degree of freedom.
func spread(pairs []pair, size int, expect func(pair) (mean, variance float64)) float64 {
	squares, number := 0.0, 0.0
	for i := 0; i+size <= len(pairs); i += size {
		distance, variance := 0.0, 0.0
		for _, p := range pairs[i : i+size] {
			mean, v := expect(p)
			distance += p.canary.Events - mean
			variance += v
		}
		if variance > 1e-9 {
			squares += distance * distance / variance
			number++
		}
	}
	if number < fewest {
		return 1
	}
	return squares / (number - 1) * certain(number)
}

// certain is what a variance that was estimated from so many values is multiplied with: a standard error more.
func certain(number float64) float64 { return 1 + math.Sqrt(2/(number-1)) }
