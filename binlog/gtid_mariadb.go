package binlog

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// Origin is what MariaDB counts transactions by: a replication domain, and the server on which they
// began. No server that writes a binlog has the id 0, so the zero value means "not of MariaDB".
type Origin struct {
	Domain, Server uint32
}

func (o Origin) isSet() bool { return o.Server != 0 }

// String prints domain-server.
func (o Origin) String() string { return fmt.Sprintf("%d-%d", o.Domain, o.Server) }

// AddThrough puts all ids of an origin up to one into the set. MariaDB tells in this way, at the head
// of a file, what is in earlier files: the last id of each origin (Gtid_list event).
func (s *GTIDSet) AddThrough(g GTID) {
	if g.Origin.isSet() && g.GNO > 0 {
		s.origins.add(g.Origin, mysql.Interval{Start: 1, Stop: g.GNO + 1})
	}
}

// originSet is a set of MariaDB's ids: intervals whose Stop is exclusive, sorted and apart.
type originSet map[Origin]mysql.IntervalSlice

// add puts an interval into the set. Ids in ascending order, the common case, cost no allocation.
func (s *originSet) add(o Origin, in mysql.Interval) {
	if *s == nil {
		*s = originSet{}
	}
	have := (*s)[o]
	if n := len(have); n > 0 && have[n-1].Stop == in.Start {
		have[n-1].Stop = in.Stop
		return
	}
	(*s)[o] = append(have, in).Normalize()
}

func (s originSet) clone() originSet {
	if len(s) == 0 {
		return nil
	}
	c := make(originSet, len(s))
	for o, in := range s {
		c[o] = slices.Clone(in)
	}
	return c
}

func (s originSet) minus(o originSet) originSet {
	var out originSet
	for origin, in := range s {
		if left := subtract(in, o[origin]); len(left) > 0 {
			if out == nil {
				out = originSet{}
			}
			out[origin] = left
		}
	}
	return out
}

// single returns one id of the set, and how many there are.
func (s originSet) single() (g GTID, n int64) {
	for o, intervals := range s {
		for _, in := range intervals {
			g, n = GTID{Origin: o, GNO: in.Start}, n+in.Stop-in.Start
		}
	}
	return g, n
}

// String prints the set as ParseGTIDSet reads it: 0-1:1-7:9,0-2:5.
func (s originSet) String() string {
	origins := slices.SortedFunc(maps.Keys(s), func(a, b Origin) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Server, b.Server))
	})
	var b strings.Builder
	for _, o := range origins {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(o.String())
		for _, in := range s[o] {
			fmt.Fprintf(&b, ":%s", in)
		}
	}
	return b.String()
}

// parseOrigins takes MariaDB's ids out of a text without blanks and returns the rest.
func parseOrigins(s string) (set originSet, rest string, err error) {
	var others []string
	for item := range strings.SplitSeq(s, ",") {
		origin, intervals, ok := cutOrigin(item)
		if !ok {
			others = append(others, item)
			continue
		}
		for text := range strings.SplitSeq(intervals, ":") {
			in, err := parseInterval(text)
			if err != nil {
				return nil, "", fmt.Errorf("read GTID set %q: %w", s, err)
			}
			set.add(origin, in)
		}
	}
	return set, strings.Join(others, ","), nil
}

// cutOrigin splits 0-1-7 and 0-1:1-7. A uuid has five parts, and more digits.
func cutOrigin(item string) (o Origin, intervals string, ok bool) {
	head, intervals, spelled := strings.Cut(item, ":")
	parts := strings.Split(head, "-")
	switch {
	case !spelled && len(parts) == 3:
		intervals = parts[2]
	case !spelled || len(parts) != 2:
		return Origin{}, "", false
	}
	domain, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil {
		return Origin{}, "", false
	}
	server, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil || server == 0 {
		return Origin{}, "", false
	}
	return Origin{uint32(domain), uint32(server)}, intervals, true
}

// parseInterval reads 7 and 1-7.
func parseInterval(text string) (mysql.Interval, error) {
	first, last, isRange := strings.Cut(text, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	to := from
	if err == nil && isRange {
		to, err = strconv.ParseInt(last, 10, 64)
	}
	if err != nil || from < 1 || to < from || to == math.MaxInt64 {
		return mysql.Interval{}, fmt.Errorf("%q is no interval of sequence numbers", text)
	}
	return mysql.Interval{Start: from, Stop: to + 1}, nil
}
