// Package edit changes single values of a YAML file where they stand, and no other byte: comments, order, quotes, layout
// and line breaks stay.
//
// Each change is made in the text, and the text is read again. What it says then must be what it said before with the
// change made in the data; otherwise the file is refused, with the place. So a layout that nobody thought of costs an edit
// by hand, and never a wrong document.
package edit
