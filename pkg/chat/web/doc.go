// Package web serves the page in which a person talks to a model that was deployed and sees its canary at work.
//
// The page is a handful of files without a build step, embedded in the program. The server adds three things: what the
// page is about, the models, and a proxy that streams answers. The browser never sees a credential of the model: these
// are the business of the Transport that the caller of New brings. Who may ask is decided in guard.go.
package web
