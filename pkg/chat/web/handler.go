package web

import (
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"slices"
)

//go:embed static
var files embed.FS

// New is the page and what it asks. Put it behind a listener that Listen made: the handler does not see where it listens.
func New(c Config) (http.Handler, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	pages, err := readPages()
	if err != nil {
		return nil, err
	}
	api := http.NewServeMux()
	api.HandleFunc("GET /api/about", c.about)
	api.Handle("GET /api/models", c.running(c.models))
	api.Handle("POST /api/chat", limited(c.PerMinute, c.running(c.chat)))
	api.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Refuse(w, http.StatusNotFound, "not_found", r.Method+" "+r.URL.Path+" is not part of the page's API")
	})
	mux := http.NewServeMux()
	mux.Handle("/api/", SameOrigin(demandToken(c.Token, api)))
	mux.Handle("/", pages)
	return timely(bodyTime, harden(healthy(knownHost(c.Hosts, c.Token != "", spelled(c.signedIn(mux)))))), nil
}

// readPages reads the files of the page once: what they weigh is small, and a missing one is noticed here.
func readPages() (pages, error) {
	root, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	out := pages{}
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		page, err := newPage(name, data)
		if err != nil {
			return err
		}
		out["/"+name] = page
		return nil
	})
	out["/"] = out["/index.html"]
	return out, err
}

// aboutPage is what the page is told before it asks anything.
type aboutPage struct {
	Name      string          `json:"name"`
	Model     string          `json:"model,omitempty"`
	Revisions []aboutRevision `json:"revisions"`
	// Unread is the model whose route cannot be read.
	Unread string       `json:"unread,omitempty"`
	SignIn *aboutSignIn `json:"signIn,omitempty"`
}

type aboutRevision struct {
	Name string `json:"name"`
	// Weight is left out where it is not known.
	Weight *int `json:"weight,omitempty"`
	// Chosen says that it can be asked for by name.
	Chosen bool `json:"chosen"`
}

func (c Config) about(w http.ResponseWriter, r *http.Request) {
	out := aboutPage{Name: c.Name, Model: c.Model, Revisions: []aboutRevision{}, SignIn: c.aboutSignIn(r)}
	if c.Live != nil {
		out.Unread = c.Live.Unread()
	}
	revisions := c.known()
	known := slices.ContainsFunc(revisions, func(r Revision) bool { return r.Weight > 0 })
	for _, r := range revisions {
		shown := aboutRevision{Name: r.Name, Chosen: r.Header != ""}
		if known {
			shown.Weight = &r.Weight
		}
		out.Revisions = append(out.Revisions, shown)
	}
	answer(w, http.StatusOK, out)
}

// failure has the shape of the API's own errors, so that the page reads one.
type failure struct {
	Error failed `json:"error"`
}

type failed struct {
	Message string `json:"message"`
	Code    string `json:"code"`
}

// Refuse answers with an error, in the shape that the page reads.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, failure{failed{Message: message, Code: code}})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A browser that went away is nobody's loss.
	_ = json.NewEncoder(w).Encode(body)
}
