package finding

// Rule is what a code stands for: what `explain` prints and a SARIF log lists. Texts are whole sentences.
type Rule struct {
	// Code as in Finding.Code.
	Code string
	// Level of its findings where a finding does not say another.
	Level Level
	// Title in a few words, without a period.
	Title string
	// Why it matters, and Fix, what to do about it.
	Why, Fix string
	// Since is the version of KServe, Istio or Kubernetes from which on it holds; empty where it always does.
	Since string
	// Reference is the URL of the upstream issue or source; may be empty.
	Reference string
}
