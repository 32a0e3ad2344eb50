package rule

import (
	"cmp"
	"slices"
	"strings"
)

// Allows says whether an AuthorizationPolicy lets in what it matches; that is the default.
func Allows(policy *Object) bool {
	return cmp.Or(policy.Field("spec", "action").Text(), "ALLOW") == "ALLOW"
}

// Like says whether a pattern of Istio, with * at one of its ends, takes a value.
func Like(pattern, value string) bool {
	prefix, isPrefix := strings.CutSuffix(pattern, "*")
	suffix, isSuffix := strings.CutPrefix(pattern, "*")
	return pattern == value || isPrefix && strings.HasPrefix(value, prefix) || isSuffix && strings.HasSuffix(value, suffix)
}

// Opens says whether a rule of a NetworkPolicy has one of the ports, by number or name, of a protocol; a rule without ports has all.
func Opens(entry Value, protocol string, ports ...string) bool {
	for port := range entry.Field("ports").Items() {
		number := port.Field("port")
		if cmp.Or(port.Field("protocol").Text(), "TCP") != protocol {
			continue
		}
		if !number.Found() || slices.Contains(ports, number.Scalar()) || port.Field("endPort").Found() {
			return true
		}
	}
	return entry.Field("ports").Len() == 0
}
