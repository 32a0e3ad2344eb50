package terminal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/kservegen/kservegen/pkg/chat"
)

// conversation is what /save writes as JSON.
type conversation struct {
	Model  string `json:"model"`
	System string `json:"system,omitempty"`
	Turns  []turn `json:"turns"`
}

// save writes the conversation, whole or not at all, for its user alone. A file that another wrote is not overwritten.
func (s *Session) save(name string) {
	switch {
	case name == "":
		s.say("Into which file? /save talk.md, or /save talk.json")
		return
	case len(s.turns) == 0:
		s.say("Nothing was said yet.")
		return
	}
	if _, err := os.Lstat(name); name != s.saved && !errors.Is(err, fs.ErrNotExist) {
		s.say("%s is there already; another name, please.", name)
		return
	}
	data, err := s.written(name)
	if err == nil {
		err = writeWhole(name, data)
	}
	if err != nil {
		s.fail(err)
		return
	}
	s.saved = name
	s.say("%s has the conversation.", name)
}

func (s *Session) written(name string) ([]byte, error) {
	if strings.HasSuffix(name, ".json") {
		return chat.JSON(conversation{s.Question.Model, s.System, s.turns})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# A talk with %s\n", s.Question.Model)
	if s.System != "" {
		fmt.Fprintf(&b, "\nSystem prompt:\n\n%s\n", quoted(s.System))
	}
	for _, t := range s.turns {
		fmt.Fprintf(&b, "\n## Question\n\n%s\n\n## Answer\n\n", t.Question)
		if t.Answer.Reasoning != "" {
			fmt.Fprintf(&b, "Reasoning:\n\n%s\n\n", quoted(strings.TrimSpace(t.Answer.Reasoning)))
		}
		fmt.Fprintf(&b, "%s\n\n", t.Answer.Content)
		for _, call := range t.Answer.ToolCalls {
			fmt.Fprintf(&b, "Tool call: `%s %s`\n\n", call.Name, call.Arguments)
		}
		fmt.Fprintf(&b, "(%s)\n", t.Answer.Summary())
		if t.Answer.Error != nil {
			fmt.Fprintf(&b, "\n(%s)\n", t.Answer.Error.Message)
		}
	}
	return []byte(chat.Plain(b.String())), nil
}

func quoted(text string) string { return "> " + strings.ReplaceAll(text, "\n", "\n> ") }

// writeWhole puts a file in place by renaming, so that there is never half of one.
func writeWhole(name string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".kservegen-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
	}
	return err
}
