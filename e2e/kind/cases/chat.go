package cases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/browser"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/spec"
)

// Chat is a run of its own, for a tree with a page on which people talk to its model, who sign in by name and password, as
// overlays/deepseek-r1-distill-llama-8b-chat does in dev.
func Chat() Case {
	return Case{
		Name: "chat",
		Checks: []Check{
			{Name: "sign in", Run: signsIn},
			{Name: "users", Run: followsUsers},
			{Name: "shares", Run: showsShares},
			{Name: "cut", Run: saysCut},
			{Name: "limit", Run: limitsUsers},
			{Name: "account", Run: callsAsItself},
			{Name: "gateway", Run: opensByGateway},
			{Name: "restricted", Run: restrictsPod},
			{Name: "replaced", Run: replacesPage},
			{Name: "tokens", Run: signsInByTokens},
		},
	}
}

// needsPage is an error for a tree without a page that asks for passwords.
func (e *Env) needsPage() error {
	if e.Tree.Chat == nil {
		return lacks("no chat's page")
	}
	args := e.Tree.Chat.Deployment.Spec.Template.Spec.Containers[0].Args
	if !slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "--users-file=") }) {
		return lacks("no page whose users have passwords")
	}
	return nil
}

// signsIn: with a password the page is there and knows who asks, without one nothing of it is.
func signsIn(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	user, paths := install.ChatUsers()[0], []string{"/", "/main.mjs", "/api/about", "/api/models"}
	if err := e.pageReady(ctx); err != nil {
		return err
	}
	without, err := e.asPage(ctx, "/", "", nil)
	if err != nil {
		return err
	}
	if demand := without.header.Get("Www-Authenticate"); !strings.HasPrefix(demand, "Basic ") {
		return violated("without a password the page answers %d and asks for %q", without.status, demand)
	}
	if err := errors.Join(
		e.pageSays(ctx, http.StatusUnauthorized, nil, paths...),
		e.pageSays(ctx, http.StatusUnauthorized, basic(user, "guessed"), "/"),
		e.pageSays(ctx, http.StatusUnauthorized, basic("nobody", install.ChatPassword), "/"),
		e.pageSays(ctx, http.StatusOK, signedIn(user), paths...),
	); err != nil {
		return err
	}
	about, err := e.asPage(ctx, "/api/about", "", signedIn(user))
	if err != nil {
		return err
	}
	var said struct{ SignIn struct{ Kind, User string } }
	if err := json.Unmarshal([]byte(about.body), &said); err != nil || said.SignIn.Kind != "basic" || said.SignIn.User != user {
		return violated("%s is told: %s", user, about.body)
	}
	e.Figure("at %s: 401 without a password and with wrong ones, 200 with one, on %s", e.Tree.Chat.Host, strings.Join(paths, " "))
	return nil
}

// followsUsers: another Secret lets others in, and those out that it has not any more, without a restart.
func followsUsers(ctx context.Context, e *Env) (err error) {
	if err := e.needsPage(); err != nil {
		return err
	}
	namespace, name, err := e.usersSecret()
	if err != nil {
		return err
	}
	was, err := kubectl.Get[corev1.Secret](ctx, e.Kubectl, "secret", "-n", namespace, name)
	if err != nil {
		return err
	}
	// Nobody waits for the old ones to be back: the checks that follow have others.
	defer e.undo(ctx, &err, func(ctx context.Context) error { return e.setUsers(ctx, was.Data[install.UsersKey]) })
	const comes = "eve"
	line, err := install.UsersLine(comes)
	if err != nil {
		return err
	}
	leaves := replaced()
	stay, found := withoutUser(string(was.Data[install.UsersKey]), leaves)
	if !found {
		return fmt.Errorf("the Secret %s/%s has no line of %s", namespace, name, leaves)
	}
	if err := e.pageSays(ctx, http.StatusOK, signedIn(leaves), "/"); err != nil {
		return err
	}
	given := time.Now()
	if err := errors.Join(e.setUsers(ctx, []byte(stay+line)), e.letsIn(ctx, comes)); err != nil {
		return err
	}
	e.Figure("a new user is let in %.0f s after the Secret was changed: the kubelet takes its time to bring it", time.Since(given).Seconds())
	return errors.Join(
		e.pageSays(ctx, http.StatusOK, signedIn(install.ChatUsers()[0]), "/"),
		e.pageSays(ctx, http.StatusUnauthorized, signedIn(leaves), "/"))
}

