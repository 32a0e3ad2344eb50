package cases

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kservegen/kservegen/e2e/kind/browser"
	"github.com/kservegen/kservegen/e2e/kind/install"
	"github.com/kservegen/kservegen/e2e/kind/kubectl"
	"github.com/kservegen/kservegen/e2e/kind/load"
	"github.com/kservegen/kservegen/e2e/kind/tree"
	"github.com/kservegen/kservegen/pkg/spec"
)

// basic is what a browser sends of a user.
func basic(user, password string) map[string]string {
	return map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

// signedIn is that of one of the page's users, who knows the password.
func signedIn(user string) map[string]string { return basic(user, install.ChatPassword) }

// replied is what the page said.
type replied struct {
	status int
	header http.Header
	body   string
}

// asPage asks the page through the gateway as its own script does, and follows no redirect. Without a body it reads.
func (e *Env) asPage(ctx context.Context, path, body string, header map[string]string) (replied, error) {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, e.Gateway+path, strings.NewReader(body))
	if err != nil {
		return replied{}, err
	}
	request.Host = e.Tree.Chat.Host
	request.Header.Set("X-Kservegen-Chat", "1")
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return replied{}, err
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, 256<<10))
	return replied{response.StatusCode, response.Header, string(content)}, errors.Join(err, response.Body.Close())
}

// pageSays wants a status of each path.
func (e *Env) pageSays(ctx context.Context, status int, header map[string]string, paths ...string) error {
	for _, path := range paths {
		got, err := e.asPage(ctx, path, "", header)
		if err != nil {
			return err
		}
		if got.status != status {
			return violated("%s of the page got %d, not %d: %.200s", path, got.status, status, got.body)
		}
	}
	return nil
}

// code is the one of an error that the page itself answers.
func (r replied) code() string {
	var failure struct{ Error struct{ Code string } }
	_ = json.Unmarshal([]byte(r.body), &failure) // what is none has no code
	return failure.Error.Code
}

// pageClient asks the model through the page, as a user.
func (e *Env) pageClient(user string, concurrency int) *load.Client {
	client := load.NewClient(e.Gateway, e.Tree.Chat.Host, e.Tree.Model(), concurrency)
	client.ChatPath, client.Header = "/api/chat", signedIn(user)
	client.Header["X-Kservegen-Chat"] = "1"
	return client
}

// question is a short one, as the page asks it.
func (e *Env) question() string {
	return fmt.Sprintf(`{"model":%q,"max_tokens":1,"messages":[{"role":"user","content":"Say one word."}]}`, e.Tree.Model())
}

// visited opens the page in a browser as a user, has something done there, and wants it to have kept to itself.
func (e *Env) visited(ctx context.Context, user string, run func(*browser.Browser) error) error {
	host := e.Tree.Chat.Host
	return e.visitedAt(ctx, browser.Visit{
		Link: "http://" + host + "/", User: user, Password: install.ChatPassword,
		Addresses: map[string]string{host + ":80": strings.TrimPrefix(e.Gateway, "http://")},
	}, run)
}

// visitedAt is visited, wherever the page is.
func (e *Env) visitedAt(ctx context.Context, v browser.Visit, run func(*browser.Browser) error) error {
	folder, err := e.Web(ctx)
	if err != nil {
		return err
	}
	page, err := browser.Open(ctx, folder, v)
	if err != nil {
		return err
	}
	err = run(page)
	misdeeds, closed := page.Close()
	if len(misdeeds) > 0 {
		err = errors.Join(err, violated("the page in the browser: %s", strings.Join(misdeeds, "; ")))
	}
	return errors.Join(err, closed)
}

// pagePods are those of the page that are not ending.
func (e *Env) pagePods(ctx context.Context) ([]corev1.Pod, error) {
	found, err := e.allPagePods(ctx)
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(pod corev1.Pod) bool { return pod.DeletionTimestamp != nil })
	if len(found) == 0 {
		return nil, errors.New("no pod of the page runs")
	}
	return found, nil
}

