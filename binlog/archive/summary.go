package archive

import (
	"maps"
	"slices"
	"strings"

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
}

func (s *summary) add(e *event.Entry) {
	s.entries++
	s.gtids.Add(e.GTID)
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
	h.PreviousGTIDs, h.GTIDs, h.Entries, h.Closed = s.previousGTIDs, s.gtids, s.entries, s.closed
	h.FirstCommit, h.LastCommit, h.SmallestCommit, h.GreatestCommit = s.first, s.last, s.smallest, s.greatest
}

// openXA are the transactions that are prepared at a place, by XID.
type openXA map[string]binlog.Position

func newOpenXA(list []segment.OpenXA) openXA {
	x := openXA{}
	for _, t := range list {
		x[t.XID] = t.Prepare
	}
	return x
}

// pass moves the set behind an entry.
func (x openXA) pass(e *event.Entry) {
	switch e.Kind {
	case event.XAPrepared:
		x[e.XID] = e.Start
	case event.XACommit, event.XARollback:
		delete(x, e.XID)
	case event.Transaction, event.Statement:
	}
}

// list returns the set in the order of the XIDs, which changes nothing when nothing changed.
func (x openXA) list() []segment.OpenXA {
	var list []segment.OpenXA
	for _, xid := range slices.SortedFunc(maps.Keys(x), strings.Compare) {
		list = append(list, segment.OpenXA{XID: xid, Prepare: x[xid]})
	}
	return list
}
