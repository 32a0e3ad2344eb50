package plan

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/kservegen/kservegen/pkg/sizing"
)

// Log is what a start-up log of vLLM says of memory. Zero is not logged; Has tells where zero could be meant.
type Log struct {
	Version string
	// Flags are those that were not left at their defaults, as vLLM logs them.
	Flags map[string]string

	WeightsGiB, ActivationGiB, NonTorchGiB, GraphsGiB float64
	KVCacheGiB                                        float64
	HasKVCache                                        bool
	KVTokens                                          int64
	Concurrency                                       float64
	// TotalGiB is the memory of the GPU, which the first engine (V0) logs.
	TotalGiB float64
	// FirstEngine says that it is V0, which releases from 0.8 to 0.10 fall back to.
	FirstEngine bool
	// Failed is the line that ended the start.
	Failed string
}

// logLines bounds what is read of a log; a start-up has a few thousand.
const logLines = 1_000_000

// logPattern is a line that is looked for. Units stand close or apart, by release, "memory" is optional, and 0.6 writes GB for
// GiB. Lines may have prefixes and colours.
type logPattern struct {
	pattern *regexp.Regexp
	set     func(l *Log, match []string)
}

func logPatterns() []logPattern {
	number := func(target func(*Log) *float64) func(*Log, []string) {
		return func(l *Log, match []string) { *target(l) = max(*target(l), parseNumber(match[1])) }
	}
	return []logPattern{
		{regexp.MustCompile(`(?:API server version|LLM engine \(v?)\s*([0-9]+\.[0-9]+[0-9.a-z+]*)`), func(l *Log, m []string) { l.Version = m[1] }},
		{regexp.MustCompile(`Initializing a V0 LLM engine`), func(l *Log, _ []string) { l.FirstEngine = true }},
		{regexp.MustCompile(`non-default args: (.*)`), func(l *Log, m []string) { readArguments(l.Flags, m[1], true) }},
		{regexp.MustCompile(`args: Namespace\((.*)\)`), func(l *Log, m []string) { readArguments(l.Flags, m[1], true) }},
		{regexp.MustCompile(`LLM engine \(v[^)]*\) with config: (.*)`), func(l *Log, m []string) { readArguments(l.Flags, resolved(m[1]), false) }},
		{regexp.MustCompile(`(?:Model loading|Loading model weights) took ([0-9.]+) ?Gi?B`), number(func(l *Log) *float64 { return &l.WeightsGiB })},
		{regexp.MustCompile(`(?:torch peak memory increase:|PyTorch activation peak memory takes) ([0-9.]+) ?GiB`), number(func(l *Log) *float64 { return &l.ActivationGiB })},
		{regexp.MustCompile(`(?:non-torch forward increase memory:|non_torch_memory takes) ([0-9.]+) ?GiB`), number(func(l *Log) *float64 { return &l.NonTorchGiB })},
		{regexp.MustCompile(`total_gpu_memory \(([0-9.]+) ?GiB\)`), number(func(l *Log) *float64 { return &l.TotalGiB })},
		{regexp.MustCompile(`(?:Estimated CUDA graph memory:|Graph capturing finished in [0-9.]+ secs?, took) ([0-9.]+) ?GiB`), func(l *Log, m []string) {
			if l.GraphsGiB == 0 {
				l.GraphsGiB = parseNumber(m[1])
			}
		}},
		{regexp.MustCompile(`(?:Available KV cache memory:|memory reserved for KV Cache is) (-?[0-9.]+) ?GiB`), readAvailable},
		{regexp.MustCompile(`# (?:GPU|cuda|rocm) blocks: ([0-9]+)`), readBlocks},
		{regexp.MustCompile(`KV cache size: ([0-9,]+) tokens`), func(l *Log, m []string) { l.KVTokens = smallest(l.KVTokens, int64(parseNumber(m[1]))) }},
		{regexp.MustCompile(`aximum concurrency for [0-9,]+ tokens per request: ([0-9.]+)x`), number(func(l *Log) *float64 { return &l.Concurrency })},
		{regexp.MustCompile(`(No available memory for the cache blocks|To serve at least one request with the model.*|The model's max seq len.*is larger than the maximum number of tokens.*|CUDA out of memory.*|Free memory on device.*is less than desired.*)`), func(l *Log, m []string) { l.Failed = strings.TrimSpace(m[1]) }},
	}
}