// replaced is the user in whose place another one comes.
func replaced() string { return install.ChatUsers()[len(install.ChatUsers())-1] }

// withoutUser is a file of users without the line of one.
func withoutUser(file, user string) (rest string, found bool) {
	var kept strings.Builder
	for line := range strings.Lines(file) {
		if strings.HasPrefix(line, user+":") {
			found = true
			continue
		}
		kept.WriteString(line)
	}
	return kept.String(), found
}

// usersSecret is the one of the page's users.
func (e *Env) usersSecret() (namespace, name string, err error) {
	d := e.Tree.Chat.Deployment
	for _, volume := range d.Spec.Template.Spec.Volumes {
		if volume.Secret != nil {
			return d.Namespace, volume.Secret.SecretName, nil
		}
	}
	return "", "", lacks("no Secret of the page's users")
}

// setUsers changes the Secret as a person does, in place.
func (e *Env) setUsers(ctx context.Context, file []byte) error {
	namespace, name, err := e.usersSecret()
	if err != nil {
		return err
	}
	patch, err := json.Marshal(map[string]any{"data": map[string][]byte{install.UsersKey: file}})
	if err != nil {
		return err
	}
	_, err = e.Kubectl.Run(ctx, "-n", namespace, "patch", "secret", name, "--type=merge", "-p", string(patch))
	return err
}

// letsIn waits until a user is let in, so often in a row that it is each pod, since each gets the Secret at a moment of its own. It
// asks rarely: the page counts who tries in vain.
func (e *Env) letsIn(ctx context.Context, user string) error {
	const rarely, often = 12 * time.Second, 12
	return eventually(ctx, user+" to be let in", func(ctx context.Context) error {
		err := e.pageSays(ctx, http.StatusOK, signedIn(user), slices.Repeat([]string{"/"}, often)...)
		if isViolated(err) {
			err = errors.Join(err, pause(ctx, rarely))
		}
		return err
	})
}

// The shares are counted over so many answers, 20 at a time; half as many are enough for halves.
const counts = 10

// showsShares: in a real browser the panel counts answers by the route's weights, and follows when these move, without a restart.
func showsShares(ctx context.Context, e *Env) (err error) {
	if err := e.needsPage(); err != nil {
		return err
	}
	stable, next, err := e.two()
	if err != nil {
		return err
	}
	unlimited, err := e.unlimited()
	if err != nil {
		return err
	}
	often, err := e.customized(unlimited)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mendPage)
	if err := errors.Join(often.step(ctx, e.Tree.Shares()), e.pageReady(ctx)); err != nil {
		return err
	}
	before, err := e.pagePods(ctx)
	if err != nil {
		return err
	}
	err = e.visited(ctx, install.ChatUsers()[0], func(page *browser.Browser) error {
		if err := e.answersInBrowser(page); err != nil {
			return err
		}
		if err := e.countsAs(page, e.Tree.Shares(), counts); err != nil {
			return err
		}
		return often.moves(ctx, page, e.shares(tree.Shares{stable: 50, next: 50}))
	})
	if err != nil {
		return err
	}
	after, err := e.pagePods(ctx)
	if err == nil && (len(after) != len(before) || after[0].Name != before[0].Name || after[0].Status.ContainerStatuses[0].RestartCount > 0) {
		err = violated("the page's pods are not those of before")
	}
	return err
}