// allPagePods are also those that are ending.
func (e *Env) allPagePods(ctx context.Context) ([]corev1.Pod, error) {
	list, err := kubectl.Get[corev1.PodList](ctx, e.Kubectl, "pods", "-n", e.Tree.Namespace(), "-l", spec.ChatLabel)
	return list.Items, err
}

// pageReady waits until all of the page's pods are those of its Deployment as it is. One that is ending still answers.
func (e *Env) pageReady(ctx context.Context) error {
	d := e.Tree.Chat.Deployment
	if _, err := e.Kubectl.Run(ctx, "-n", d.Namespace, "rollout", "status", "deployment/"+d.Name, "--timeout=3m"); err != nil {
		return err
	}
	if err := eventually(ctx, "the page's old pods to end", func(ctx context.Context) error {
		found, err := e.allPagePods(ctx)
		for _, pod := range found {
			if pod.DeletionTimestamp != nil {
				err = fmt.Errorf("pod %s is ending", pod.Name)
			}
		}
		return err
	}); err != nil {
		return err
	}
	return eventually(ctx, "the page to answer", func(ctx context.Context) error { return e.pageSays(ctx, http.StatusOK, nil, "/healthz") })
}

// patchPage changes the page's Deployment by a JSON patch, and waits for the pods.
func (e *Env) patchPage(ctx context.Context, patch string) error {
	d := e.Tree.Chat.Deployment
	if _, err := e.Kubectl.Run(ctx, "-n", d.Namespace, "patch", "deployment", d.Name, "--type=json", "-p", patch); err != nil {
		return err
	}
	return e.pageReady(ctx)
}

// unlimited is a patch of the tree that lets each user ask as much as they like: what is counted takes more answers than a person
// reads in a minute.
func (e *Env) unlimited() (tree.Patch, error) {
	const flag = "--requests-per-minute="
	d := e.Tree.Chat.Deployment
	for i, arg := range d.Spec.Template.Spec.Containers[0].Args {
		if strings.HasPrefix(arg, flag) {
			patch := fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/args/%d","value":"%s60000"}]`, i, flag)
			return tree.Patch{Kind: "Deployment", Name: d.Name, Patch: patch}, nil
		}
	}
	return tree.Patch{}, lacks("no %s in the arguments of the page", flag)
}

// mendPage applies the tree as it is, and waits for the page. Whoever undoes a patch of the page needs it: that the tree is applied
// tells nothing of the pods.
func (e *Env) mendPage(ctx context.Context) error { return errors.Join(e.mend(ctx), e.pageReady(ctx)) }

// ofPage is the tree's object of a kind that belongs to the page.
func (e *Env) ofPage(kind string) (map[string]any, error) {
	for _, object := range e.objects(kind) {
		if _, name := place(object); name == e.Tree.Chat.Deployment.Name {
			return object, nil
		}
	}
	return nil, lacks("no %s of the page", kind)
}

// underPageLoad runs something that ends pods of the page while its users get answers: half of them long ones, none more often
// than the page lets them.
func (e *Env) underPageLoad(ctx context.Context, run func(context.Context) error) (load.Answers, error) {
	var running []*load.Running
	for i, user := range install.ChatUsers() {
		if user == replaced() {
			continue // who may not be back yet
		}
		tokens := brief
		if i%2 == 0 {
			tokens = long
		}
		plan := load.Plan{Lanes: 1, StreamEvery: 1, Request: load.Request{Tokens: tokens}}
		running = append(running, e.pageClient(user, 1).Start(ctx, plan, longest))
	}
	err := pause(ctx, dwell)
	if err == nil {
		err = run(ctx)
	}
	if err == nil {
		err = pause(ctx, dwell)
	}
	// All at a time: each goes on asking until it is stopped.
	all := make([]load.Answers, len(running))
	var stopped sync.WaitGroup
	for i, r := range running {
		stopped.Go(func() { all[i] = r.Stop() })
	}
	stopped.Wait()
	answers := slices.Concat(all...)
	e.Figure("the page's pods replaced: %s", answers)
	return answers, err
}
