package report

// Excerpt is for tests.
var Excerpt = excerpt
