package binlog

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
	"github.com/google/uuid"
)

// GTID is one global transaction id. Tag is empty for the untagged ids of servers before 8.3;
// it is in lower case otherwise. On MariaDB Origin stands in place of SID and Tag. The zero value
// means "none" (an anonymous transaction).
type GTID struct {
	SID    uuid.UUID
	Tag    string
	Origin Origin
	GNO    int64 // on MariaDB the sequence number
}

// IsZero tells whether g is no id.
func (g GTID) IsZero() bool { return g.GNO == 0 }

// String prints uuid:number or uuid:tag:number; on MariaDB domain-server-number.
func (g GTID) String() string {
	switch {
	case g.IsZero():
		return ""
	case g.Origin.isSet():
		return fmt.Sprintf("%s-%d", g.Origin, g.GNO)
	}
	if g.Tag == "" {
		return fmt.Sprintf("%s:%d", g.SID, g.GNO)
	}
	return fmt.Sprintf("%s:%s:%d", g.SID, g.Tag, g.GNO)
}

// GTIDSet is a set of GTIDs. The zero value is the empty set. Add and AddSet change the
// receiver; a copy that must not follow is made with Clone. Not safe for concurrent use.
type GTIDSet struct {
	set     mysql.MysqlGTIDSet
	origins originSet // of MariaDB
}

// ParseGTIDSet reads the server's text form; blanks and line feeds are allowed, tags too. Of
// MariaDB's ids it reads 0-1-7, which is this one alone, and 0-1:1-7:9, the form of String.
func ParseGTIDSet(s string) (GTIDSet, error) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return GTIDSet{}, nil
	}
	origins, rest, err := parseOrigins(s)
	if err != nil || rest == "" {
		return GTIDSet{origins: origins}, err
	}
	s = rest
	parsed, err := mysql.ParseMysqlGTIDSet(s)
	if err != nil {
		return GTIDSet{}, fmt.Errorf("read GTID set %q: %w", s, err)
	}
	set, ok := parsed.(*mysql.MysqlGTIDSet)
	if !ok {
		return GTIDSet{}, fmt.Errorf("read GTID set %q: not a MySQL GTID set", s)
	}
	for _, tags := range *set {
		for tag := range tags {
			for _, in := range tags[tag] {
				if in.Start < 1 || in.Stop <= in.Start {
					return GTIDSet{}, fmt.Errorf("read GTID set %q: interval %s is empty", s, in)
				}
			}
		}
	}
	return GTIDSet{set: *set, origins: origins}, nil
}

// DecodeGTIDSet reads the body of a Previous_gtids event (tagged form included).
func DecodeGTIDSet(body []byte) (GTIDSet, error) {
	if isEmptyEncoding(body) {
		return GTIDSet{}, nil
	}
	set, err := mysql.DecodeMysqlGTIDSet(body)
	if err != nil {
		return GTIDSet{}, fmt.Errorf("read encoded GTID set: %w", err)
	}
	return GTIDSet{set: *set}, nil
}

func isEmptyEncoding(body []byte) bool {
	return len(body) == 8 && bytes.Equal(body[:7], make([]byte, 7))
}

// String prints the set in one line without blanks, sorted.
func (s GTIDSet) String() string {
	switch {
	case len(s.set) == 0:
		return s.origins.String()
	case len(s.origins) == 0:
		return s.set.String()
	}
	return s.origins.String() + "," + s.set.String()
}

// IsEmpty tells whether the set holds nothing.
func (s GTIDSet) IsEmpty() bool { return len(s.set) == 0 && len(s.origins) == 0 }

// Clone returns a set of its own.
func (s GTIDSet) Clone() GTIDSet {
	if len(s.set) == 0 {
		return GTIDSet{origins: s.origins.clone()}
	}
	c, ok := s.set.Clone().(*mysql.MysqlGTIDSet)
	if !ok {
		panic("binlog: a MySQL GTID set cloned into another type")
	}
	return GTIDSet{set: *c, origins: s.origins.clone()}
}

