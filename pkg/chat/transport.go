package chat

import "net/http"

// Transport carries the requests of others to the same server, such as the page's: with the host, the headers that
// choose the model, and the token, so that nobody else needs to know them. It follows no redirect.
func (c *Client) Transport() http.RoundTripper { return carrier{c} }

type carrier struct{ client *Client }

// RoundTrip changes a copy, as http.RoundTripper asks for.
func (t carrier) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	t.client.introduce(request)
	return t.client.http.Transport.RoundTrip(request)
}

// introduce says for whom a request is, and from whom.
func (c *Client) introduce(request *http.Request) {
	request.Host = c.host
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, h := range c.selecting {
		request.Header.Set(h.Name, h.Value)
	}
}
