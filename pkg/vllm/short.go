package vllm

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/catalog"
)

var shortWord = regexp.MustCompile(`^-[A-Za-z][A-Za-z0-9_-]+$`)

// JudgeShort says what is wrong with a word of a command line that begins with one dash; nil for nothing. argparse takes a flag's
// short names, what one of them begins with, and the value behind a name of one letter (-q8), and vLLM -O3 before it; at other words
// the server stops.
func (r *Release) JudgeShort(word string) *Verdict {
	name, _, _ := strings.Cut(word, "=")
	name, _, _ = strings.Cut(name, ".")
	if !shortWord.MatchString(name) || strings.HasPrefix(name, "-O") || r.hasShort(func(short string) bool { return strings.HasPrefix(short, name) || short == name[:2] }) {
		return nil
	}
	hint := ""
	if long := strings.ReplaceAll(name[1:], "_", "-"); r.names[long].flag != nil {
		hint = "; did you mean --" + long + "?"
	}
	return r.certain(&Verdict{Unknown, fmt.Sprintf("%s has no %s%s", r, name, hint)})
}

// hasShort reports whether a flag has a name of one dash that is so, in the release or the one after it that it may be.
func (r *Release) hasShort(is func(name string) bool) bool {
	return slices.ContainsFunc(r.table.Flags, func(flag catalog.VLLMFlag) bool {
		for _, release := range []string{r.Measured, r.next} {
			form := formIn(&flag, release, r.table.Releases)
			if form != nil && slices.ContainsFunc(form.Aliases, func(alias string) bool { return !strings.HasPrefix(alias, "--") && is(alias) }) {
				return true
			}
		}
		return false
	})
}
