package sizing

import "fmt"

// Source says how a number is known.
type Source string

const (
	// Measured is read from a log of a server, by the user or in the points of the accuracy table.
	Measured Source = "measured"
	// Code is computed as the code of that version of the engine computes it.
	Code Source = "code"
	// Published is what the maker or the model's files state.
	Published Source = "published"
	// Assumed is neither: a figure for what cannot be read, with a range.
	Assumed Source = "assumed"
)

// Amount is a number with what it is made of. Low and High bound it where it is not exact.
type Amount struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Formula is how it is computed, with its inputs filled in.
	Formula string `json:"formula"`
	Source  Source `json:"source"`
	// Where names the file of the engine, the log or the document.
	Where string `json:"where,omitempty"`
}

// exact is an amount without a range.
func exact(value float64, source Source, where, format string, args ...any) Amount {
	return Amount{Value: value, Low: value, High: value, Formula: fmt.Sprintf(format, args...), Source: source, Where: where}
}

// between is an amount with a range; a bound on the wrong side of the value is moved to it.
func between(value, low, high float64, source Source, where, format string, args ...any) Amount {
	return Amount{
		Value: value, Low: min(low, value), High: max(high, value),
		Formula: fmt.Sprintf(format, args...), Source: source, Where: where,
	}
}

const (
	gib = 1 << 30
	mib = 1 << 20
)

// toGiB turns bytes into GiB.
func toGiB(bytes float64) float64 { return bytes / gib }

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

func roundUp(a, to int64) int64 { return ceilDiv(a, to) * to }
