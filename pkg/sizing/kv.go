package sizing

import (
	"fmt"
	"slices"
	"strings"
)

// cacheElement is the bytes of one element of the cache; 0 bytes never.
func cacheElement(dtype string, a *Architecture) (float64, error) {
	switch {
	case dtype == "" || dtype == "auto":
		return float64(a.ElementBytes), nil
	case dtype == "bfloat16" || dtype == "float16" || dtype == "half":
		return 2, nil
	case strings.HasPrefix(dtype, "fp8") || strings.HasPrefix(dtype, "int8"):
		return 1, nil
	case dtype == "nvfp4":
		// Half a byte, and one byte of scale for 16 elements (vllm/v1/kv_cache_interface.py).
		return 0.5 + 1.0/16, nil
	}
	return 0, fmt.Errorf("kv-cache-dtype %q is unknown; auto, bfloat16, float16, fp8, fp8_e4m3, fp8_e5m2, int8_per_token_head, nvfp4", dtype)
}

// layout is how the engine cuts the cache of one GPU into blocks: groups of layers of one kind, which take their blocks
// from one pool, all blocks being of one size (vllm/v1/core/kv_cache_utils.py).
type layout struct {
	// perToken is the bytes that one full layer keeps of a token on one GPU.
	perToken float64
	// block and slidingBlock are the tokens of a block of either kind, blockBytes what it takes in all layers of a group.
	block, slidingBlock int64
	blockBytes          float64
	// full, sliding and linear count groups.
	full, sliding, linear int64
	// inFlight is the tokens that a sliding group keeps besides its window.
	window, inFlight int64
	// contextParallel ranks share the tokens of a sequence.
	contextParallel int64
}

// perTokenLayer is the bytes that an attention layer keeps of one token on one GPU.
func (s Settings) perTokenLayer(a *Architecture) float64 {
	element, err := cacheElement(s.KVCacheDType, a)
	if err != nil {
		element = 2
	}
	if a.Latent != nil && !s.latent() {
		// Before latent attention: keys and values of every head, padded to a power of two.
		padded := int64(64)
		for padded < max(a.Latent.Nope+a.Latent.Rope, a.Latent.Value) {
			padded *= 2
		}
		return s.headBytes(a.Heads, 2*padded, element)
	}
	if a.Latent != nil {
		bytes := float64(a.Latent.KVRank+a.Latent.Rope) * element
		if a.IndexerDim > 0 {
			// Sparse attention packs an fp8 latent with its scales, and keeps the indexer's keys beside it.
			if element == 1 {
				bytes = 656
			}
			bytes += float64(a.IndexerDim + a.IndexerDim/128*4)
		}
		return bytes
	}
	if a.GlobalHeadDim > 0 {
		return s.headBytes(a.GlobalKVHeads, 2*a.GlobalHeadDim, element)
	}
	return s.headBytes(a.KVHeads, a.HeadDim+a.ValueDim, element)
}

// headBytes is keys and values of one token; few heads are copied where there are more ranks.
func (s Settings) headBytes(heads, dims int64, element float64) float64 {
	heads = max(1, heads/s.TensorParallel)
	bytes := float64(heads*dims) * element
	if strings.HasSuffix(s.KVCacheDType, "per_token_head") {
		bytes += float64(2 * heads * 4)
	}
	return bytes
}

// latent says whether that version keeps latents instead of keys and values.
func (s Settings) latent() bool { return s.Version.atLeast(7, 1) }

// hybrid says whether that version gives layers of different kinds blocks of their own (v1/core/kv_cache_utils.py).
func (s Settings) hybrid() bool { return s.Version.atLeast(9, 1) && !s.PlainCache && !s.firstEngine() }

// layoutOf lays out the layers of one pipeline stage, which begins with layer first.
func (s Settings) layoutOf(a *Architecture, kinds []LayerKind, first, draft int64) layout {
	l := layout{
		perToken: s.perTokenLayer(a), block: s.BlockSize, window: a.Window,
		inFlight: s.MaxBatchedTokens, contextParallel: s.ContextParallel,
	}
	full, sliding, linear := countKinds(kinds)
	full += draft
	if len(a.CompressRatios) > 0 {
		l.perToken, full, sliding = compressed(a, first, int64(len(kinds))), 1, 0
	}
	if sliding > 0 && full > 0 && !s.hybrid() {
		full, sliding = full+sliding, 0
	}
	if linear > 0 {
		l.fitState(a, s)
	}
	l.slidingBlock = l.block
	if a.GlobalHeadDim > 0 && sliding > 0 {
		l.evenPages(s, a)
	}
	size := s.groupSize(full, sliding, linear)
	l.blockBytes = float64(size) * float64(l.block) * l.perToken
	l.full, l.sliding, l.linear = ceilDiv(full, size), ceilDiv(sliding, size), ceilDiv(linear, size)
	return l
}

func countKinds(kinds []LayerKind) (full, sliding, linear int64) {
	for _, kind := range kinds {
		switch kind {
		case Full:
			full++
		case Sliding:
			sliding++
		case Linear:
			linear++
		case Shared, Stateless:
		}
	}
	return full, sliding, linear
}

