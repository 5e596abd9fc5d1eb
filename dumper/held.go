package dumper

import (
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// held tells whoever watches why something waits now, one reason at a time.
type held struct {
	phase progress.Phase
	why   string
	end   func()
}

// held begins without a reason.
func (b *backup) held() *held { return &held{phase: b.phase, end: func() {}} }

// because changes the reason; empty for none.
func (h *held) because(why string) {
	if why == h.why {
		return
	}
	h.end()
	h.why, h.end = why, func() {}
	if why != "" {
		h.end = h.phase.Waits(why)
	}
}

// over ends the wait.
func (h *held) over() { h.because("") }

// by says why what ended with err is tried again. name is what is read, empty where everything is.
func (h *held) by(err error, name schema.Name) {
	switch {
	case server.IsTransient(err):
		h.because("for the source, which does not answer")
	case server.ErrorNumber(err) == errTablespaceDiscarded:
		h.because("for the tablespace of " + name.String() + ", which has been discarded")
	case judge(err) != again:
		h.over() // it is read in smaller parts
	case name.Name == "":
		h.because("for other sessions, to list what there is")
	default:
		h.because("for another session that holds a lock on " + name.String())
	}
}
