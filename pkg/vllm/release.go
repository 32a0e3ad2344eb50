package vllm

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/kservegen/kservegen/pkg/catalog"
)

// Release is what one release of vLLM takes and exports.
type Release struct {
	// Asked is the version that was asked for, without its v; Measured the release that stands for it, the nearest one
	// below of those that were read.
	Asked, Measured string
	// next is the release read after Measured, empty where Asked is Measured or there is none. What came or went between
	// the two may be there or not.
	next string
	// newer is set where Asked is newer than all that were read.
	newer bool
	// extended is set where the image may add to the release.
	extended bool
	table    *catalog.VLLM
	names    map[string]named
}

// named is what a name of a flag stands for.
type named struct {
	flag *catalog.VLLMFlag
	form *catalog.FlagForm
	// off is set for a name that turns a switch off.
	off bool
}

// measured holds the names of every release that was read, made when they are first asked for.
var measured = sync.OnceValues(func() (map[string]func() map[string]named, error) {
	table, err := catalog.VLLMReleases()
	if err != nil {
		return nil, err
	}
	all := map[string]func() map[string]named{}
	for _, release := range table.Releases {
		all[release] = sync.OnceValue(func() map[string]named { return namesOf(table, release) })
	}
	return all, nil
})

// namesOf lists the names with two dashes, without them.
func namesOf(table *catalog.VLLM, release string) map[string]named {
	names := map[string]named{}
	for i := range table.Flags {
		flag := &table.Flags[i]
		form := formIn(flag, release, table.Releases)
		if form == nil {
			continue
		}
		names[flag.Name] = named{flag, form, false}
		for _, alias := range form.Aliases {
			if name, long := strings.CutPrefix(alias, "--"); long {
				names[name] = named{flag, form, false}
			}
		}
		for _, inverse := range form.Inverses {
			names[strings.TrimPrefix(inverse, "--")] = named{flag, form, true}
		}
	}
	return names
}

func formIn(flag *catalog.VLLMFlag, release string, all []string) *catalog.FlagForm {
	for i := range flag.Forms {
		if flag.Forms[i].In.Has(release, all) {
			return &flag.Forms[i]
		}
	}
	return nil
}

// Find returns the release that an image's tag names: v0.33.0, 0.10.1.1, v0.33.0-x86_64. False for a tag that names none,
// or one older than all that were read.
func Find(tag string) (*Release, bool, error) {
	asked, ok := parse(tag)
	if !ok {
		return nil, false, nil
	}
	table, err := catalog.VLLMReleases()
	if err != nil {
		return nil, false, fmt.Errorf("reading what vLLM's releases know: %w", err)
	}
	below := -1
	for i, release := range table.Releases {
		if version, _ := parse(release); slices.Compare(version.numbers, asked.numbers) <= 0 {
			below = i
		}
	}
	if below < 0 {
		return nil, false, nil
	}
	names, err := measured()
	if err != nil {
		return nil, false, err
	}
	found := &Release{Asked: asked.text, Measured: table.Releases[below], table: table, names: names[table.Releases[below]]()}
	if version, _ := parse(found.Measured); asked.early || slices.Compare(version.numbers, asked.numbers) != 0 {
		found.newer = below == len(table.Releases)-1
		if !found.newer {
			found.next = table.Releases[below+1]
		}
	}
	return found, true, nil
}

// String names the release to people, and what stands for it where that is another.
func (r *Release) String() string {
	if r.next == "" && !r.newer {
		return "vLLM " + r.Asked
	}
	return fmt.Sprintf("vLLM %s (judged by %s)", r.Asked, r.Measured)
}

// version is a version in a tag; early is set for what comes before the release of these numbers.
type version struct {
	text    string
	numbers []int
	early   bool
}

var versionText = regexp.MustCompile(`^v?(\d{1,4}(?:\.\d{1,4}){1,7})(\.post\d{1,4})?((?:a|b|rc|\.dev)\d+)?(?:[-+_].*)?$`)

// parse reads the version that a tag begins with. Dates and words are none, and a post-release is the release again.
func parse(tag string) (version, bool) {
	match := versionText.FindStringSubmatch(tag)
	if match == nil {
		return version{}, false
	}
	found := version{text: match[1] + match[2] + match[3], early: match[3] != ""}
	for part := range strings.SplitSeq(match[1], ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return version{}, false
		}
		found.numbers = append(found.numbers, n)
	}
	return found, true
}