// groupSize is the layers that share a block: the smallest count of a kind, or the largest where that wastes little.
func (s Settings) groupSize(counts ...int64) int64 {
	var smallest, largest int64
	for _, n := range counts {
		if n > 0 && (smallest == 0 || n < smallest) {
			smallest = n
		}
		largest = max(largest, n)
	}
	waste := 1.0
	switch {
	case s.Version.atLeast(20, 0):
		waste = 1.5
	case s.Version.atLeast(12, 0):
		waste = 1.25
	}
	if float64(largest) < float64(smallest)*waste {
		return max(largest, 1)
	}
	return max(smallest, 1)
}

// fitState makes the block of attention as large as a state, which is what the engine does so that all blocks are of
// one size (vllm/platforms/interface.py). Without attention a block is a state, whatever the length.
func (l *layout) fitState(a *Architecture, s Settings) {
	state := float64(a.State.Convolution*a.ElementBytes+a.State.Recurrent*a.State.RecurrentBytes) / float64(s.TensorParallel)
	if a.count(Full)+a.count(Sliding) == 0 {
		l.perToken = max(state, 1) / float64(l.block)
		return
	}
	l.block = max(l.block, roundUp(int64(state/l.perToken)+1, 16))
}

// evenPages makes blocks of both kinds one size where their layers keep different amounts of a token (Gemma 4): the
// kind that keeps less gets more tokens to a block.
func (l *layout) evenPages(s Settings, a *Architecture) {
	element, err := cacheElement(s.KVCacheDType, a)
	if err != nil {
		return
	}
	windowed := s.headBytes(a.KVHeads, a.HeadDim+a.ValueDim, element)
	page := float64(l.block) * max(windowed, l.perToken)
	l.slidingBlock = max(int64(page/windowed), 1)
	l.block = max(int64(page/l.perToken), 1)
}

const (
	// stateBytes of a compressed state: 448 elements of one byte, 64 rotated ones of two, and 8 scales
	// (vllm/models/deepseek_v4/attention.py).
	stateBytes = 584
	// indexBytes of an indexer's key: 128 elements and a float32 scale.
	indexBytes = 132
)

// compressed is the bytes per token over some layers of a model that keeps one state for several tokens. With DeepSeek
// V4 each compressed layer keeps its own, and an indexer's key where four tokens share one; with V4.1 only the layers
// that others read from do (vllm/models/deepseek_v41/attention.py). The windows of the layers are left out.
func compressed(a *Architecture, first, layers int64) float64 {
	var bytes float64
	for i := first; i < first+layers; i++ {
		ratio := float64(a.CompressRatios[min(i, int64(len(a.CompressRatios)-1))])
		switch {
		case ratio < 1:
		case len(a.KVSources) > 0:
			if slices.Contains(a.KVSources, i) {
				bytes += stateBytes / ratio
			}
			if slices.Contains(a.IndexSources, i) {
				bytes += indexBytes / ratio
			}
		case ratio == 4:
			bytes += (stateBytes + indexBytes) / ratio
		case ratio > 1:
			bytes += stateBytes / ratio
		}
	}
	return max(bytes, 1)
}

// blocks is what one sequence of that many tokens takes.
func (l layout) blocks(tokens int64) int64 {
	tokens = ceilDiv(tokens, l.contextParallel)
	n := l.full*ceilDiv(tokens, l.block) + l.linear
	if l.sliding > 0 {
		n += l.sliding * (ceilDiv(min(l.window-1+l.inFlight, tokens), l.slidingBlock) + 1)
	}
	return max(n, 1)
}

// pool is how many blocks fit into so many bytes.
func (l layout) pool(bytes float64) int64 {
	if bytes <= 0 || l.blockBytes <= 0 {
		return 0
	}
	return int64(bytes / l.blockBytes)
}

// tokens is the size of the cache as that version logs it: blocks shared evenly by the groups up to 0.19, later the
// longest sequence times how many of them fit.
func (l layout) tokens(s Settings, pool, length int64) int64 {
	if s.Version.atLeast(20, 2) {
		return int64(float64(pool) / float64(l.blocks(length)) * float64(length))
	}
	groups := max(l.full+l.sliding+l.linear, 1)
	return pool / groups * min(l.block, l.slidingBlock) * l.contextParallel
}

// longest is the most tokens of one sequence that fit into the pool, at most limit.
func (l layout) longest(pool, limit int64) int64 {
	low, high := int64(0), limit
	for low < high {
		middle := low + (high-low+1)/2
		if l.blocks(middle) <= pool {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low
}

// stages splits the layers over pipeline stages: what is left over goes to the stages before the last
// (vllm/distributed/utils.py).
func stages(kinds []LayerKind, parallel int64) [][]LayerKind {
	n := int64(len(kinds))
	sizes := make([]int64, parallel)
	for i := range sizes {
		sizes[i] = n / parallel
	}
	for i := range n % parallel {
		at := parallel - 2 - i
		if at < 0 {
			at += parallel
		}
		sizes[at]++
	}
	out := make([][]LayerKind, 0, parallel)
	for _, size := range sizes {
		out = append(out, slices.Clone(kinds[:size]))
		kinds = kinds[size:]
	}
	return out
}
