package runner

import (
	"context"
	"errors"
	"time"

	"github.com/kservegen/kservegen/pkg/rollout/gate"
)

// Place is where the shares are: a cluster, or a document in Git.
type Place interface {
	// Read gives what stands there now. A Move that was interrupted halfway is completed first. What another hand changed, and
	// anything that a person has to put right, is a Refusal; any other error is of the machine, and is asked again.
	Read(ctx context.Context) (State, error)
	// Move gives the revision that takes over a share, and records when and why: 0 is a rollback, Most a promotion, and the
	// share that it has already takes over one that somebody gave it. It writes nothing and is ErrMoved where the place is not
	// what was read (State.Version). After any other error it may have been written or not; the next Read tells.
	Move(ctx context.Context, from State, share int, why string) error
}

// State is what stands in a place.
type State struct {
	// Share of the revision that takes over, in percent of all requests. Most is what it gets when it has taken over: 100, less
	// what revisions get that the canary leaves alone.
	Share, Most int
	// Since is when the share was given, by the record of a Move. Zero where there is no record: nobody moved, or the document
	// has changed since.
	Since time.Time
	// RolledBack is why a Move to 0 was made, with nothing moved after it; otherwise empty.
	RolledBack string
	// Ready is set where the revision that takes over answers as it should; NotReady is why it does not.
	Ready    bool
	NotReady string
	// Down is set where none of its replicas answers although some are wanted: whoever is sent there gets an error.
	Down bool
	// Version changes whenever somebody writes the place.
	Version string
}

// ErrMoved is that the place was written between Read and Move.
var ErrMoved = errors.New("it was changed meanwhile")

// Refusal is why a runner must stop and touch nothing, in words that say what to do.
type Refusal struct{ Words string }

func (r *Refusal) Error() string { return r.Words }

// Analyst says whether the revision that takes over may go on, from what both did since the share was given. An error is that it
// cannot be told: it is asked again.
type Analyst interface {
	Analyze(ctx context.Context, since, until time.Time) (gate.Report, error)
}

// Notifier tells people and programs what happens. It must return soon; an error is told, and does not change what is done.
type Notifier interface {
	Notify(ctx context.Context, e Event) error
}

// Kind is what happened.
type Kind string

// What happens in a run.
const (
	// Started and Resumed begin each run: at share 0 without a record, or at what the place says.
	Started Kind = "started"
	Resumed Kind = "resumed"
	// Waiting is for the revision to answer.
	Waiting Kind = "waiting"
	// Moved gave it a greater share, or took over one that it had.
	Moved Kind = "moved"
	// Looked is an analysis without consequence: not enough data, or too early.
	Looked Kind = "looked"
	// Blind is that Prometheus does not answer, Cut that the place does not. The shares stay.
	Blind Kind = "blind"
	Cut   Kind = "cut"
	// Held is that the step's longest time is over and the share stays nevertheless.
	Held Kind = "held"
	// Promoted, RolledBack, Stopped and Interrupted end a run.
	Promoted    Kind = "promoted"
	RolledBack  Kind = "rolled back"
	Stopped     Kind = "stopped"
	Interrupted Kind = "interrupted"
)

// Ends reports that nothing comes after an event of this kind.
func (k Kind) Ends() bool {
	return k == Promoted || k == RolledBack || k == Stopped || k == Interrupted
}

// Subject is which canary it is.
type Subject struct {
	Model       string `json:"model"`
	Namespace   string `json:"namespace"`
	Environment string `json:"environment"`
	// Baseline gives its share away, Canary takes it over.
	Baseline string `json:"baseline"`
	Canary   string `json:"canary"`
}

// Event is one thing that happened.
type Event struct {
	Time time.Time `json:"time"`
	Kind Kind      `json:"event"`
	Subject
	// Before and Share are the canary's shares before and after, in percent of all requests; the same where none was moved.
	Before int `json:"before"`
	Share  int `json:"share"`
	// Since is when the share was given; nil where no record says it.
	Since *time.Time `json:"since,omitempty"`
	// Reason in words, for people.
	Reason string `json:"reason,omitempty"`
	// Report is the analysis that the event follows from, nil for none.
	Report *gate.Report `json:"report,omitempty"`
}
