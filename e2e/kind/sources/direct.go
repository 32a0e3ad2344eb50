package sources

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// direct asks a handler of this process, without a connection.
type direct struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(request *http.Request) (*http.Response, error) {
	asked := request.Clone(request.Context())
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	answer := &recorder{status: http.StatusOK, header: http.Header{}}
	d.handler.ServeHTTP(answer, asked)
	length, err := strconv.ParseInt(answer.header.Get("Content-Length"), 10, 64)
	if err != nil {
		length = int64(answer.body.Len())
	}
	return &http.Response{
		StatusCode: answer.status, Status: http.StatusText(answer.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.header, Body: io.NopCloser(&answer.body), ContentLength: length, Request: request,
	}, asked.Body.Close()
}

// recorder keeps an answer.
type recorder struct {
	status int
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// Write implements http.ResponseWriter.
func (r *recorder) Write(content []byte) (int, error) { return r.body.Write(content) }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) { r.status = status }
