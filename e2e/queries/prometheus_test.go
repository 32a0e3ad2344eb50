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
	webapi "github.com/prometheus/prometheus/web/api/v1"
)

// serve has Prometheus' own HTTP API answer from series, in the words of promqltest's load, collected every 15 s from the
// beginning of 1970.
func serve(t *testing.T, series string) *httptest.Server {
	t.Helper()
	storage := promqltest.LoadedStorage(t, "load 15s\n"+series)
	t.Cleanup(func() { _ = storage.Close() })
	engine := promqltest.NewTestEngine(t, false, 0, 50_000_000)
	none := func() (webapi.RuntimeInfo, error) { return webapi.RuntimeInfo{}, errors.New("not asked") }
	api := webapi.NewAPI(engine, storage, nil, nil,
		func(context.Context) webapi.ScrapePoolsRetriever { return nil }, func(context.Context) webapi.TargetRetriever { return nil },
		func(context.Context) webapi.AlertmanagerRetriever { return nil },
		func() config.Config { return config.Config{} }, nil, webapi.GlobalURLOptions{}, func(f http.HandlerFunc) http.HandlerFunc { return f },
		nil, "", false, false, 0, promslog.NewNopLogger(), func(context.Context) webapi.RulesRetriever { return nil },
		0, 0, 0, false, nil, none, &webapi.PrometheusVersion{}, nil, nil, prometheus.NewRegistry(), nil, nil,
		false, remote.MessageTypes{remote.WriteV1MessageType}, false, false, false, 5*time.Minute, false, false, nil, nil,
		webapi.OpenAPIOptions{}, parser.NewParser(parser.Options{}), false, 0)
	router := route.New().WithPrefix("/api/v1")
	api.Register(router)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return server
}
