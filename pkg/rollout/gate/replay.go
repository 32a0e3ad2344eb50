package gate

import "math"

// Replay is the verdict of one who looks after each block, until there is one, and after how many judged blocks it came.
func Replay(data Data, config Config) (verdict Verdict, after int, err error) {
	if err = config.Check(); err != nil {
		return Undecided, 0, err
	}
	if err = data.Check(); err != nil {
		return Undecided, 0, err
	}
	excluded, calibrated := calibration(data, config)
	judged := data.Blocks[excluded:]
	tests, err := plan(data, excluded, config)
	if err != nil {
		return Undecided, 0, err
	}
	many := max(reached(judged, float64(config.MinRequests), canaryOf), reached(judged, float64(config.MinRequests), baselineOf))
	for n := 1; n <= len(judged); n++ {
		passed := calibrated && n >= many
		for _, t := range tests {
			if t.failsAfter(n) {
				return Fail, n, nil
			}
			passed = passed && (!t.result.Required || t.passesAfter(n))
		}
		if passed {
			return Pass, n, nil
		}
	}
	return Undecided, len(judged), nil
}

func (t test) failsAfter(n int) bool {
	return t.worse != nil && n >= t.blocks && t.changed(n, t.worse) >= -math.Log(t.alpha) && t.fails(n)
}

func (t test) passesAfter(n int) bool {
	return t.worse != nil && n >= t.blocks && t.fine(0, n) >= -math.Log(t.beta)
}
