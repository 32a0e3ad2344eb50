package chat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
)

// Message is one of a conversation.
type Message struct {
	// Role is system, user or assistant.
	Role    string `json:"role"`
	Content string `json:"content"`
}

// EventKind says what an Event is of.
type EventKind string

// The kinds of events.
const (
	// Headers came: the answer has begun. Text is the revision that gives it, empty where it is unknown.
	Headers EventKind = "headers"
	// Reasoning is text that the model thinks aloud.
	Reasoning EventKind = "reasoning"
	// Content is text of the answer.
	Content EventKind = "content"
	// Recast says that all text of the answer so far was reasoning: its end was marked, its begin was not.
	Recast EventKind = "recast"
	// Tool is a piece of a tool call as the server sent it.
	Tool EventKind = "tool"
)

// Event is a part of an answer, in the order in which they come.
type Event struct {
	Kind EventKind `json:"kind"`
	Text string    `json:"text,omitempty"`
}

// ToolCall is a call that the model asks for. Nothing carries it out.
type ToolCall struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	// Arguments are as the model wrote them; they should be JSON, and need not.
	Arguments string `json:"arguments"`
}

// Usage is what the server counted.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// leastTime is how long tokens must have come for their speed to mean something: what comes in one packet comes in microseconds.
const leastTime = 10 * time.Millisecond

// Timing is how long an answer took, from sending the question on.
type Timing struct {
	// FirstToken is when the first text, reasoning included, came; 0 where none did.
	FirstToken time.Duration `json:"-"`
	// Reasoning is how long reasoning came, Total how long all took.
	Reasoning time.Duration `json:"-"`
	Total     time.Duration `json:"-"`
	// TokensPerSecond after the first one; 0 where there are fewer than two, or they came all at once.
	TokensPerSecond float64 `json:"tokensPerSecond"`
	// Counted says of what: usage is the server's count of tokens, chunks the events that came, where it sent none. A chunk
	// has one token or more.
	Counted string `json:"counted,omitempty"`
}

