package ingit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
	"github.com/kservegen/kservegen/pkg/rollout/steps"
	"github.com/kservegen/kservegen/pkg/spec"
)

// signature ends the messages of a runner's commits, by which another runner knows them.
const signature = "By kservegen canary run."

// saying is why a share is given.
type saying struct {
	why      string
	analysis *gate.Analysis
}

// message is what a commit or a pull request says.
type message struct {
	saying
	title, shift string
}

func (p *Place) message(now *standing, change steps.Change, share int, said saying) message {
	where := ""
	if p.Environment != spec.DefaultEnvironment {
		where = " in " + p.Environment
	}
	m := message{saying: said}
	switch share {
	case 0:
		m.title = fmt.Sprintf("Roll back %s of %s%s", now.ends.To, p.Model, where)
	case now.most:
		m.title = fmt.Sprintf("Promote %s of %s%s", now.ends.To, p.Model, where)
	default:
		m.title = fmt.Sprintf("Give %s of %s %d %%%s", now.ends.To, p.Model, share, where)
	}
	for _, shift := range change.Shifts {
		m.shift += fmt.Sprintf("%s: %s → %s\n", shift.Environment, steps.Words(shift.Before), steps.Words(shift.After))
	}
	return m
}

// shortened leaves of an analysis what decides.
func shortened(a gate.Analysis) gate.Analysis {
	a.Report.Metrics = slices.DeleteFunc(slices.Clone(a.Report.Metrics), func(m gate.Result) bool {
		return !m.Required && m.Verdict != gate.Fail
	})
	return a
}

// whole leaves an analysis as it is.
func whole(a gate.Analysis) gate.Analysis { return a }

// body is Markdown.
func (m message) body(of func(gate.Analysis) gate.Analysis) string {
	var text strings.Builder
	if m.why != "" {
		fmt.Fprintf(&text, "%s\n\n", m.why)
	}
	fmt.Fprintf(&text, "%s\n", m.shift)
	if m.analysis != nil {
		_ = of(*m.analysis).WriteMarkdown(&text) // a Builder takes everything
		text.WriteByte('\n')
	}
	return text.String() + signature + "\n"
}

// text is the message of a commit.
func (m message) text(of func(gate.Analysis) gate.Analysis) string {
	return m.title + "\n\n" + m.body(of)
}