// readBlocks turns blocks of the first engine (V0) into tokens.
func readBlocks(l *Log, m []string) {
	size := int64(16)
	if n, err := sizing.ParseCount(l.Flags["block-size"]); err == nil && n > 0 {
		size = n
	}
	l.KVTokens = smallest(l.KVTokens, int64(parseNumber(m[1]))*size)
}

// readAvailable keeps the smallest of the workers: the block count is the minimum over them.
func readAvailable(l *Log, m []string) {
	n := parseNumber(m[1])
	if !l.HasKVCache || n < l.KVCacheGiB {
		l.KVCacheGiB = n
	}
	l.HasKVCache = true
}

func smallest(old, n int64) int64 {
	if old == 0 || n < old {
		return n
	}
	return old
}

func parseNumber(text string) float64 {
	n, err := strconv.ParseFloat(strings.TrimSuffix(strings.ReplaceAll(text, ",", ""), "."), 64)
	if err != nil {
		return 0
	}
	return n
}

// argument is an entry of the Python dictionary or namespace that vLLM prints.
var argument = regexp.MustCompile(`'?\b([a-z0-9_]+)'?(?:: |=)('[^']*'|"[^"]*"|\{[^{}]*\}|-?[0-9.]+\b|True|False)`)

// readArguments takes what is set; an object is turned into JSON. What is known already stays unless over is set.
func readArguments(flags map[string]string, text string, over bool) {
	for _, m := range argument.FindAllStringSubmatch(text, -1) {
		name, value := strings.ReplaceAll(m[1], "_", "-"), strings.Trim(m[2], `'"`)
		switch {
		case value == "True":
			value = "true"
		case value == "False":
			value = "false"
		case strings.HasPrefix(value, "{"):
			value = strings.NewReplacer("'", `"`, "True", "true", "False", "false", "None", "null").Replace(value)
		}
		if _, known := flags[name]; over || !known {
			flags[name] = value
		}
	}
}

// resolved keeps what the engine's own configuration says of memory, under the names of the flags.
func resolved(config string) string {
	names := map[string]string{
		"max_seq_len": "max_model_len", "tensor_parallel_size": "tensor_parallel_size", "pipeline_parallel_size": "pipeline_parallel_size",
		"data_parallel_size": "data_parallel_size", "enforce_eager": "enforce_eager",
	}
	var out []string
	for _, m := range argument.FindAllStringSubmatch(config, -1) {
		if name, ok := names[m[1]]; ok {
			out = append(out, name+"="+m[2])
		}
	}
	return strings.Join(out, ", ")
}

