package schema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kservegen/kservegen/pkg/schema"
)

// FuzzValidate validates anything that is JSON as an object of a kind of every sort: no panic, no endless loop, a path
// that is a JSON pointer, and the same answer from a catalog that has seen it.
func FuzzValidate(f *testing.F) {
	for _, object := range append(goodObjects(f), badObjects(f)...) {
		source, err := json.Marshal(object)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Add([]byte(`{"apiVersion":"v1","kind":"Pod","metadata":5,"spec":[[]]}`))
	f.Add([]byte(`{"apiVersion":"networking.istio.io/v1","kind":"VirtualService","metadata":{"name":"a","labels":[]},"spec":{"http":{}}}`))
	c := catalog(f, nil)
	f.Fuzz(func(t *testing.T, source []byte) {
		var object map[string]any
		if unmarshal(source, &object) != nil || len(source) > 1<<16 {
			return
		}
		problems, err := c.Validate(t.Context(), object)
		for _, p := range problems {
			if p.Path != "" && !strings.HasPrefix(p.Path, "/") || p.Message == "" || p.Type == "" {
				t.Fatalf("%#v", p)
			}
		}
		again, errAgain := c.Validate(t.Context(), object)
		if len(again) != len(problems) || (err == nil) != (errAgain == nil) {
			t.Fatalf("first %v %v, then %v %v", problems, err, again, errAgain)
		}
		if _, err := c.Default(object); err != nil && c.Known(text(object, "apiVersion"), text(object, "kind")) {
			t.Fatal(err)
		}
	})
}

func text(object map[string]any, key string) string {
	value, _ := object[key].(string)
	return value
}

// TestMutantsNeverPanic is the fuzz test's quick cousin, with changes that keep an object's kind.
func TestMutantsNeverPanic(t *testing.T) {
	t.Parallel()
	c := catalog(t, schema.Versions{"gateway-api": "1.6-experimental"})
	refused := 0
	for object := range mutants(t, 2, 24) {
		if problems, _ := c.Validate(t.Context(), object); len(problems) > 0 {
			refused++
		}
	}
	if refused < 1000 {
		t.Errorf("%d mutants are refused: the mutants or the validation are broken", refused)
	}
}
