package chat

import "strings"

// The tags that models put around their reasoning where the server has no --reasoning-parser.
const (
	thinkOpen  = "<think>"
	thinkClose = "</think>"
)

// blank is how much white space may stand before a tag, in bytes. It is held until something else comes, and a server may send
// nothing else.
const blank = 1 << 10

// part is where a splitter is.
type part int

const (
	beginning part = iota // nothing but white space and the begin of a tag came
	thinking              // within the tags
	between               // after the tags, before the answer
	answering             // in an answer
)

// splitter tells reasoning from answer in text that comes in pieces, which may end within a tag.
//
// Reasoning is what is in <think> at the very begin. Some chat templates put <think> at the end of the prompt, and the text
// has only </think>: at the begin of a line it makes all that came before reasoning.
type splitter struct {
	part part
	// held is what may be the begin of a tag.
	held string
	// thought is set after reasoning: tags that come later are text.
	thought bool
	// lineStart is set where the text so far ends with a line.
	lineStart bool
}

// write returns the events of a piece of text.
func (s *splitter) write(text string) []Event {
	var events []Event
	text, s.held = s.held+text, ""
	for text != "" {
		switch s.part {
		case beginning:
			text = s.begin(text)
		case thinking:
			text = s.think(text, &events)
		case between:
			text = strings.TrimLeft(text, " \t\r\n")
			if text != "" {
				s.part = answering
			}
		default:
			text = s.answer(text, &events)
		}
	}
	return events
}

// end returns the events of what was held.
func (s *splitter) end() []Event {
	held := s.held
	s.held = ""
	if held == "" {
		return nil
	}
	kind := Content
	if s.part == thinking {
		kind = Reasoning
	}
	return []Event{{Kind: kind, Text: held}}
}

// begin decides by the first characters. It returns what is to be read on.
func (s *splitter) begin(text string) string {
	trimmed := strings.TrimLeft(text, " \t\r\n")
	if rest, ok := strings.CutPrefix(trimmed, thinkOpen); ok && len(text)-len(trimmed) <= blank {
		s.part = thinking
		return rest
	}
	if strings.HasPrefix(thinkOpen, trimmed) && len(text)-len(trimmed) <= blank {
		s.held = text
		return ""
	}
	s.part, s.lineStart = answering, true
	return text
}

func (s *splitter) think(text string, events *[]Event) string {
	before, after, closed := strings.Cut(text, thinkClose)
	if !closed {
		before, s.held = hold(text)
	}
	if before != "" {
		*events = append(*events, Event{Kind: Reasoning, Text: before})
	}
	if closed {
		s.part, s.thought = between, true
	}
	return after
}

func (s *splitter) answer(text string, events *[]Event) string {
	if s.thought {
		*events = append(*events, Event{Kind: Content, Text: text})
		return ""
	}
	before, after, closed := strings.Cut(text, thinkClose)
	if !closed {
		before, s.held = hold(text)
	}
	s.lineStart = s.lineStart && before == "" || strings.HasSuffix(before, "\n")
	if closed && !s.lineStart {
		before += thinkClose
	}
	if before != "" {
		*events = append(*events, Event{Kind: Content, Text: before})
	}
	if closed && s.lineStart {
		*events = append(*events, Event{Kind: Recast})
		s.part, s.thought = between, true
	}
	return after
}

// hold parts text before what may be the begin of a closing tag.
func hold(text string) (sure, held string) {
	for n := min(len(text), len(thinkClose)-1); n > 0; n-- {
		if strings.HasSuffix(text, thinkClose[:n]) {
			return text[:len(text)-n], text[len(text)-n:]
		}
	}
	return text, ""
}
