package istio

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	lua "github.com/yuin/gopher-lua"
	"istio.io/client-go/pkg/apis/extensions/v1alpha1"
	"pgregory.net/rapid"

	"github.com/kservegen/kservegen/pkg/spec"
)

// filter runs the script as Envoy does: once when it is loaded, and then a function for each request.
type filter struct{ state *lua.LState }

func open(t *testing.T, target spec.Target) filter {
	t.Helper()
	objects := Buckets([]spec.Target{target}, nil)
	require.Len(t, objects, 1)
	extension, ok := objects[0].Typed.(*v1alpha1.TrafficExtension)
	require.True(t, ok)
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	t.Cleanup(state.Close)
	for _, library := range []lua.LGFunction{lua.OpenBase, lua.OpenString, lua.OpenTable, lua.OpenMath} {
		library(state)
	}
	require.NoError(t, state.DoString(extension.Spec.GetLua().GetInlineCode()))
	return filter{state}
}

// request is one through the gateway; what is left of its headers comes back. headers:get, add and remove are those of
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/lua_filter#header-object-api.
func (g filter) request(t require.TestingT, headers map[string]string) map[string]string {
	s, left := g.state, map[string]string{}
	for name, value := range headers {
		left[name] = value
	}
	object := s.NewTable()
	s.SetFuncs(object, map[string]lua.LGFunction{
		"get": func(s *lua.LState) int {
			if value, there := left[s.CheckString(2)]; there {
				s.Push(lua.LString(value))
			} else {
				s.Push(lua.LNil)
			}
			return 1
		},
		"add":    func(s *lua.LState) int { left[s.CheckString(2)] = s.CheckString(3); return 0 },
		"remove": func(s *lua.LState) int { delete(left, s.CheckString(2)); return 0 },
	})
	handle := s.NewTable()
	s.SetFuncs(handle, map[string]lua.LGFunction{"headers": func(s *lua.LState) int { s.Push(object); return 1 }})
	require.NoError(t, s.CallByParam(lua.P{Fn: s.GetGlobal("envoy_on_request"), Protect: true}, handle))
	return left
}

const bucketHeader = "x-llm-bucket"

func sticky(from spec.StickyFrom) spec.Target {
	t := target(90, 10)
	t.Expose = &spec.Expose{Gateway: "istio-ingress/llm", Hosts: []string{"llm.example.com", "*.apps.example.com"}}
	t.Sticky = &spec.Sticky{Header: bucketHeader, From: &from}
	return t
}

// to is a request of our host, with headers beside it.
func to(pairs ...string) map[string]string {
	headers := map[string]string{":authority": "llm.example.com", ":path": "/v1/models"}
	for i := 0; i < len(pairs); i += 2 {
		headers[pairs[i]] = pairs[i+1]
	}
	return headers
}

// want is the bucket by Go's own FNV-1a.
func want(user string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(user))
	return strconv.Itoa(int(sum.Sum32() % 100))
}

func token(payload string) string {
	return "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
}

func TestCookies(t *testing.T) {
	t.Parallel()
	g := open(t, sticky(spec.StickyFrom{Cookie: "session"}))
	for cookies, user := range map[string]string{
		"session=ann": "ann", "a=b; session=ann": "ann", "session=ann; b=c": "ann", "session=ann ;b=c": "ann",
		"my-session=bob; session=ann": "ann", "session=a=b==": "a=b==", "session=first; session=second": "first",
		"session=": "", "": "", "session": "", "Session=ann": "", "a=session": "",
	} {
		left := g.request(t, to("cookie", cookies, bucketHeader, "3"))
		if user == "" {
			assert.NotContains(t, left, bucketHeader, cookies)
			continue
		}
		assert.Equal(t, want(user), left[bucketHeader], cookies)
	}
}

