package gate

// Report is the verdict and what it stands on.
type Report struct {
	Verdict Verdict `json:"verdict"`
	// Reasons say in words why, one for each metric that failed, or that a pass still lacks.
	Reasons []string `json:"reasons"`
	// Blocks are those that were judged, after as many that were not.
	Blocks   int `json:"blocks"`
	Excluded int `json:"excluded"`
	// Baseline and Canary are how many requests each answered in the blocks that were judged.
	Baseline float64  `json:"baselineRequests"`
	Canary   float64  `json:"canaryRequests"`
	Metrics  []Result `json:"metrics"`
}

// Result is the verdict on one metric.
type Result struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	// Required metrics must pass for the whole to pass.
	Required bool `json:"required"`
	// Unit of Baseline and Canary, which are missing without data: the mean, share or, of a quantile, the interpolated value.
	Unit     string   `json:"unit"`
	Baseline *float64 `json:"baseline,omitempty"`
	Canary   *float64 `json:"canary,omitempty"`
	// Boundary in seconds at which requests are counted where a quantile is judged, and the shares above it.
	Boundary      *float64 `json:"boundarySeconds,omitempty"`
	BaselineAbove *float64 `json:"baselineAbove,omitempty"`
	CanaryAbove   *float64 `json:"canaryAbove,omitempty"`
	// Margin is by how much more than the baseline's is too much, 0.2 for 20 %; none where Limit is judged, which is the canary's
	// alone.
	Margin *float64 `json:"margin,omitempty"`
	Limit  *float64 `json:"limit,omitempty"`
	// Harmless is the level of the canary's own under which it passes however it compares.
	Harmless *float64 `json:"harmless,omitempty"`
	// Worse and Fine are always-valid p-values: the greatest probability that evidence as strong as this, at any time, would be
	// seen of a canary that is not worse, or of one that is worse by the margin.
	Worse float64 `json:"worseP"`
	Fine  float64 `json:"fineP"`
	// Dispersion is by how many times the counts vary more than independent requests would.
	Dispersion float64 `json:"dispersion,omitempty"`
	// FailedAfter is after how many judged blocks it failed, 0 where it did not.
	FailedAfter int `json:"failedAfter,omitempty"`
	// Note says why there is no verdict where more data would not give one.
	Note string `json:"note,omitempty"`
}
