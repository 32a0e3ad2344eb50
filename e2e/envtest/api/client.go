// Package api asks a kube-apiserver what the tests want to know, with the bytes that a client would send: it
// knows no Go type of any kind, so nothing is repaired on the way.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// FieldManager owns the fields of what the tests apply.
const FieldManager = "kservegen"

// Client talks to one server. It is safe for use by several goroutines.
type Client struct {
	host   string
	client *http.Client
	// discovery says which kinds there are.
	discovery discovery.DiscoveryInterface
	resources map[schema.GroupVersionKind]metav1.APIResource
}

// New returns a client that knows the kinds that the server has now; Refresh learns those that came later.
func New(ctx context.Context, config *rest.Config) (*Client, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	found, err := discovery.NewDiscoveryClientForConfigAndClient(config, client)
	if err != nil {
		return nil, err
	}
	c := &Client{host: config.Host, client: client, discovery: found}
	return c, c.Refresh(ctx)
}

// Refresh asks the server which kinds it has. It must not run beside anything else.
func (c *Client) Refresh(context.Context) error {
	_, lists, err := c.discovery.ServerGroupsAndResources()
	if err != nil {
		return fmt.Errorf("asking which kinds the server has: %w", err)
	}
	c.resources = map[schema.GroupVersionKind]metav1.APIResource{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return err
		}
		for _, resource := range list.APIResources {
			if !strings.Contains(resource.Name, "/") { // no status or scale
				c.resources[version.WithKind(resource.Kind)] = resource
			}
		}
	}
	return nil
}

// Serves says whether the server has the kind, and whether its objects live in namespaces.
func (c *Client) Serves(kind schema.GroupVersionKind) (namespaced, ok bool) {
	resource, ok := c.resources[kind]
	return resource.Namespaced, ok
}

// Create makes the object and returns what the server stored.
func (c *Client) Create(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.send(ctx, http.MethodPost, object, false, strict())
}

// Apply makes or changes the object by server-side apply, where unknown and duplicate fields are errors.
func (c *Client) Apply(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	query := strict()
	query.Set("force", "true")
	return c.send(ctx, http.MethodPatch, object, true, query)
}

// DryRun is what the server would store: with its defaults, and with what webhooks make of the object.
func (c *Client) DryRun(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	query := strict()
	query.Set("dryRun", metav1.DryRunAll)
	return c.send(ctx, http.MethodPost, object, false, query)
}

// Get reads the object of this kind, namespace and name.
func (c *Client) Get(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return c.send(ctx, http.MethodGet, object, true, nil)
}

// List returns the objects of a kind in a namespace; of all namespaces, where it is empty.
func (c *Client) List(ctx context.Context, kind schema.GroupVersionKind, namespace string) ([]*unstructured.Unstructured, error) {
	path, err := c.path(kind, namespace)
	if err != nil {
		return nil, err
	}
	content, err := c.do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return nil, err
	}
	list := map[string]any{}
	if err := utiljson.Unmarshal(content, &list); err != nil {
		return nil, err
	}
	items, _ := list["items"].([]any)
	objects := make([]*unstructured.Unstructured, 0, len(items))
	for _, item := range items {
		fields, _ := item.(map[string]any)
		object := &unstructured.Unstructured{Object: fields}
		object.SetGroupVersionKind(kind) // the server leaves it out in lists of native kinds
		objects = append(objects, object)
	}
	return objects, nil
}

// Until asks every now and then until the condition holds, fails, or the context ends.
func Until(ctx context.Context, what string, condition func(context.Context) (bool, error)) error {
	for {
		ok, err := condition(ctx)
		if err != nil {
			return fmt.Errorf("waiting for %s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func strict() url.Values {
	return url.Values{"fieldManager": {FieldManager}, "fieldValidation": {metav1.FieldValidationStrict}}
}

// send asks about one object: by its name, where named, else in the collection of its kind.
func (c *Client) send(ctx context.Context, method string, object *unstructured.Unstructured, named bool, query url.Values) (*unstructured.Unstructured, error) {
	path, err := c.path(object.GroupVersionKind(), object.GetNamespace())
	if err != nil {
		return nil, err
	}
	if named {
		path += "/" + url.PathEscape(object.GetName())
	}
	var body []byte
	if method != http.MethodGet {
		if body, err = json.Marshal(object.Object); err != nil {
			return nil, err
		}
	}
	content, err := c.do(ctx, method, path, query, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s/%s: %w", object.GetKind(), object.GetNamespace(), object.GetName(), err)
	}
	answer := &unstructured.Unstructured{}
	return answer, utiljson.Unmarshal(content, &answer.Object)
}

// path is the collection of a kind.
func (c *Client) path(kind schema.GroupVersionKind, namespace string) (string, error) {
	resource, ok := c.resources[kind]
	if !ok {
		return "", fmt.Errorf("the server has no %s", kind)
	}
	path := "/apis/" + kind.GroupVersion().String()
	if kind.Group == "" {
		path = "/api/" + kind.Version
	}
	if resource.Namespaced && namespace != "" {
		path += "/namespaces/" + url.PathEscape(namespace)
	}
	return path + "/" + resource.Name, nil
}

// do sends bytes and returns bytes, or a *Refusal where the server says no.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.host+path+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", contentType(method))
	response, err := c.client.Do(request)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, refusal(response.StatusCode, content)
	}
	return content, nil
}

func contentType(method string) string {
	if method == http.MethodPatch {
		return "application/apply-patch+yaml" // JSON is YAML
	}
	return "application/json"
}
