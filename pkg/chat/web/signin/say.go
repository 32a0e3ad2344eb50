package signin

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/kservegen/kservegen/pkg/chat/web"
	"github.com/kservegen/kservegen/pkg/chat/web/limit"
)

// signedOut is the code of answers to who is not signed in.
const signedOut = "signed_out"

const (
	// maxQuoted is how many runes of what a stranger sent are logged.
	maxQuoted = 64
	// linesPerMinute and linesAtOnce are of what strangers do.
	linesPerMinute, linesAtOnce = 60, 60
)

// Log takes one line, without its end.
type Log func(line string)

func (l Log) say(format string, args ...any) {
	if l != nil {
		l(fmt.Sprintf(format, args...))
	}
}

// seldom drops lines where there are too many, so that no stranger fills the logs, and says how many it dropped.
func (l Log) seldom(now func() time.Time) Log {
	table := limit.New(linesPerMinute, linesAtOnce, 1, now)
	var dropped atomic.Int64
	return func(line string) {
		if table.Take(everyone) > 0 {
			dropped.Add(1)
			return
		}
		if n := dropped.Swap(0); n > 0 {
			line += fmt.Sprintf(" (%d such lines before it are left out)", n)
		}
		l.say("%s", line)
	}
}

// quoted is what a stranger sent, so that it can neither end the line nor act on a terminal.
func quoted(text string) string {
	if runes := []rune(text); len(runes) > maxQuoted {
		text = string(runes[:maxQuoted]) + "…"
	}
	return strconv.Quote(text)
}

func tooOften(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	web.Refuse(w, http.StatusTooManyRequests, "too_many_sign_ins", "too many tries to sign in; wait, and try again")
}
