package kserve

import (
	"fmt"
	"strings"

	"github.com/kservegen/kservegen/pkg/manifest"
)

// argList is a server's command line by flag, each with the comment that explains it.
type argList struct {
	items []argItem
}

type argItem struct {
	name    string
	words   []string
	comment string
}

// newArgList reads a runtime's args and takes their comments over; comment puts them back at their new place.
func newArgList(args []string, comments manifest.Comments) *argList {
	list := &argList{}
	for i, arg := range args {
		pointer := fmt.Sprintf("%s/%d", argsPointer, i)
		list.items = append(list.items, argItem{flagName(arg), []string{arg}, comments.At[pointer]})
		comments.Drop(pointer)
	}
	return list
}

// flagName is the name in --name=value, empty for a bare word.
func flagName(arg string) string {
	if !strings.HasPrefix(arg, "--") {
		return ""
	}
	name, _, _ := strings.Cut(arg[2:], "=")
	return name
}

// set replaces a flag in its place or appends it; no words remove it.
func (l *argList) set(name string, words []string, why string) {
	for i := range l.items {
		if l.items[i].name != name {
			continue
		}
		l.items[i].words = words
		if why != "" {
			l.items[i].comment = why
		}
		return
	}
	l.items = append(l.items, argItem{name, words, why})
}

func (l *argList) values() []string {
	var values []string
	for _, item := range l.items {
		values = append(values, item.words...)
	}
	return values
}

func (l *argList) comment(comments manifest.Comments) {
	index := 0
	for _, item := range l.items {
		if item.comment != "" && len(item.words) > 0 {
			comments.At[fmt.Sprintf("%s/%d", argsPointer, index)] = item.comment
		}
		index += len(item.words)
	}
}
