package terminal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/chat"
	"github.com/kservegen/kservegen/pkg/suggest"
)

// about is what a command takes and does.
type about struct{ name, takes, does string }

func commands() []about {
	return []about{
		{"help", "", "this"},
		{"model", "[NAME]", "list the models that the server has, or talk to another"},
		{"system", "[TEXT]", "show the system prompt, or set it; - for none"},
		{"revision", "[NAME]", "list the revisions, or ask one by its testers' header; - for whichever the weights give"},
		{"compare", "[A B] [PROMPT]", "ask two revisions the same, side by side; without a prompt the last one"},
		{"think", "[on|off]", "show what the model thought last; on shows it as it comes"},
		{"retry", "", "ask the last question again, in the place of its answer"},
		{"new", "", "begin a new conversation"},
		{"save", "FILE", "write the conversation: JSON where the name ends with .json, Markdown else"},
		{"quit", "", "leave, as Ctrl-D does"},
	}
}

// command parts a line that is one. Two slashes begin a prompt that begins with one.
func command(line string) (name, rest string, is bool) {
	if !strings.HasPrefix(line, "/") || strings.HasPrefix(line, "//") {
		return "", "", false
	}
	name, rest, _ = strings.Cut(strings.TrimPrefix(line, "/"), " ")
	return name, strings.TrimSpace(rest), true
}

// Complete finishes a command, or the name of a revision.
func (s *Session) Complete(line string) string {
	if name, rest, is := command(line); is && name == "revision" && strings.Contains(line, " ") {
		return "/revision " + completed(rest, s.names())
	}
	var names []string
	for _, c := range commands() {
		names = append(names, "/"+c.name)
	}
	if !strings.HasPrefix(line, "/") {
		return line
	}
	return completed(line, names)
}

// completed is the only word that begins so, else the begin.
func completed(begin string, words []string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return !strings.HasPrefix(w, begin) })
	if len(words) != 1 {
		return begin
	}
	return words[0]
}

func (s *Session) command(ctx context.Context, name, rest string) {
	switch name {
	case "help":
		s.help()
	case "model":
		s.model(ctx, rest)
	case "system":
		s.system(rest)
	case "revision":
		s.revision(rest)
	case "compare":
		s.compare(ctx, rest)
	case "think":
		s.think(rest)
	case "retry":
		s.retry(ctx)
	case "new":
		s.turns = nil
		s.say("A new conversation.")
	case "save":
		s.save(rest)
	default:
		s.unknown(name)
	}
}

func (s *Session) help() {
	for _, c := range commands() {
		s.say("%-24s %s", "/"+c.name+" "+c.takes, c.does)
	}
	s.say("%-24s %s", "Ctrl-C", "stop the answer; twice at an empty prompt leaves")
	s.say("%-24s %s", `a \ at the end of a line`, "goes on in the next; // begins a prompt that begins with /")
}

func (s *Session) unknown(name string) {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	if meant := suggest.Nearest(name, names); meant != "" {
		s.say("There is no /%s; did you mean /%s? /help lists what there is.", name, meant)
		return
	}
	s.say("There is no /%s; /help lists what there is. // begins a prompt that begins with /.", name)
}

func (s *Session) model(ctx context.Context, name string) {
	if name != "" {
		s.Question.Model = name
		s.say("Now %s answers.", name)
		return
	}
	var models []string
	var err error
	s.answering(ctx, func(ctx context.Context) { models, err = s.Asker.Models(ctx) })
	if err != nil {
		s.fail(err)
		return
	}
	for _, model := range models {
		s.say("%s%s", model, mark(model == s.Question.Model))
	}
}

func mark(current bool) string {
	if current {
		return "  (this one)"
	}
	return ""
}

func (s *Session) system(text string) {
	switch text {
	case "":
	case "-":
		s.System = ""
	default:
		s.System = text
	}
	if s.System == "" {
		s.say("There is no system prompt.")
		return
	}
	s.say("The system prompt: %s", s.System)
}

func (s *Session) revision(name string) {
	switch {
	case name == "" && len(s.names()) == 0:
		s.say("Nothing is known of revisions: only a document or a cluster says which there are.")
	case name == "":
		for _, r := range s.Asker.Revisions() {
			s.say("%s%s", describe(r), mark(r.Name == s.Question.Revision))
		}
	case name == "-":
		s.Question.Revision = ""
		s.say("Whichever the weights give answers.")
	case !s.knows(name):
		s.say("There is no revision %s; there is %s.", name, strings.Join(s.names(), ", "))
	default:
		s.Question.Revision = name
		s.say("Now %s answers.", name)
	}
}

func describe(r chat.Revision) string {
	if r.Testers == nil {
		return r.Name + ": no testers' header, so it answers by its weight alone"
	}
	return fmt.Sprintf("%s: by %s: %s", r.Name, r.Testers.Name, r.Testers.Value)
}

func (s *Session) think(how string) {
	switch how {
	case "on", "off":
		s.unfolded = how == "on"
		s.say("Reasoning is %s.", map[bool]string{true: "shown as it comes", false: "folded"}[s.unfolded])
	case "":
		if len(s.turns) == 0 || s.turns[len(s.turns)-1].Answer.Reasoning == "" {
			s.say("There is no reasoning in the last answer.")
			return
		}
		s.say("%s", strings.TrimSpace(s.turns[len(s.turns)-1].Answer.Reasoning))
	default:
		s.say("/think, /think on or /think off.")
	}
}

func (s *Session) retry(ctx context.Context) {
	if len(s.turns) == 0 {
		s.say("Nothing was asked yet.")
		return
	}
	last := s.turns[len(s.turns)-1]
	s.turns = s.turns[:len(s.turns)-1]
	s.ask(ctx, last.Question)
}
