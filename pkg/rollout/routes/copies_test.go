package routes_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/rollout/routes"
	"github.com/kservegen/kservegen/pkg/rollout/runner"
)

// untouched is the document with nothing for v2 yet.
func untouched(text string) string {
	return strings.NewReplacer("v1, weight: 70", "v1, weight: 80", "v2, weight: 10", "v2, weight: 0").Replace(text)
}

func copied(o map[string]any) map[string]any { return copiedTo(o, "v2") }

// copiedTo is what each rule of a route sends copies of to a revision, by the rule's name.
func copiedTo(o map[string]any, revision string) map[string]any {
	rules, _ := o["spec"].(map[string]any)["http"].([]any)
	if o["kind"] == "HTTPRoute" {
		rules = o["spec"].(map[string]any)["rules"].([]any)
	}
	found := map[string]any{}
	for _, rule := range rules {
		rule := rule.(map[string]any)
		mirrors, _ := rule["mirrors"].([]any)
		for _, mirror := range mirrors {
			mirror := mirror.(map[string]any)
			if strings.HasPrefix(mirror["destination"].(map[string]any)["host"].(string), "ship-"+revision+"-") {
				found[rule["name"].(string)] = mirror["percentage"].(map[string]any)["value"]
			}
		}
		filters, _ := rule["filters"].([]any)
		for _, filter := range filters {
			if mirror, is := filter.(map[string]any)["requestMirror"].(map[string]any); is && mirror["backendRef"].(map[string]any)["name"] == "ship-"+revision+"-predictor" {
				found[rule["name"].(string)] = mirror["percent"]
			}
		}
	}
	return found
}

// everywhere are the rules whose requests v2 does not get anyway.
func everywhere(percent float64) map[string]any {
	return map[string]any{"sticky-v1": percent, "sticky-v3": percent, "weights": percent}
}

func copyTo(t *testing.T, p *routes.Place, percent int) {
	t.Helper()
	s, err := p.Read(t.Context())
	require.NoError(t, err)
	require.NoError(t, p.Copy(t.Context(), s, percent, "it answers"))
}

// TestCopies: they are given and taken with the weights in one write, and the record says so to the next runner.
func TestCopies(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text   string
		routes []string
	}{
		"VirtualService": {untouched(document), []string{service}},
		"HTTPRoutes":     {untouched(gateway()), []string{outside, inside}},
		"a path":         {strings.Replace(untouched(gateway()), "hosts:", "path: /ship/, hosts:", 1), []string{outside, inside}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := deploy(t, test.text)
			before := map[string]any{}
			for _, route := range test.routes {
				before[route] = c.Get(route)["spec"]
			}
			p := c.place(t, routes.Options{})
			copyTo(t, p, 20)
			assert.Len(t, c.Writes(), len(test.routes))
			for _, route := range test.routes {
				assert.Equal(t, everywhere(20), copied(c.Get(route)))
				assert.Equal(t, map[string]int{"v1": 80, "v2": 0, "v3": 20}, weights(t, c.Get(route)))
			}
			for _, reader := range []*routes.Place{p, c.place(t, routes.Options{})} {
				s, err := reader.Read(t.Context())
				require.NoError(t, err)
				s.Version = ""
				assert.Equal(t, runner.State{Shadow: 20, Most: 80, Since: c.now, Ready: true}, s)
			}
			move(t, p, 5, "it passed")
			for _, route := range test.routes {
				assert.Empty(t, copied(c.Get(route)))
				assert.Equal(t, map[string]int{"v1": 75, "v2": 5, "v3": 20}, weights(t, c.Get(route)))
			}
			assert.Len(t, c.Writes(), 2*len(test.routes), "the first share and the end of the copies are one write")
			move(t, p, 0, "errors")
			for _, route := range test.routes {
				assert.Equal(t, before[route], c.Get(route)["spec"], "nothing else changed")
			}
		})
	}
}

// TestCopiesAreTakenBack, and what was taken back stays so.
func TestCopiesAreTakenBack(t *testing.T) {
	t.Parallel()
	c := deploy(t, untouched(document))
	p := c.place(t, routes.Options{})
	copyTo(t, p, 20)
	move(t, p, 0, "too many errors")
	assert.Empty(t, copied(c.Get(service)))
	s, err := c.place(t, routes.Options{}).Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []any{0, 0, "too many errors"}, []any{s.Share, s.Shadow, s.RolledBack})
}

// TestCopiesOfTheDocument are what a run begins with, whatever their number; copies that others get stay.
func TestCopiesOfTheDocument(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]string{"VirtualService": untouched(document), "HTTPRoutes": untouched(gateway())} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer("revision: v2, weight: 0,", "revision: v2, weight: 0, mirror: 7,", "revision: v3, weight: 20", "revision: v3, weight: 20, mirror: 3").Replace(plain)
			c := deploy(t, text)
			p := c.place(t, routes.Options{})
			s, err := p.Read(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 7, s.Shadow)
			assert.True(t, s.Since.IsZero())
			route := service
			if name == "HTTPRoutes" {
				route = outside
			}
			copyTo(t, p, 7)
			assert.Equal(t, everywhere(7), copied(c.Get(route)))
			move(t, p, 5, "it passed")
			assert.Empty(t, copied(c.Get(route)))
			assert.Equal(t, map[string]any{"sticky-v1": 3.0, "sticky-v2": 3.0, "weights": 3.0}, copiedTo(c.Get(route), "v3"))
			_, err = c.place(t, routes.Options{}).Read(t.Context())
			require.NoError(t, err)
		})
	}
}

