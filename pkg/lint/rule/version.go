package rule

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Version is a release. The zero Version is the newest one.
type Version struct{ Major, Minor, Patch int }

// ParseVersion reads 1.31, v0.20.0 and v0.33.0rc1.
func ParseVersion(text string) (Version, error) {
	var version Version
	parts := strings.SplitN(strings.TrimPrefix(text, "v"), ".", 3)
	for i, into := range []*int{&version.Major, &version.Minor, &version.Patch} {
		if i == len(parts) {
			break
		}
		digits := parts[i]
		if i == 2 {
			digits = leadingDigits(digits)
		}
		n, err := strconv.ParseUint(digits, 10, 16)
		if err != nil {
			return Version{}, fmt.Errorf("version %q is not of the form 1.2.3", text)
		}
		*into = int(n)
	}
	if len(parts) < 2 {
		return Version{}, fmt.Errorf("version %q is not of the form 1.2.3", text)
	}
	return version, nil
}

func leadingDigits(s string) string {
	for i, c := range s {
		if c < '0' || c > '9' {
			return s[:i]
		}
	}
	return s
}

// Before orders releases; nothing is after the newest.
func (v Version) Before(other Version) bool {
	if v == (Version{}) {
		return false
	}
	if other == (Version{}) {
		return true
	}
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor), cmp.Compare(v.Patch, other.Patch)) < 0
}

func (v Version) String() string {
	if v == (Version{}) {
		return "newest"
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
}

// Product is software whose version decides whether a rule holds.
type Product string

// Products.
const (
	KServe     Product = "KServe"
	Istio      Product = "Istio"
	Kubernetes Product = "Kubernetes"
)

// Versions of what runs in the cluster; a missing one is the newest.
type Versions map[Product]Version

// Range holds from Since, up to and without Until; either may be zero.
type Range struct {
	Product      Product
	Since, Until Version
}

func (r Range) contains(versions Versions) bool {
	version := versions[r.Product]
	if r.Since != (Version{}) && version.Before(r.Since) {
		return false
	}
	return r.Until == (Version{}) || version.Before(r.Until)
}

func (r Range) String() string {
	text := string(r.Product)
	if r.Since != (Version{}) {
		text += " from " + r.Since.String()
	}
	if r.Until != (Version{}) {
		text += " before " + r.Until.String()
	}
	return text
}
