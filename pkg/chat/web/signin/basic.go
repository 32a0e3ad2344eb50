package signin

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/kservegen/kservegen/pkg/chat/web"
	"github.com/kservegen/kservegen/pkg/chat/web/limit"
)

const (
	// maxPassword, in bytes, is what bcrypt takes: it passes over what comes behind, so that any end would do.
	maxPassword = 72
	// remembered is how long after its last use a password that was right is not hashed again, which takes from 50 ms on.
	remembered = 10 * time.Minute
	// triesPerMinute and triesAtOnce are of one name from one address. Behind a sidecar all addresses are one.
	triesPerMinute, triesAtOnce = 6, 5
	// allPerMinute and allAtOnce are of everybody, so that who takes another name each time burns no more than a part of a core.
	allPerMinute, allAtOnce = 60, 30
	// maxTries is of how many names it is remembered how often they were tried.
	maxTries = 10_000
	// everyone is the one key of a table for all.
	everyone = ""
)

// Basic lets in by names and passwords, which a browser asks for (RFC 7617) and sends with each request.
type Basic struct {
	file string
	// log is for what goes wrong here, failures for what strangers do, who may do it often.
	log, failures Log

	now   func() time.Time
	check func(hash, password []byte) error

	key []byte
	// one is who hashes at the moment: one at a time, the others wait.
	one chan struct{}
	// tries are counted before a password is hashed, whether it is right or not.
	tries, all *limit.Table

	mu    sync.Mutex
	users *users
	data  []byte
	// right has the digests of credentials that were right, until when they need not be hashed again.
	right map[digest]time.Time
}

var _ web.SignIn = (*Basic)(nil)

// digest is one of a name and a password, by a key that nobody has.
type digest [sha256.Size]byte

// NewBasic reads the file of users. What it has to say goes to log.
func NewBasic(file string, log Log) (*Basic, error) {
	b := &Basic{
		file: file, log: log, now: time.Now, check: bcrypt.CompareHashAndPassword,
		key: make([]byte, sha256.Size), one: make(chan struct{}, 1),
	}
	b.failures = log.seldom(func() time.Time { return b.now() })
	_, _ = rand.Read(b.key) // it does not fail (crypto/rand)
	b.tries = limit.New(triesPerMinute, triesAtOnce, maxTries, func() time.Time { return b.now() })
	b.all = limit.New(allPerMinute, allAtOnce, 1, func() time.Time { return b.now() })
	return b, b.read()
}

// read takes the users of the file, where it has others than before.
func (b *Basic) read() error {
	data, err := readFile(b.file)
	if err != nil {
		return err
	}
	b.mu.Lock()
	same := b.data != nil && bytes.Equal(data, b.data)
	b.mu.Unlock()
	if same {
		return nil
	}
	found, err := parseUsers(b.file, data)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users, b.data, b.right = &found, data, map[digest]time.Time{}
	return nil
}

// readFile reads no more than a file of users may have, and one byte more.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// Watch reads the file again, so often, until the context ends: the kubelet changes the files of a Secret in place. A file that
// cannot be taken is said once, and changes nothing.
func (b *Basic) Watch(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		wrong := ""
		if err := b.read(); err != nil {
			wrong = err.Error()
		}
		if wrong != "" && wrong != said {
			b.log.say("the users stay as they were: %s", wrong)
		}
		said = wrong
	}
}

// Way is what the page is told.
func (b *Basic) Way() web.Way { return web.Way{Kind: "basic"} }

// Guard demands a name and its password of every request.
func (b *Basic) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, given := r.BasicAuth()
		if !given {
			b.demand(w, "sign in with a name and its password")
			return
		}
		wait, err := b.verify(r.Context(), name, password, web.Hostname(r.RemoteAddr))
		switch {
		case r.Context().Err() != nil: // nobody waits for an answer
		case wait > 0:
			b.failures.say("sign-in of %s from %s refused without a look: too many tries", quoted(name), web.Hostname(r.RemoteAddr))
			tooOften(w, wait)
		case err != nil:
			b.failures.say("sign-in of %s from %s failed: %v", quoted(name), web.Hostname(r.RemoteAddr), err)
			b.demand(w, "the name or the password is wrong")
		default:
			next.ServeHTTP(w, web.As(r, web.Person{ID: name, Name: name}))
		}
	})
}

func (b *Basic) demand(w http.ResponseWriter, message string) {
	w.Header().Set("Www-Authenticate", `Basic realm="kservegen chat", charset="UTF-8"`)
	web.Refuse(w, http.StatusUnauthorized, signedOut, message)
}

// verify returns nothing where the password is the name's, or else why not, or how long to wait before it is tried again.
func (b *Basic) verify(ctx context.Context, name, password, from string) (time.Duration, error) {
	if len(name) > maxUserName || len(password) > maxPassword {
		return 0, fmt.Errorf("the name is over %d bytes, or the password over %d, which is all that bcrypt takes", maxUserName, maxPassword)
	}
	sum := b.digest(name, password)
	if b.remembers(sum) {
		return 0, nil
	}
	select {
	case b.one <- struct{}{}:
		defer func() { <-b.one }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if b.remembers(sum) { // another request of the same page was faster
		return 0, nil
	}
	wait := b.tries.Take(name + "\n" + from)
	if wait == 0 { // who tries one name too often takes nothing from the others
		wait = b.all.Take(everyone)
	}
	if wait > 0 {
		return wait, nil
	}
	return 0, b.compare(name, password, sum)
}

// compare hashes a password, of a name that is unknown as well, so that the time it takes does not tell which names there are.
func (b *Basic) compare(name, password string, sum digest) error {
	b.mu.Lock()
	all := b.users
	b.mu.Unlock()
	at, known := all.at[name]
	if !known {
		// Any of the users, and always the same for a name: where their hashes differ in cost, strangers' do alike.
		stranger := b.digest(name, "")
		at = int(binary.BigEndian.Uint64(stranger[:8]) % uint64(len(all.list)))
	}
	err := b.check(all.list[at].hash, []byte(password))
	switch {
	case !known:
		return errors.New("there is no such user")
	case err != nil:
		return errors.New("the password is wrong")
	}
	b.remember(sum, all)
	return nil
}

func (b *Basic) digest(name, password string) digest {
	mac := hmac.New(sha256.New, b.key)
	_ = binary.Write(mac, binary.BigEndian, uint64(len(name)))
	_, _ = io.WriteString(mac, name+password)
	return digest(mac.Sum(nil))
}

func (b *Basic) remembers(sum digest) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if !now.Before(b.right[sum]) {
		return false
	}
	b.right[sum] = now.Add(remembered)
	return true
}

// remember keeps a digest, unless the file has changed meanwhile. Of each user one password is right, so that there are no more
// digests than users.
func (b *Basic) remember(sum digest, of *users) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if of == b.users {
		b.right[sum] = b.now().Add(remembered)
	}
}
