package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kservegen/kservegen/pkg/render"
	"github.com/kservegen/kservegen/pkg/spec"
)

// treeWeights are those of traffic files. One that cannot be read says nothing.
func treeWeights(files []string) []render.WeightEdit {
	var weights []render.WeightEdit
	for _, file := range files {
		if data, err := os.ReadFile(file); err == nil {
			weights = append(weights, render.ReadWeights(data)...)
		}
	}
	return weights
}

// probeFlags ask each revision once.
type probeFlags struct {
	on        bool
	url       string
	tokenFile string
	timeout   time.Duration
}

func (f *probeFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.on, "probe", false, "send each revision one short request by its testers' header; exit 1 where one fails")
	flags.StringVar(&f.url, "url", "", "scheme and host of the gateway, for --probe")
	flags.StringVar(&f.tokenFile, "token-file", "", "file with a bearer token for --probe")
	flags.DurationVar(&f.timeout, "probe-timeout", 30*time.Second, "how long an answer may take")
	_ = cmd.MarkFlagFilename("token-file")
}

func (f *probeFlags) validate() error {
	if !f.on {
		if f.url != "" || f.tokenFile != "" {
			return usagef("--url and --token-file are for --probe")
		}
		return nil
	}
	if u, err := url.Parse(f.url); err != nil || u.Host == "" {
		return usagef("--probe takes --url, such as https://deepseek.example.com")
	}
	return nil
}

// probeReport is what came of one request.
type probeReport struct {
	OK bool `json:"ok"`
	// Milliseconds to the end of the answer.
	Milliseconds int64  `json:"milliseconds"`
	Error        string `json:"error,omitempty"`
}

func (p probeReport) words() string {
	if p.OK {
		return fmt.Sprintf("%d ms", p.Milliseconds)
	}
	return "failed: " + p.Error
}

// ask sends one request to each revision and reports whether one failed.
func (f *probeFlags) ask(ctx context.Context, report *statusReport, target *spec.Target) bool {
	failed := false
	for i := range report.Revisions {
		line := &report.Revisions[i]
		if !f.on {
			continue
		}
		start := time.Now()
		err := errNotAsked
		if line.testers != nil || len(report.Revisions) == 1 {
			err = f.request(ctx, report.Model, target, line.testers)
		}
		line.Probe = &probeReport{OK: err == nil, Milliseconds: time.Since(start).Milliseconds()}
		if err != nil {
			line.Probe.Error, failed = err.Error(), true
		}
	}
	return failed
}

// request asks for one token.
func (f *probeFlags) request(ctx context.Context, model string, target *spec.Target, testers *spec.HeaderMatch) error {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if target != nil {
		model = target.ServedName
	}
	body, err := json.Marshal(map[string]any{"model": model, "prompt": "1", "max_tokens": 1})
	if err != nil {
		return err
	}
	path := "/v1/completions"
	if target != nil && target.Expose != nil {
		path = strings.TrimSuffix(target.Expose.Path, "/") + path
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(f.url, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err = f.headers(request, target, testers); err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, strings.TrimSpace(string(said[:min(len(said), 200)])))
	}
	return nil
}

func (f *probeFlags) headers(request *http.Request, target *spec.Target, testers *spec.HeaderMatch) error {
	request.Header.Set("Content-Type", "application/json")
	if testers != nil {
		request.Header.Set(testers.Header, testers.Value)
	}
	if target != nil && target.Expose != nil {
		if hosts := target.Expose.Hosts; len(hosts) > 0 && !slices.Contains(hosts, request.URL.Hostname()) {
			request.Host = hosts[0] // the gateway's own address was given
		}
		if header := target.Expose.Header; header != nil {
			request.Header.Set(header.Header, header.Value)
		}
	}
	if f.tokenFile == "" {
		return nil
	}
	token, err := os.ReadFile(f.tokenFile)
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return err
}
