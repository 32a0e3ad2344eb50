// Package signin finds out who asks a page: by names and passwords of a file, for a test, or by an OpenID Connect issuer.
//
// Nothing of it is kept on the server but what saves work, so that any of several pods answers. Both ways are for a page
// that is reached by TLS: a password goes with each request, and a token in a cookie.
package signin