// Add puts g into the set. Ids in ascending order, the common case, cost no allocation.
func (s *GTIDSet) Add(g GTID) {
	if g.IsZero() {
		return
	}
	if g.Origin.isSet() {
		s.origins.add(g.Origin, mysql.Interval{Start: g.GNO, Stop: g.GNO + 1})
		return
	}
	if s.set == nil {
		s.set = mysql.NewMysqlGTIDSet()
	}
	tag := mysql.NewTag(g.Tag)
	if s.set[g.SID] == nil {
		s.set[g.SID] = map[mysql.Tag]mysql.IntervalSlice{}
	}
	in := s.set[g.SID][tag]
	if n := len(in); n > 0 && in[n-1].Stop == g.GNO {
		in[n-1].Stop++
		return
	}
	s.set[g.SID][tag] = append(in, mysql.Interval{Start: g.GNO, Stop: g.GNO + 1}).Normalize()
}

// AddSet puts all of o into the set.
func (s *GTIDSet) AddSet(o GTIDSet) {
	for origin, intervals := range o.origins {
		for _, in := range intervals {
			s.origins.add(origin, in)
		}
	}
	for sid, tags := range o.set {
		for tag, in := range tags {
			if s.set == nil {
				s.set = mysql.NewMysqlGTIDSet()
			}
			if s.set[sid] == nil {
				s.set[sid] = map[mysql.Tag]mysql.IntervalSlice{}
			}
			joined := append(append(mysql.IntervalSlice(nil), s.set[sid][tag]...), in...)
			s.set[sid][tag] = joined.Normalize()
		}
	}
}

// Contains tells whether g is in the set.
func (s GTIDSet) Contains(g GTID) bool {
	intervals := s.origins[g.Origin]
	if !g.Origin.isSet() {
		intervals = s.set[g.SID][mysql.NewTag(g.Tag)]
	}
	for _, in := range intervals {
		if g.GNO >= in.Start && g.GNO < in.Stop {
			return true
		}
	}
	return false
}

// ContainsSet tells whether all of o is in the set.
func (s GTIDSet) ContainsSet(o GTIDSet) bool {
	return (len(o.set) == 0 || s.set.Contain(&o.set)) && len(o.origins.minus(s.origins)) == 0
}

// Equal tells whether both sets hold the same ids.
func (s GTIDSet) Equal(o GTIDSet) bool { return s.ContainsSet(o) && o.ContainsSet(s) }

// Minus returns the ids of s that are not in o.
func (s GTIDSet) Minus(o GTIDSet) GTIDSet {
	out := GTIDSet{origins: s.origins.minus(o.origins)}
	for sid, tags := range s.set {
		for tag, in := range tags {
			left := subtract(in, o.set[sid][tag])
			if len(left) == 0 {
				continue
			}
			if out.set == nil {
				out.set = mysql.NewMysqlGTIDSet()
			}
			if out.set[sid] == nil {
				out.set[sid] = map[mysql.Tag]mysql.IntervalSlice{}
			}
			out.set[sid][tag] = left
		}
	}
	return out
}

// subtract walks two sorted interval lists; Stop is exclusive.
func subtract(a, b mysql.IntervalSlice) mysql.IntervalSlice {
	var out mysql.IntervalSlice
	j := 0
	for _, in := range a {
		start := in.Start
		for j < len(b) && b[j].Stop <= start {
			j++
		}
		for k := j; k < len(b) && b[k].Start < in.Stop; k++ {
			if b[k].Start > start {
				out = append(out, mysql.Interval{Start: start, Stop: b[k].Start})
			}
			start = max(start, b[k].Stop)
		}
		if start < in.Stop {
			out = append(out, mysql.Interval{Start: start, Stop: in.Stop})
		}
	}
	return out
}

// Single returns the only id of the set, and whether there is exactly one.
func (s GTIDSet) Single() (GTID, bool) {
	g, n := s.origins.single()
	for sid, tags := range s.set {
		for tag, in := range tags {
			for _, i := range in {
				n += i.Stop - i.Start
				g = GTID{SID: sid, Tag: tag.String(), GNO: i.Start}
			}
		}
	}
	return g, n == 1
}

// MarshalText writes the text form.
func (s GTIDSet) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the text form.
func (s *GTIDSet) UnmarshalText(b []byte) error {
	v, err := ParseGTIDSet(string(b))
	if err != nil {
		return err
	}
	*s = v
	return nil
}
