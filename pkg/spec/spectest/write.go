package spectest

import (
	"fmt"
	"hash/fnv"
	"strings"
)

// writer lays a document out as YAML: block or flow style, quotes, indentation, comments and blank lines vary
// by seed and path.
type writer struct {
	seed uint64
}

// pick chooses one of n ways to write the node at a path; 0 is the plainest.
func (w *writer) pick(path, what string, n int) int {
	if w.seed == 0 {
		return 0
	}
	h := fnv.New64a()
	fmt.Fprint(h, w.seed, path, what)
	return int(h.Sum64() >> 20 % uint64(n))
}

// rarely is true once in n times.
func (w *writer) rarely(path, what string, n int) bool {
	return w.pick(path, what, n) == n-1 && w.seed != 0
}

func (w *writer) document(root *node) string {
	var lines []string
	if w.rarely("", "head", 3) {
		lines = append(lines, "# A comment – ändert nichts: {traffic: [1, 2]}", "")
	}
	if w.rarely("", "start", 4) {
		lines = append(lines, "---")
	}
	if w.rarely("", "flow root", 24) {
		lines = append(lines, w.flow(root, "", 2))
	} else {
		lines = append(lines, w.mapping(root, "", 0)...)
	}
	if w.rarely("", "end", 8) {
		lines = append(lines, "# the end")
	}
	newline := "\n"
	if w.rarely("", "crlf", 16) {
		newline = "\r\n"
	}
	document := strings.Join(lines, "\n")
	if !w.rarely("", "no newline", 10) {
		document += "\n"
	}
	return strings.ReplaceAll(document, "\n", newline)
}

func (w *writer) mapping(n *node, path string, indent int) []string {
	var lines []string
	for i, key := range n.keys {
		at := path + "/" + key
		if i > 0 && w.rarely(at, "blank", 12) {
			lines = append(lines, "")
		}
		if i > 0 && w.rarely(at, "comment", 12) {
			lines = append(lines, pad(indent)+"# weight: 7, the "+key+" of it — über alles")
		}
		lines = append(lines, w.field(key, n.items[i], at, indent)...)
	}
	return lines
}

func (w *writer) field(key string, n *node, path string, indent int) []string {
	start := pad(indent) + w.key(key, path) + ":"
	if n.kind != mapping && n.kind != list {
		return []string{start + w.gap(path) + w.scalar(n, path) + w.comment(path)}
	}
	if len(n.items) == 0 || w.isFlow(n, path) {
		return []string{start + w.gap(path) + w.flow(n, path, indent+4) + w.comment(path)}
	}
	start += w.comment(path)
	if n.kind == mapping {
		return append([]string{start}, w.mapping(n, path, indent+w.step(path))...)
	}
	return append([]string{start}, w.list(n, path, indent+2*w.pick(path, "dash", 2))...)
}

func (w *writer) list(n *node, path string, indent int) []string {
	var lines []string
	for i, item := range n.items {
		at := fmt.Sprintf("%s/%d", path, i)
		if i > 0 && w.rarely(at, "comment", 12) {
			lines = append(lines, "", pad(indent)+"# another")
		}
		switch {
		case item.kind == mapping && len(item.items) > 0 && !w.isFlow(item, at):
			inner := w.mapping(item, at, indent+2)
			inner[0] = pad(indent) + "- " + inner[0][indent+2:]
			lines = append(lines, inner...)
		case item.kind == mapping || item.kind == list:
			lines = append(lines, pad(indent)+"- "+w.flow(item, at, indent+4)+w.comment(at))
		default:
			lines = append(lines, pad(indent)+"- "+w.scalar(item, at)+w.comment(at))
		}
	}
	return lines
}

// isFlow likes flow style for small things, as people do.
func (w *writer) isFlow(n *node, path string) bool {
	leaves := true
	for _, item := range n.items {
		leaves = leaves && item.kind != mapping && item.kind != list
	}
	if leaves {
		return w.pick(path, "flow", 2) == 1
	}
	return w.rarely(path, "flow", 6)
}

func (w *writer) flow(n *node, path string, indent int) string {
	open, end := "{", "}"
	if n.kind == list {
		open, end = "[", "]"
	}
	separator := ", "
	if len(n.items) > 1 && w.rarely(path, "wrap", 6) {
		separator = ",\n" + pad(indent)
	}
	parts := make([]string, 0, len(n.items))
	for i, item := range n.items {
		at, part := fmt.Sprintf("%s/%d", path, i), ""
		if n.kind == mapping {
			at = path + "/" + n.keys[i]
			part = w.key(n.keys[i], at) + ": "
		}
		if item.kind == mapping || item.kind == list {
			part += w.flow(item, at, indent+2)
		} else {
			part += w.scalar(item, at)
		}
		parts = append(parts, part)
	}
	if w.rarely(path, "blanks", 6) {
		open, end = open+" ", " "+end
	}
	return open + strings.Join(parts, separator) + end
}

func (w *writer) step(path string) int { return []int{2, 2, 4, 3}[w.pick(path, "step", 4)] }

func (w *writer) gap(path string) string {
	if w.rarely(path, "gap", 12) {
		return "   "
	}
	return " "
}

func (w *writer) comment(path string) string {
	if w.rarely(path, "line comment", 12) {
		return " # 10, 'so' und \"so\""
	}
	return ""
}

func pad(n int) string { return strings.Repeat(" ", n) }
