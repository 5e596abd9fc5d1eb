package archive

import (
	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
)

// summary collects what a segment's header says about the entries that end in it.
type summary struct {
	previousGTIDs *binlog.GTIDSet
	gtids         binlog.GTIDSet
	entries       uint64
	first, last   binlog.Time
	smallest      binlog.Time
	greatest      binlog.Time
	closed        bool
	limits        []segment.Limit
	undone        []binlog.OffsetRange
	content       segment.Content
	format        []byte
}

func (s *summary) add(e *event.Entry) {
	s.entries++
	s.gtids.Add(e.GTID)
	s.undone = append(s.undone, e.Undone...)
	t := commitTime(e)
	if t == 0 {
		return
	}
	if s.first == 0 {
		s.first, s.smallest, s.greatest = t, t, t
	}
	s.last = t
	s.smallest, s.greatest = min(s.smallest, t), max(s.greatest, t)
}

// commitTime returns when an entry was committed: what its GTID event says, on older servers
// the header time of its last event, in whole seconds.
func commitTime(e *event.Entry) binlog.Time {
	if e.CommitTime != 0 {
		return e.CommitTime
	}
	const microseconds = 1_000_000
	return binlog.Time(e.Timestamp) * microseconds
}

// fill puts the summary into a header.
func (s *summary) fill(h *segment.Header) {
	h.PreviousGTIDs, h.GTIDs, h.Entries, h.Closed, h.Limits = s.previousGTIDs, s.gtids, s.entries, s.closed, s.limits
	h.Undone = s.undone
	h.FirstCommit, h.LastCommit, h.SmallestCommit, h.GreatestCommit = s.first, s.last, s.smallest, s.greatest
	h.Content, h.Format = s.content.Clone(), s.format
}