// moves gives the revisions other weights while the page is open, which then counts by them.
func (e *Env) moves(ctx context.Context, page *browser.Browser, shares tree.Shares) error {
	given := time.Now()
	if err := errors.Join(e.step(ctx, shares), e.shown(ctx, page, shares)); err != nil {
		return err
	}
	e.Figure("the panel shows %v %.1f s after `kubectl apply` of the weights was given", shares, time.Since(given).Seconds())
	return e.countsAs(page, shares, counts/2)
}

// answersInBrowser asks as a person does.
func (e *Env) answersInBrowser(page *browser.Browser) error {
	if err := errors.Join(page.Ask("Hello", 0), page.Answered()); err != nil {
		return err
	}
	answer, err := page.Last()
	if err != nil {
		return err
	}
	if answer.State != "done" || answer.Text == "" || answer.Revision == "" || answer.Pod == "" {
		return violated("the page shows %+v", answer)
	}
	e.Figure("the page shows an answer of %s by pod %s", answer.Revision, answer.Pod)
	return nil
}

// revision is how the page calls the one behind a host.
func (e *Env) revision(host string) (string, error) {
	for _, one := range e.Tree.Services {
		if one.Name == service(host) && one.Labels[spec.RevisionLabel] != "" {
			return one.Labels[spec.RevisionLabel], nil
		}
	}
	return "", lacks("no label %s on the InferenceService of %s", spec.RevisionLabel, host)
}

// shown waits until the panel has the weights.
func (e *Env) shown(ctx context.Context, page *browser.Browser, shares tree.Shares) error {
	const soon = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	return eventually(ctx, fmt.Sprintf("the panel to show %v", shares), func(context.Context) error {
		seen, err := page.See()
		if err != nil {
			return err
		}
		return e.routes(seen, shares)
	})
}

// routes wants the panel to have the weights.
func (e *Env) routes(seen browser.View, shares tree.Shares) error {
	have := map[string]int{}
	for _, revision := range seen.Revisions {
		have[revision.Name] = revision.Route
	}
	want := map[string]int{}
	for host, share := range shares {
		name, err := e.revision(host)
		if err != nil {
			return err
		}
		want[name] = share
	}
	known := slices.ContainsFunc(seen.Revisions, func(r browser.Revision) bool { return r.Route > 0 })
	if !known {
		return violated("the panel shows no weights of the route: %s", strings.Join(seen.Notes, " "))
	}
	if !maps.Equal(have, want) {
		return violated("the panel shows the weights %v, not %v", have, want)
	}
	return nil
}