// TestCopiesByAnotherHand are refused in the middle of a run, in one rule alone too, and told.
func TestCopiesByAnotherHand(t *testing.T) {
	t.Parallel()
	set := func(rule int, percent float64) func(map[string]any) {
		return func(o map[string]any) {
			http := o["spec"].(map[string]any)["http"].([]any)
			http[rule].(map[string]any)["mirrors"].([]any)[0].(map[string]any)["percentage"].(map[string]any)["value"] = percent
		}
	}
	drop := func(rules ...int) func(map[string]any) {
		return func(o map[string]any) {
			for _, rule := range rules {
				delete(o["spec"].(map[string]any)["http"].([]any)[rule].(map[string]any), "mirrors")
			}
		}
	}
	for name, test := range map[string]struct {
		change func(map[string]any)
		says   string
	}{
		"one rule":   {set(1, 50), "was changed by somebody: at /spec/http/"},
		"the last":   {set(4, 50), "was changed by somebody: at /spec/http/"},
		"not whole":  {set(4, 20.5), "was changed by somebody: at /spec/http/4/mirrors/0/percentage/value"},
		"none in it": {drop(4), "was changed by somebody: at /spec/http/4/mirrors"},
		"everywhere": {func(o map[string]any) {
			for _, rule := range []int{1, 3, 4} {
				set(rule, 50)(o)
			}
		}, "gives v2 copies of 50 %, and a runner gave it copies of 20 % at"},
		"none": {drop(1, 3, 4), "gives v2 0 %, and a runner gave it copies of 20 % at"},
	} {
		c := deploy(t, untouched(document))
		p := c.place(t, routes.Options{})
		copyTo(t, p, 20)
		_, err := p.Read(t.Context())
		require.NoError(t, err)
		c.change(service, test.change)
		_, err = p.Read(t.Context())
		assert.Contains(t, refusal(t, err), test.says, name)
		assert.Len(t, c.Writes(), 1, name)
	}
}

// TestTornCopies: copies that reached the first of two routes are completed by the next look.
func TestTornCopies(t *testing.T) {
	t.Parallel()
	c := deploy(t, untouched(gateway()))
	p := c.place(t, routes.Options{})
	for _, percent := range []int{20, 0} {
		s, err := p.Read(t.Context())
		require.NoError(t, err)
		c.Before = func(r *http.Request) int {
			if r.Method == http.MethodPatch && r.URL.Path == inside {
				return http.StatusServiceUnavailable
			}
			return 0
		}
		if percent > 0 {
			require.Error(t, p.Copy(t.Context(), s, percent, "because"))
		} else {
			require.Error(t, p.Move(t.Context(), s, 0, "because"))
		}
		assert.NotEqual(t, copied(c.Get(outside)), copied(c.Get(inside)))
		c.Before = nil
		p = c.place(t, routes.Options{})
		s, err = p.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, percent, s.Shadow)
		assert.Equal(t, copied(c.Get(outside)), copied(c.Get(inside)))
	}
}

// TestCopiesOrShares: whatever comes after whatever, the next runner reads what was written, and the route is the document's.
func TestCopiesOrShares(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"VirtualService": untouched(document), "HTTPRoutes": untouched(gateway())} {
		c := deploy(t, text)
		p := c.place(t, routes.Options{})
		rapid.Check(t, func(rt *rapid.T) {
			s, err := p.Read(context.Background())
			require.NoError(rt, err, name)
			share, shadow := 0, 0
			if rapid.Bool().Draw(rt, "copies") {
				shadow = rapid.IntRange(1, 100).Draw(rt, "percent")
				require.NoError(rt, p.Copy(context.Background(), s, shadow, "because"))
			} else {
				share = rapid.IntRange(0, 80).Draw(rt, "share")
				require.NoError(rt, p.Move(context.Background(), s, share, "because"))
			}
			s, err = c.place(t, routes.Options{}).Read(context.Background())
			require.NoError(rt, err)
			require.Equal(rt, []int{share, shadow}, []int{s.Share, s.Shadow})
			for _, path := range []string{service, outside, inside} {
				o := c.Get(path)
				if o == nil {
					continue
				}
				require.Equal(rt, map[string]int{"v1": 80 - share, "v2": share, "v3": 20}, weights(rt, o))
				if want := everywhere(float64(shadow)); shadow > 0 {
					require.Equal(rt, want, copied(o))
				} else {
					require.Empty(rt, copied(o))
				}
			}
		})
	}
}