func TestClaims(t *testing.T) {
	t.Parallel()
	g := open(t, sticky(spec.StickyFrom{Claim: "sub"}))
	for payload, user := range map[string]string{
		`{"sub":"ann"}`: "ann", `{ "iss" : "https://example.com" , "sub" : "ann" }`: "ann", `{"act":{"sub":"bob"},"sub":"ann"}`: "ann",
		`{"aud":["sub","x"],"sub":"ann"}`: "ann", `{"name":"\"sub\":\"bob","sub":"ann"}`: "ann", `{"x":"sub","sub":"ann"}`: "ann",
		`{"n":1,"b":true,"z":null,"sub":"ann","exp":9}`: "ann", `{"x":"a\\","sub":"ann"}`: "ann", `{"sub":"Änn {x}"}`: "Änn {x}",
		`{"sub":7}`: "", `{"sub":7,"x":"bob"}`: "", `{"sub":["ann"]}`: "", `{"sub":{"sub":"ann"}}`: "", `{}`: "", `nonsense`: "", `{"sub":"ann`: "", `{"sub":""}`: "",
	} {
		left := g.request(t, to("authorization", token(payload)))
		if user == "" {
			assert.NotContains(t, left, bucketHeader, payload)
			continue
		}
		assert.Equal(t, want(user), left[bucketHeader], payload)
	}
	for _, other := range []string{"Bearer sk-1234", "Basic YTpi", "Bearer a.b", "", "Bearer ..", "Bearer a.é!.c"} {
		assert.NotContains(t, g.request(t, to("authorization", other)), bucketHeader, other)
	}
	g = open(t, sticky(spec.StickyFrom{Claim: "https://example.com/user"}))
	assert.Equal(t, want("ann"), g.request(t, to("authorization", token(`{"https:\/\/example.com\/user":"ann"}`)))[bucketHeader])
}

// TestOnlyOurRequests: whatever a client sends as its bucket is taken off where the model is asked, and requests to others are
// left alone.
func TestOnlyOurRequests(t *testing.T) {
	t.Parallel()
	byPath := sticky(spec.StickyFrom{Header: "x-user"})
	byPath.Expose.Path = "/deepseek/"
	byHeader := sticky(spec.StickyFrom{Header: "x-user"})
	byHeader.Expose.Header = &spec.HeaderMatch{Header: "x-model", Value: `say "hi" \ é`}
	for name, test := range map[string]struct {
		target       spec.Target
		ours, others []map[string]string
	}{
		"a host": {
			sticky(spec.StickyFrom{Header: "x-user"}),
			[]map[string]string{to(), to(":authority", "LLM.example.com:443"), to(":authority", "a.apps.example.com"), to(":authority", "a.b.apps.example.com:80")},
			[]map[string]string{to(":authority", "other.example.com"), to(":authority", "apps.example.com"), to(":authority", ".apps.example.com.evil.com"), to(":authority", "xllm.example.com")},
		},
		"a path": {
			byPath,
			[]map[string]string{to(":path", "/deepseek/v1/models"), to(":path", "/deepseek/?x=/"), to(":path", "/deepseek")},
			[]map[string]string{to(":path", "/gpt-oss/v1/models"), to(":path", "/?/deepseek/"), to(":path", "/deepseek-2/v1")},
		},
		"a header": {
			byHeader,
			[]map[string]string{to("x-model", `say "hi" \ é`)},
			[]map[string]string{to(), to("x-model", "gpt-oss")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t, test.target)
			for _, headers := range test.ours {
				headers[bucketHeader] = "3"
				assert.NotContains(t, g.request(t, headers), bucketHeader, headers)
				headers["x-user"] = "ann"
				assert.Equal(t, want("ann"), g.request(t, headers)[bucketHeader], headers)
			}
			for _, headers := range test.others {
				headers[bucketHeader], headers["x-user"] = "3", "ann"
				assert.Equal(t, headers, g.request(t, headers))
			}
		})
	}
}

