package dumper

import (
	"time"

	"github.com/tripod-db/tripod/internal/fault"
)

// stillness bounds a wait without progress.
type stillness struct {
	limit time.Duration
	since time.Time
	last  string
}

// check fails when mark has been the same for longer than the limit.
func (s *stillness) check(mark, what string) error {
	if mark != s.last {
		s.last, s.since = mark, time.Now()
		return nil
	}
	if time.Since(s.since) < s.limit {
		return nil
	}
	return timeout("%s: nothing has moved for %v", what, s.limit)
}

// timeout is the fault of a wait that came to its bound.
func timeout(format string, args ...any) error {
	return fault.New(fault.CodeFailed, fault.KindTimeout, "see what holds it up, or allow more time with --wait", format, args...)
}
