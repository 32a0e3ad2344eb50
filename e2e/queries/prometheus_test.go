package queries

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// serve has Prometheus' own HTTP API answer from series, in the words of promqltest's load, collected every 15 s from the
// beginning of 1970.
func serve(t *testing.T, series string) *httptest.Server {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 15s\n"+series)
	t.Cleanup(func() { _ = storage.Close() })
	engine := promqltest.NewTestEngine(t, false, 0, 50_000_000)
	none := func() (v1.RuntimeInfo, error) { return v1.RuntimeInfo{}, errors.New("not asked") }
	api := v1.NewAPI(engine, storage, nil, nil,
		func(context.Context) v1.ScrapePoolsRetriever { return nil }, func(context.Context) v1.TargetRetriever { return nil },
		func(context.Context) v1.AlertmanagerRetriever { return nil },
		func() config.Config { return config.Config{} }, nil, v1.GlobalURLOptions{}, func(f http.HandlerFunc) http.HandlerFunc { return f },
		nil, "", false, false, 0, promslog.NewNopLogger(), func(context.Context) v1.RulesRetriever { return nil },
		0, 0, 0, false, nil, none, &v1.PrometheusVersion{}, nil, nil, prometheus.NewRegistry(), nil, nil,
		false, remote.MessageTypes{remote.WriteV1MessageType}, false, false, false, 5*time.Minute, false, false, nil, nil,
		v1.OpenAPIOptions{}, parser.NewParser(parser.Options{}), false, 0)
	router := route.New().WithPrefix("/api/v1")
	api.Register(router)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return server
}