// TestAnyRequest: no request makes the script fail, and its bucket is that of the user, always the same one.
func TestAnyRequest(t *testing.T) {
	t.Parallel()
	for _, from := range []spec.StickyFrom{{Cookie: "session"}, {Claim: "sub"}, {Header: "x-user"}} {
		g := open(t, sticky(from))
		rapid.Check(t, func(rt *rapid.T) {
			text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\x20-\x7e]{0,60}`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
			noise := text.Draw(rt, "noise")
			headers := to("cookie", noise, "authorization", noise, "x-user", noise, ":path", "/"+noise)
			if rapid.Bool().Draw(rt, "a token") {
				headers["authorization"] = token(noise)
			}
			left := g.request(rt, headers)
			require.Equal(rt, left, g.request(rt, headers))
			if bucket, there := left[bucketHeader]; there {
				require.Regexp(rt, `^\d\d?$`, bucket)
			}
			user := rapid.StringMatching(`[a-zA-Z0-9@._-]{1,40}`).Draw(rt, "user")
			payload, err := json.Marshal(map[string]any{"iss": noise, "sub": user, "z": noise})
			require.NoError(rt, err)
			headers = to("cookie", "a=b; session="+user, "authorization", token(string(payload)), "x-user", user, bucketHeader, noise)
			require.Equal(rt, want(user), g.request(rt, headers)[bucketHeader])
		})
	}
}

// TestBucketsOfManyUsers: 5,000 users spread evenly, be their names numbers or addresses (the 99.9 % bound of chi-square with 99 degrees
// of freedom is 149), and as the weight grows users only ever come to the canary.
func TestBucketsOfManyUsers(t *testing.T) {
	t.Parallel()
	g := open(t, sticky(spec.StickyFrom{Header: "x-user"}))
	const users = 5000
	for _, form := range []string{"%d", "user-%05d", "ann.%d@example.com", "auth0|%024x"} {
		counts, bucketOf := map[string]int{}, map[string]string{}
		for i := range users {
			user := fmt.Sprintf(form, i)
			bucket := g.request(t, to("x-user", user))[bucketHeader]
			counts[bucket]++
			bucketOf[user] = bucket
		}
		spread := 0.0
		for n := range 100 {
			off := float64(counts[strconv.Itoa(n)]) - users/100
			spread += off * off / (users / 100)
		}
		assert.Lessf(t, spread, 149.0, "%s: chi-square", form)

		before := map[string]bool{}
		for _, weight := range []int{0, 5, 25, 50, 100} {
			canary := sticky(spec.StickyFrom{Header: "x-user"})
			canary.Revisions[0].Weight, canary.Revisions[1].Weight = 100-weight, weight
			mine := regexp.MustCompile("^(?:" + Traffic(canary)[1].Buckets + ")$")
			now := map[string]bool{}
			for user, bucket := range bucketOf {
				now[user] = mine.MatchString(bucket)
				require.Falsef(t, before[user] && !now[user], "%s leaves the canary at %d %%", user, weight)
			}
			before = now
		}
	}
}

// TestWhereBucketsAreWritten: on the gateway's pods, or by the name of a Gateway of the Gateway API; the namespace is the gateway's.
func TestWhereBucketsAreWritten(t *testing.T) {
	t.Parallel()
	istios := sticky(spec.StickyFrom{Cookie: "session"})
	gateways := sticky(spec.StickyFrom{Cookie: "session"})
	gateways.Expose.API = spec.APIGateway
	alone := target(100)
	alone.Sticky = &spec.Sticky{Header: bucketHeader}
	assert.Empty(t, Buckets([]spec.Target{alone, target(100)}, nil))
	for _, test := range []spec.Target{istios, gateways} {
		object := Buckets([]spec.Target{alone, test}, nil)[0]
		extension, ok := object.Typed.(*v1alpha1.TrafficExtension)
		require.True(t, ok)
		assert.Equal(t, "trafficextension-istio-ingress-deepseek-r1.llm", object.File)
		assert.Equal(t, "istio-ingress", extension.Namespace)
		if test.Expose.OfGatewayAPI() {
			assert.Nil(t, extension.Spec.Selector)
			assert.Equal(t, "llm", extension.Spec.TargetRefs[0].Name)
		} else {
			assert.Empty(t, extension.Spec.TargetRefs)
			assert.Equal(t, map[string]string{"istio": "ingressgateway"}, extension.Spec.Selector.MatchLabels)
		}
		assert.Equal(t, 1, strings.Count(extension.Spec.GetLua().GetInlineCode(), "function envoy_on_request"))
	}
}
