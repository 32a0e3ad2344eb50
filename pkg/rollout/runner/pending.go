package runner

import "errors"

// ErrPending is that a Move was asked for and stands when somebody agrees to it. Until then the share stays, and so does the look at
// it.
var ErrPending = errors.New("not agreed to yet")
