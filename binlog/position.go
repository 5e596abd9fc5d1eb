package binlog

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Timeline names the binlog history of one server: its server_uuid (MariaDB: MariaDBTimeline), or
// "<uuid>~2" and so on where the same server began its history again.
type Timeline string

// MariaDBTimeline names the history of a server that has no server_uuid: by its server id, and by
// when, in Unix time, the file was begun with which the timeline begins.
func MariaDBTimeline(serverID string, begun uint32) Timeline {
	return Timeline(fmt.Sprintf("%s%d", MariaDBTimelines(serverID), begun))
}

// MariaDBTimelines is what the names of all timelines of a server id begin with.
func MariaDBTimelines(serverID string) string { return "m" + serverID + "-" }

// FirstOffset is where the first event of every binlog file starts: behind the 4 magic bytes.
const FirstOffset = 4

// Position is a place in the log: an offset in bytes into one file of one timeline.
// Every position that tripod keeps is a boundary between log entries. Position is comparable
// with ==; the zero value means "unknown".
type Position struct {
	Timeline Timeline `json:"timeline"`
	File     string   `json:"file"`
	Pos      uint64   `json:"pos"`
}

// IsZero tells whether p is unknown.
func (p Position) IsZero() bool { return p == Position{} }

// Compare orders two positions of one timeline: by file number, then by offset. It panics
// when the timelines differ (W5): such positions have no order of their own, the caller has
// to ask the archive's line of history.
func (p Position) Compare(q Position) int {
	if p.Timeline != q.Timeline {
		panic(fmt.Sprintf("binlog: W5: compared positions of different timelines: %s and %s", p, q))
	}
	if p.File != q.File {
		if c := CompareFiles(p.File, q.File); c != 0 {
			return c
		}
	}
	return cmp.Compare(p.Pos, q.Pos)
}

// Before tells whether p lies before q, in one timeline.
func (p Position) Before(q Position) bool { return p.Compare(q) < 0 }

// AtOrBefore tells whether p is q or lies before it, in one timeline.
func (p Position) AtOrBefore(q Position) bool { return p.Compare(q) <= 0 }

// Later returns the later of two positions of one timeline; an unknown one counts as earliest.
func Later(p, q Position) Position {
	switch {
	case p.IsZero():
		return q
	case q.IsZero() || q.Before(p):
		return p
	}
	return q
}

// String prints TIMELINE/FILE:POS, the form that ParsePosition reads.
func (p Position) String() string {
	s := p.File + ":" + strconv.FormatUint(p.Pos, 10)
	if p.Timeline != "" {
		s = string(p.Timeline) + "/" + s
	}
	return s
}

// ParsePosition reads [TIMELINE/]FILE:POS.
func ParsePosition(s string) (Position, error) {
	var p Position
	rest := s
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		p.Timeline, rest = Timeline(rest[:i]), rest[i+1:]
		if p.Timeline == "" {
			return Position{}, fmt.Errorf("read position %q: the timeline before / is empty", s)
		}
	}
	i := strings.LastIndexByte(rest, ':')
	if i <= 0 {
		return Position{}, fmt.Errorf("read position %q: want [TIMELINE/]FILE:POS", s)
	}
	p.File = rest[:i]
	if _, err := FileNumber(p.File); err != nil {
		return Position{}, fmt.Errorf("read position %q: %w", s, err)
	}
	n, err := strconv.ParseUint(rest[i+1:], 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("read position %q: the offset is no number", s)
	}
	p.Pos = n
	return p, nil
}

// FileNumber returns the sequence number of a binlog file's name: the digits behind its last dot.
func FileNumber(name string) (uint64, error) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || i == len(name)-1 {
		return 0, fmt.Errorf("binlog file name %q has no number", name)
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("binlog file name %q has no number", name)
	}
	return n, nil
}

// CompareFiles orders two binlog file names of one timeline by number, never by text. Names
// without a number (which no server writes) come first, by text.
func CompareFiles(a, b string) int {
	x, errA := FileNumber(a)
	y, errB := FileNumber(b)
	switch {
	case errA != nil && errB != nil:
		return strings.Compare(a, b)
	case errA != nil:
		return -1
	case errB != nil:
		return 1
	}
	return cmp.Compare(x, y)
}

// Point is a position with what is known about it: the GTID set executed up to there and the
// commit time of the last transaction before it. It is the "position" of the JSON output;
// fields that are absent are unknown.
type Point struct {
	Position
	GTIDSet string `json:"gtid_set,omitempty"`
	Time    Time   `json:"time,omitzero"`
}
