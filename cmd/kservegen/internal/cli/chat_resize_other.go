//go:build !unix

package cli

// resized does nothing: only Unix tells of another size.
func resized(func()) (stop func()) { return func() {} }
