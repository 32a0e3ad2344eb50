package chat

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// eventLimit is how many bytes one event may have. vLLM's have a few hundred; a server that never ends a line must not fill
// the memory.
const eventLimit = 16 << 20

var (
	errHalfEvent  = errors.New("the stream ends within an event")
	errEventLimit = errors.New("an event is over 16 MiB")
)

// events reads server-sent events as the WHATWG's HTML standard has them
// (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation): of the fields only data,
// which is all that the OpenAI API uses.
//
// A library of the API (github.com/openai/openai-go) is not used: its stream ends without an error where a connection does,
// and a cut answer must not pass for a whole one.
type events struct {
	in *bufio.Reader
	// begun is set after the first line, before which a byte order mark means nothing.
	begun bool
	// afterCR is set where the last line ended by a carriage return: a line feed that follows belongs to it.
	afterCR bool
}

func newEvents(in io.Reader) *events { return &events{in: bufio.NewReader(in)} }

// next returns the data of the next event, io.EOF after the last one, and errHalfEvent where the stream ends within one.
func (e *events) next() (string, error) {
	var data strings.Builder
	some := false
	for {
		line, err := e.line(eventLimit - data.Len())
		switch {
		case errors.Is(err, io.EOF) && some && data.String() == done:
			return done, nil // some servers leave out the empty line after the last event
		case errors.Is(err, io.EOF) && (some || line != ""):
			return "", errHalfEvent
		case err != nil:
			return "", err
		case line == "" && some:
			return data.String(), nil
		}
		name, value, _ := strings.Cut(line, ":")
		if name != "data" {
			continue
		}
		if some {
			data.WriteByte('\n')
		}
		some = true
		data.WriteString(strings.TrimPrefix(value, " "))
	}
}

// line returns the next one without its end, which is \n, \r or both. At the end of the stream it returns what there is of
// a line, and io.EOF.
func (e *events) line(limit int) (string, error) {
	var line strings.Builder
	for {
		c, err := e.in.ReadByte()
		if err != nil {
			return line.String(), err
		}
		after := e.afterCR
		e.afterCR = c == '\r'
		switch {
		case c == '\n' && after:
			continue
		case c == '\n' || c == '\r':
			text := line.String()
			if !e.begun {
				text = strings.TrimPrefix(text, "\ufeff")
			}
			e.begun = true
			return text, nil
		case line.Len() >= limit:
			return "", errEventLimit
		}
		line.WriteByte(c)
	}
}
