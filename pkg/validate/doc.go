// Package validate is the way from paths to a report: read, check each set, leave out what a person asked to
// leave out.
package validate
