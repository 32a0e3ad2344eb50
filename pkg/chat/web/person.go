package web

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/kservegen/kservegen/pkg/chat/web/limit"
)

const (
	// maxPersons is of how many it is remembered how much they asked, in 100 bytes each.
	maxPersons = 10_000
	// minBurst is what the page's own "Count 20 short answers" asks at once.
	minBurst = 20
	// retryAfter, in seconds, is for limits that end with somebody's answer.
	retryAfter = 10
)

// SignIn knows who asks.
type SignIn interface {
	// Way is what the page is told of it.
	Way() Way
	// Guard lets in who is signed in, with the person in the request's context (As), and answers the others. What needs no
	// sign-in is for it to decide; GET /healthz does not come here.
	Guard(next http.Handler) http.Handler
}

// Way is how people sign in.
type Way struct {
	// Kind is oidc or basic.
	Kind string
	// Login is the path at which a person signs in, empty where the browser asks by itself.
	Login string
}

// Person is who asks.
type Person struct {
	// ID is one for all that a person asks, and nobody else's.
	ID string
	// Name is what the page shows.
	Name string
}

// personKey is where a request's context has the person.
type personKey struct{}

// As says who sends a request.
func As(r *http.Request, p Person) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), personKey{}, p))
}

func personOf(r *http.Request) Person {
	p, _ := r.Context().Value(personKey{}).(Person)
	return p
}

// signedIn is for who is signed in, where people do.
func (c Config) signedIn(next http.Handler) http.Handler {
	if c.SignIn == nil {
		return next
	}
	return c.SignIn.Guard(next)
}

type aboutSignIn struct {
	Kind string `json:"kind"`
	// ID is by what the browser keeps apart whose conversations are whose: two may have the same name.
	ID    string `json:"id"`
	User  string `json:"user"`
	Login string `json:"login,omitempty"`
}

func (c Config) aboutSignIn(r *http.Request) *aboutSignIn {
	if c.SignIn == nil {
		return nil
	}
	way, person := c.SignIn.Way(), personOf(r)
	return &aboutSignIn{Kind: way.Kind, ID: person.ID, User: person.Name, Login: way.Login}
}

// burst is how many questions a person may ask at once, where so many a minute.
func burst(perMinute int) int { return max(minBurst, perMinute/3) }

// limited lets each person ask so many times a minute.
func limited(perMinute int, next http.Handler) http.Handler {
	if perMinute == 0 {
		return next
	}
	table := limit.New(float64(perMinute), burst(perMinute), maxPersons, time.Now)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait := table.Take(personOf(r).ID)
		if wait == 0 {
			next.ServeHTTP(w, r)
			return
		}
		seconds := int(math.Ceil(wait.Seconds()))
		full(w, http.StatusTooManyRequests, seconds, fmt.Sprintf("this page limits what each person asks to %d a minute, and you asked more often; go on in %d s", perMinute, seconds))
	})
}

// running lets no person have more answers that run than they may ask for at once: who asks every second for an answer of minutes would
// have hundreds, and keep the questions of them all in memory.
func (c Config) running(next http.HandlerFunc) http.Handler {
	if c.PerMinute == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		person := personOf(r).ID
		if !c.open.Enter(person, 1) {
			full(w, http.StatusTooManyRequests, retryAfter, fmt.Sprintf("%d of your answers have no end yet, and this page lets no person have more; wait for some, or stop them", burst(c.PerMinute)))
			return
		}
		defer c.open.Leave(person, 1)
		next(w, r)
	})
}

// full refuses what the page limits by itself.
func full(w http.ResponseWriter, status, seconds int, message string) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	Refuse(w, status, "too_many_requests", message+" (it is the page that limits, not the model)")
}

// healthy answers whether the page is served, under any name and to anyone: probes know no host. It tells nothing else.
func healthy(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "ok\n")
	})
}
