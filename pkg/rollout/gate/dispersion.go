package gate

import "math"

// batches are the numbers of blocks that are taken together to see how events cluster: what comes in waves of some minutes looks
// independent from block to block, and is not from batch to batch.
func batches() []int { return []int{1, 2, 4} }

// fewest is how many batches say anything of how they vary.
const fewest = 3

// dispersion is by how many times the events vary more from block to block than independent requests would, at least 1, and with
// something on top: few blocks may look calm by chance. A real difference between the revisions does not count.
func (m metric) dispersion(pairs []pair, expect model) float64 {
	ratio := ratioOf(pairs, m.rate)
	return worst(pairs, m.early(), func(p pair) (mean, variance float64) { return expect(p, ratio) })
}

// dispersionOwn is that of the canary's own share.
func (m metric) dispersionOwn(pairs []pair) float64 {
	sum := total(pairs).canary
	share := (sum.Events + .5) / (sum.Of + 1)
	return worst(pairs, m.early(), func(p pair) (mean, variance float64) { return share * p.canary.Of, share * (1 - share) * p.canary.Of })
}

// early is what is taken at least before there are blocks enough to tell: what comes in clumps looks like a fault for some minutes.
// Times do more than counts: a wave of load on one revision alone makes all of its requests slower. What is far worse fails all
// the same.
func (m metric) early() float64 {
	if m.histogram != nil {
		return 8
	}
	return 3
}

func worst(pairs []pair, early float64, expect func(pair) (mean, variance float64)) float64 {
	found := 1.0
	if len(pairs) < manyBlocks {
		found = early
	}
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
	return squares / (number - 1) * certain(number, size)
}

// certain is what a variance that was estimated from so many values is multiplied with: a standard error more, and several where
// they are few. Batches of blocks are there to find waves, and add nothing where there are none.
func certain(number float64, size int) float64 {
	if size > 1 {
		return 1
	}
	return 1 + math.Sqrt(2/(number-1))*(1+6/number)
}
