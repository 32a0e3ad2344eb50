package manifest

import (
	"maps"
	"strconv"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Clone returns a deep copy whose maps are never nil.
func (c Comments) Clone() Comments {
	clone := Comments{Head: c.Head, At: map[string]string{}, Line: map[string]string{}}
	maps.Copy(clone.At, c.At)
	maps.Copy(clone.Line, c.Line)
	return clone
}

// Drop removes the comments of a field and of everything below it.
func (c Comments) Drop(pointer string) {
	for _, comments := range []map[string]string{c.At, c.Line} {
		maps.DeleteFunc(comments, func(at, _ string) bool {
			return at == pointer || strings.HasPrefix(at, pointer+"/")
		})
	}
}

// CommentsOf collects the comments of a document that was read. Each stands above its field afterwards, also
// where it stood at the end of the line: values may have changed length since.
func CommentsOf(n *yaml.Node) Comments {
	comments := Comments{}.Clone()
	collect(n, "", comments.At)
	return comments
}

func collect(n *yaml.Node, pointer string, at map[string]string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i], n.Content[i+1]
			below := pointer + "/" + EscapeToken(key.Value)
			addComments(at, below, key.HeadComment, key.LineComment, value.LineComment)
			collect(value, below, at)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			below := pointer + "/" + strconv.Itoa(i)
			addComments(at, below, item.HeadComment, item.LineComment)
			collect(item, below, at)
		}
	}
}

func addComments(at map[string]string, pointer string, texts ...string) {
	for _, text := range texts {
		if text = plainComment(text); text != "" {
			at[pointer] = strings.TrimPrefix(at[pointer]+"\n"+text, "\n")
		}
	}
}

// plainComment strips the number signs.
func plainComment(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimSpace(strings.TrimLeft(line, "#"))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