// countsAs has the panel count so many times 20 answers, beside those that are counted, which the weights must explain.
func (e *Env) countsAs(page *browser.Browser, shares tree.Shares, times int) error {
	for range times {
		if err := page.Count(); err != nil {
			return err
		}
	}
	seen, err := page.See()
	if err != nil {
		return err
	}
	if err := e.routes(seen, shares); err != nil {
		return err
	}
	total, failed := 0, 0
	for _, revision := range seen.Revisions {
		total, failed = total+revision.Answers, failed+revision.Errors
	}
	e.Figure("the panel counts %d answers: %+v; it says: %s", total, seen.Revisions, strings.Join(seen.Notes, " "))
	if total < 20*times || failed > 0 {
		return violated("of %d answers the panel counts %d, and %d errors", 20*times, total, failed)
	}
	for host, share := range shares {
		name, err := e.revision(host)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(seen.Revisions, func(r browser.Revision) bool { return r.Name == name })
		if err := fair(total, seen.Revisions[at].Answers, share); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// saysCut: a server's pod is killed in mid-answer. The page keeps what came and says that it was cut; it asks again when the
// person does, and not before.
func saysCut(ctx context.Context, e *Env) (err error) {
	if err := e.needsPage(); err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.Ready)
	return e.visited(ctx, install.ChatUsers()[1], func(page *browser.Browser) error {
		if err := errors.Join(page.Ask("Write for long.", long), page.Begun()); err != nil {
			return err
		}
		begun, err := page.Last()
		if err != nil {
			return err
		}
		if _, err := e.Kubectl.Run(ctx, "-n", e.Tree.Namespace(), "delete", "pod", begun.Pod, "--grace-period=0", "--force"); err != nil {
			return err
		}
		if err := errors.Join(page.Answered(), pause(ctx, calm)); err != nil {
			return err
		}
		cut, err := page.See()
		if err != nil {
			return err
		}
		if err := e.isCut(cut, begun); err != nil {
			return err
		}
		if err := e.Ready(ctx); err != nil {
			return err
		}
		if err := errors.Join(page.Retry(), page.Answered()); err != nil {
			return err
		}
		again, err := page.See()
		if err != nil {
			return err
		}
		if last := again.Answers[0]; last.State != "done" || last.Pod == begun.Pod || again.Asked != cut.Asked+1 {
			return violated("after Retry the page shows %+v, and has asked %d times", last, again.Asked)
		}
		e.Figure("after Retry pod %s answers", again.Answers[0].Pod)
		return nil
	})
}

// isCut wants the one answer to be what came, with a word that it was cut, and nothing to have been asked but the prompt.
func (e *Env) isCut(seen browser.View, begun browser.Answer) error {
	if len(seen.Answers) != 1 || seen.Asked != 1 {
		return violated("the page has asked %d times: %+v", seen.Asked, seen.Answers)
	}
	answer := seen.Answers[0]
	kept := strings.HasPrefix(answer.Text, begun.Text[:len(begun.Text)/2])
	if answer.State != "cut" || !kept || answer.Trouble == "" || !answer.Retry || answer.Pod != begun.Pod {
		return violated("the answer of a pod that was killed is shown as %+v", answer)
	}
	e.Figure("pod %s killed in mid-answer: %s", begun.Pod, answer.Trouble)
	return nil
}

// limitsUsers: who asks too often is told to wait, by the page and not by the model, and nobody else is.
func limitsUsers(ctx context.Context, e *Env) error {
	if err := e.needsPage(); err != nil {
		return err
	}
	const asks = 60
	users := install.ChatUsers()
	often, other := users[2], users[3]
	answered, refused := 0, 0
	for range asks {
		got, err := e.asPage(ctx, "/api/chat?revision=", e.question(), signedIn(often))
		if err != nil {
			return err
		}
		switch wait, _ := strconv.Atoi(got.header.Get("Retry-After")); {
		case got.status == http.StatusOK:
			answered++
		case got.status == http.StatusTooManyRequests && wait > 0 && got.code() == "too_many_requests":
			refused++
		default:
			return violated("%s got %d, to be tried again after %q: %.200s", often, got.status, got.header.Get("Retry-After"), got.body)
		}
	}
	e.Figure("%s asks %d times at once: %d answers, %d times 429", often, asks, answered, refused)
	if answered == 0 || refused == 0 {
		return violated("of %d questions of %s %d were answered, %d refused", asks, often, answered, refused)
	}
	got, err := e.asPage(ctx, "/api/chat?revision=", e.question(), signedIn(other))
	if err == nil && got.status != http.StatusOK {
		err = violated("%s, who asks for the first time, got %d: %.200s", other, got.status, got.body)
	}
	return err
}

// replacesPage: the page's pods are replaced while people get answers, and none of these is lost.
func replacesPage(ctx context.Context, e *Env) (err error) {
	if err := e.needsPage(); err != nil {
		return err
	}
	before, err := e.pagePods(ctx)
	if err != nil {
		return err
	}
	defer e.undo(ctx, &err, e.mendPage)
	answers, err := e.underPageLoad(ctx, func(ctx context.Context) error {
		d, given := e.Tree.Chat.Deployment, time.Now()
		if _, err := e.Kubectl.Run(ctx, "-n", d.Namespace, "rollout", "restart", "deployment/"+d.Name); err != nil {
			return err
		}
		err := e.gone(ctx, before)
		e.Figure("the pods of before are gone after %.0f s", time.Since(given).Seconds())
		return err
	})
	if err != nil {
		return err
	}
	if len(answers) == 0 {
		return errors.New("nothing was asked")
	}
	return nothingLost(answers)
}