// MarshalJSON writes durations in milliseconds.
func (t Timing) MarshalJSON() ([]byte, error) {
	type plain Timing
	return json.Marshal(struct {
		FirstToken float64 `json:"firstTokenMilliseconds"`
		Reasoning  float64 `json:"reasoningMilliseconds"`
		Total      float64 `json:"totalMilliseconds"`
		plain
	}{milliseconds(t.FirstToken), milliseconds(t.Reasoning), milliseconds(t.Total), plain(t)})
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// How it is known which revision answered.
const (
	// FromRoute is a header that the route adds.
	FromRoute = "route"
	// FromTesters is the testers' header that was sent.
	FromTesters = "testers"
	// FromOnly says that there is one revision.
	FromOnly = "only"
)

// Answer is what came of a question, whole or not.
type Answer struct {
	Content   string     `json:"answer"`
	Reasoning string     `json:"reasoning,omitempty"`
	ToolCalls []ToolCall `json:"toolCalls,omitempty"`
	// FinishReason is the server's: stop, length, tool_calls. Empty where the answer did not end.
	FinishReason string `json:"finishReason,omitempty"`
	// Model is the name in the answer.
	Model string `json:"model,omitempty"`
	// Revision answered, empty where nothing says which; RevisionFrom says how it is known.
	Revision     string `json:"revision,omitempty"`
	RevisionFrom string `json:"revisionFrom,omitempty"`
	// Pod answered, empty where nothing says which.
	Pod    string `json:"pod,omitempty"`
	Usage  *Usage `json:"usage,omitempty"`
	Timing Timing `json:"timing"`
	// Error is why the answer is not whole, nil where it is.
	Error *Error `json:"error,omitempty"`
}

// collector makes an answer of what comes.
type collector struct {
	answer             Answer
	content, reasoning strings.Builder
	split              splitter
	calls              []*call
	// parsed is set where the server tells reasoning apart itself.
	parsed bool
	send   func(Event)

	start, first, last, thought time.Time
	chunks, size                int
}

// chunk is an event of the API. reasoning_content is reasoning since vLLM 0.12 (its protocol has both names before).
type chunk struct {
	Model   string `json:"model"`
	Choices []struct {
		Delta        delta   `json:"delta"`
		FinishReason *string `json:"finish_reason"`
	} `json:"choices"`
	Usage *Usage `json:"usage"`
	failure
}

type delta struct {
	Content          string          `json:"content"`
	ReasoningContent string          `json:"reasoning_content"`
	Reasoning        string          `json:"reasoning"`
	ToolCalls        json.RawMessage `json:"tool_calls"`
}

// call is a tool call whose name and arguments come in pieces.
type call struct {
	id              string
	name, arguments strings.Builder
}

type toolDelta struct {
	Index    int    `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// add takes a chunk that came now.
func (c *collector) add(k chunk, now time.Time) error {
	if k.Model != "" {
		c.answer.Model = k.Model
	}
	if k.Usage != nil {
		c.answer.Usage = k.Usage
	}
	if len(k.Choices) == 0 {
		return nil
	}
	choice := k.Choices[0]
	if reason := choice.FinishReason; reason != nil {
		c.answer.FinishReason = *reason
	}
	return c.delta(choice.Delta, now)
}

func (c *collector) delta(d delta, now time.Time) error {
	thought := d.ReasoningContent
	if thought == "" {
		thought = d.Reasoning
	}
	tools := string(d.ToolCalls) != "" && string(d.ToolCalls) != "null" && string(d.ToolCalls) != "[]"
	if thought == "" && d.Content == "" && !tools {
		return nil
	}
	if c.first.IsZero() {
		c.first = now
	}
	c.last = now
	c.chunks++
	if thought != "" {
		c.parsed = true
		c.emit(Event{Kind: Reasoning, Text: thought}, now)
	}
	if d.Content != "" {
		events := []Event{{Kind: Content, Text: d.Content}}
		if !c.parsed {
			events = c.split.write(d.Content)
		}
		c.emitAll(events, now)
	}
	if tools {
		return c.tools(d.ToolCalls)
	}
	return nil
}

func (c *collector) emitAll(events []Event, now time.Time) {
	for _, e := range events {
		c.emit(e, now)
	}
}

func (c *collector) emit(e Event, now time.Time) {
	c.size += len(e.Text)
	switch e.Kind {
	case Reasoning:
		c.reasoning.WriteString(e.Text)
		c.thought = now
	case Content:
		c.content.WriteString(e.Text)
	case Recast:
		c.reasoning.WriteString(c.content.String())
		c.content.Reset()
		c.thought = now
	}
	c.send(e)
}

// tools joins the pieces of tool calls by their index.
func (c *collector) tools(raw json.RawMessage) error {
	var pieces []toolDelta
	if err := json.Unmarshal(raw, &pieces); err != nil {
		return err
	}
	for _, piece := range pieces {
		if piece.Index < 0 || piece.Index > len(c.calls) {
			return errToolIndex
		}
		if piece.Index == len(c.calls) {
			c.calls = append(c.calls, &call{})
		}
		call := c.calls[piece.Index]
		call.id = cmp.Or(piece.ID, call.id)
		call.name.WriteString(piece.Function.Name)
		call.arguments.WriteString(piece.Function.Arguments)
	}
	c.size += len(raw)
	c.send(Event{Kind: Tool, Text: string(raw)})
	return nil
}

// finish returns the answer as it is.
func (c *collector) finish(now time.Time) Answer {
	c.emitAll(c.split.end(), now)
	a := c.answer
	a.Content, a.Reasoning = c.content.String(), c.reasoning.String()
	for _, call := range c.calls {
		a.ToolCalls = append(a.ToolCalls, ToolCall{ID: call.id, Name: call.name.String(), Arguments: call.arguments.String()})
	}
	t := Timing{Total: now.Sub(c.start)}
	if !c.first.IsZero() {
		t.FirstToken = c.first.Sub(c.start)
	}
	if !c.thought.IsZero() {
		t.Reasoning = c.thought.Sub(c.first)
	}
	tokens := 0
	switch {
	case a.Usage != nil && a.Usage.CompletionTokens > 0:
		tokens, t.Counted = a.Usage.CompletionTokens, "usage"
	case c.chunks > 0:
		tokens, t.Counted = c.chunks, "chunks"
	}
	if took := c.last.Sub(c.first); tokens > 1 && took >= leastTime {
		t.TokensPerSecond = math.Round(100*float64(tokens-1)/took.Seconds()) / 100
	}
	a.Timing = t
	return a
}

// Summary says in one line who answered, and how fast. What a server said of itself is in it: print it by Plain.
func (a Answer) Summary() string {
	var words []string
	switch {
	case a.RevisionFrom == FromTesters:
		words = append(words, a.Revision+" (asked for)")
	case a.Revision != "":
		words = append(words, a.Revision)
	default:
		words = append(words, "revision unknown")
	}
	if a.Pod != "" {
		words = append(words, "pod "+a.Pod)
	}
	if a.Timing.FirstToken > 0 {
		words = append(words, fmt.Sprintf("first token %.2f s", a.Timing.FirstToken.Seconds()))
	}
	if a.Timing.TokensPerSecond > 0 {
		words = append(words, fmt.Sprintf("%.1f tokens/s", a.Timing.TokensPerSecond))
	}
	switch a.Timing.Counted {
	case "usage":
		words = append(words, fmt.Sprintf("%d tokens", a.Usage.CompletionTokens))
	case "chunks":
		words = append(words, "counted by chunks: the server sent no usage")
	}
	if a.FinishReason == "length" {
		words = append(words, "ended by the limit of tokens")
	}
	return strings.Join(words, " · ")
}