// ReadLog reads a log; one that says nothing of memory is an error.
func ReadLog(name string, r io.Reader) (Log, error) {
	l := Log{Flags: map[string]string{}}
	patterns := logPatterns()
	scanner := bufio.NewScanner(r)
	scanner.Buffer(make([]byte, 64<<10), 4<<20)
	for lines := 0; scanner.Scan() && lines < logLines; lines++ {
		for _, p := range patterns {
			if m := p.pattern.FindStringSubmatch(scanner.Text()); m != nil {
				p.set(&l, m)
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return l, fmt.Errorf("%s: %w", name, err)
	}
	if l.WeightsGiB == 0 && !l.HasKVCache && l.KVTokens == 0 && l.Failed == "" {
		return l, fmt.Errorf(`%s says nothing of memory: want the log of a start-up, with "Model loading took" and "Available KV cache memory"`, name)
	}
	return l, nil
}

// Apply sets what the log says of the version and the flags, where the caller has not.
func (l Log) Apply(s *sizing.Settings, given func(flag string) bool) error {
	for _, flag := range slices.Sorted(maps.Keys(l.Flags)) {
		value := l.Flags[flag]
		if given(flag) || strings.Contains(flag, "lora") && l.Flags["enable-lora"] != "true" {
			continue
		}
		if err := s.ApplyFlag(flag, value); err != nil {
			return err
		}
	}
	return nil
}

// Comparison is an estimate beside what a log says.
type Comparison struct {
	Part string `json:"part"`
	// Estimated and Logged are GiB per GPU, or tokens.
	Estimated float64 `json:"estimated"`
	Logged    float64 `json:"logged"`
	// Within says whether the fact is in the estimate's range.
	Within bool `json:"within"`
}

// Measured is what a document may say of a model that was started: GiB per GPU.
type Measured struct {
	WeightsGiB float64 `json:"weightsGiB,omitempty"`
	// OtherGiB is all but weights and cache.
	OtherGiB float64 `json:"otherGiB,omitempty"`
}

// Report is what comes of a log.
type Report struct {
	Parts     []Comparison `json:"parts"`
	Measured  Measured     `json:"measured"`
	Failed    string       `json:"failed,omitempty"`
	Surprises []string     `json:"surprises,omitempty"`
}

// Compare puts the log beside an answer.
func (l Log) Compare(a Answer) Report {
	r := Report{Failed: l.Failed}
	add := func(part, key string, estimated, logged float64, known bool) {
		if !known {
			return
		}
		amount := a.Explain[key]
		const rounding = 0.01 // the log has two digits
		within := logged >= amount.Low-rounding && logged <= amount.High+rounding
		r.Parts = append(r.Parts, Comparison{part, estimated, logged, within})
	}
	add("weights", "weightsGiB", a.WeightsGiB, l.WeightsGiB, l.WeightsGiB > 0)
	add("activations", "activationGiB", a.ActivationGiB, l.ActivationGiB, l.ActivationGiB > 0)
	add("outside PyTorch", "nonTorchGiB", a.NonTorchGiB, l.NonTorchGiB, l.NonTorchGiB > 0)
	add("CUDA graphs", "graphsGiB", a.GraphsGiB, l.GraphsGiB, l.GraphsGiB > 0)
	cache, cached := l.cache(a)
	add("KV cache", "kvCacheGiB", a.KVCacheGiB, cache, cached)
	if l.KVTokens > 0 && l.HasKVCache {
		perToken := l.KVCacheGiB * (1 << 30) / float64(l.KVTokens)
		near := math.Abs(perToken-a.KVBytesPerToken) <= 0.005*a.KVBytesPerToken
		r.Parts = append(r.Parts, Comparison{"KV bytes per token", a.KVBytesPerToken, round(perToken, 1), near})
	}
	if l.WeightsGiB > 0 {
		r.Measured.WeightsGiB = l.WeightsGiB
		if cached {
			r.Measured.OtherGiB = round(a.RequestedGiB-l.WeightsGiB-cache, 100)
		}
	}
	if l.FirstEngine {
		r.Surprises = append(r.Surprises, "the server fell back to vLLM's first engine (V0); the estimate is of the second, which profiles otherwise")
	}
	if l.Failed != "" == a.Fits {
		r.Surprises = append(r.Surprises, fmt.Sprintf("the estimate said that it fits: %t", a.Fits))
	}
	if r.Measured.OtherGiB < 0 {
		r.Surprises = append(r.Surprises, "weights and cache are more than was asked for: --gpu, --gpu-memory-gib or --gpu-memory-utilization differ from the server's")
		r.Measured.OtherGiB = 0
	}
	return r
}

// cache is the bytes that the log gives, in GiB; before 0.9.1 the second engine (V1) logs tokens only.
func (l Log) cache(a Answer) (gib float64, known bool) {
	if l.HasKVCache {
		return l.KVCacheGiB, true
	}
	return round(float64(l.KVTokens)*a.KVBytesPerToken/(1<<30), 100), l.KVTokens > 0
}

// WriteText prints the comparison for a person, and what to put in the document.
func (r Report) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\npart\testimated\tlogged\tdifference\t\n")
	for _, p := range r.Parts {
		note := ""
		if !p.Within {
			note = "  outside the range"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%+.2f\t%s\n", p.Part, trim(p.Estimated), trim(p.Logged), p.Logged-p.Estimated, note)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if r.Failed != "" {
		fmt.Fprintf(w, "the server failed: %s\n", r.Failed)
	}
	for _, s := range r.Surprises {
		fmt.Fprintf(w, "note: %s\n", s)
	}
	if r.Measured.WeightsGiB > 0 {
		fmt.Fprintf(w, "\nAs measured, per GPU, for this version, GPU and parallelism:\n\nspec:\n  model:\n    measured: {weightsGiB: %g, otherGiB: %g}\n", r.Measured.WeightsGiB, r.Measured.OtherGiB)
	}
	return nil
}
