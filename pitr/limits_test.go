package pitr

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// Ranges end where a restore of everything would be refused, and go on where a later backup
// serves; tables are named with the backups that end there.
func TestRecoverableRangesEndAtLimits(t *testing.T) {
	backup := func(id string, from, low uint64, tables ...string) *catalog.Manifest {
		m := &catalog.Manifest{ID: id, RecoverableFrom: binlog.Point{Position: at(from)}}
		m.Floor.Position = at(low)
		for _, n := range named(tables...) {
			m.Names = append(m.Names, catalog.NameBase{Name: n, Base: catalog.BaseRead, Class: "keyed", Statements: between(low, from), Definition: between(low, from), Rows: between(low, from)})
		}
		return m
	}
	limited := func(start uint64, tables ...string) archive.Limited {
		l := segment.Limit{Start: start, Kind: segment.LimitRolledBack, Rows: true, Tables: named(tables...)}
		return archive.Limited{Limit: l, At: binlog.Point{Position: at(start)}, Last: at(start)}
	}
	several := limited(300, "a")
	several.Until, several.Last = 700, at(700)
	line := []archive.Stretch{{From: binlog.Point{Position: at(0)}, To: binlog.Point{Position: at(900)}, AsOf: 10}}
	one, two, three := backup("1", 100, 90, "a", "b"), backup("2", 400, 390, "a", "b"), backup("3", 400, 350, "b")
	for _, c := range []struct {
		name      string
		manifests []*catalog.Manifest
		limits    []archive.Limited
		ranges    string
		ends      string
	}{
		{"nothing", []*catalog.Manifest{one}, nil, "100-900*", ""},
		{"of no table of the backup's", []*catalog.Manifest{three}, []archive.Limited{limited(340, "b")}, "400-900*", ""},
		{"an end", []*catalog.Manifest{one}, []archive.Limited{limited(300, "a")}, "100-300", "a@300:1"},
		{"the first counts", []*catalog.Manifest{one}, []archive.Limited{limited(300, "a"), limited(500, "a", "b")}, "100-300", "a@300:1 b@500:1"},
		{"a later backup goes on", []*catalog.Manifest{one, two}, []archive.Limited{limited(300, "a")}, "100-300 400-900*", "a@300:1"},
		{"behind both", []*catalog.Manifest{one, two}, []archive.Limited{limited(500, "a")}, "100-500", "a@500:1,2"},
		{"where nothing is recoverable yet", []*catalog.Manifest{two}, []archive.Limited{limited(395, "a")}, "", "a@395:2"},
		{"at the beginning", []*catalog.Manifest{two}, []archive.Limited{limited(400, "a")}, "400-400", "a@400:2"},
		{"one that stands for many, behind its first", []*catalog.Manifest{two}, []archive.Limited{several}, "400-400", "a@400:2"},
		{"one that stands for many, before its first", []*catalog.Manifest{one}, []archive.Limited{several}, "100-300", "a@300:1"},
		{"behind the archive's end", []*catalog.Manifest{one}, []archive.Limited{limited(900, "a")}, "100-900*", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, ends, err := recoverable(c.manifests, line, c.limits)
			if err != nil {
				t.Fatal(err)
			}
			if got := rangesText(list); got != c.ranges {
				t.Errorf("ranges %q, want %q", got, c.ranges)
			}
			if got := endsText(ends); got != c.ends {
				t.Errorf("ends %q, want %q", got, c.ends)
			}
		})
	}
}

// rangesText prints from-to, with a star where the range is good as of the archive's end.
func rangesText(list []Range) string {
	var texts []string
	for _, r := range list {
		text := fmt.Sprintf("%d-%d", r.From.Pos, r.To.Pos)
		if r.AsOf != 0 {
			text += "*"
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, " ")
}

func endsText(ends []RangeEnd) string {
	var texts []string
	for _, e := range ends {
		texts = append(texts, fmt.Sprintf("%s@%d:%s", e.Name.Name, e.Position.Pos, strings.Join(e.Backups, ",")))
	}
	return strings.Join(texts, " ")
}

func at(pos uint64) binlog.Position {
	return binlog.Position{Timeline: "t", File: "binlog.000001", Pos: pos}
}

func between(low, high uint64) binlog.Window { return binlog.Window{Low: at(low), High: at(high)} }

func named(names ...string) (list []schema.Name) {
	for _, n := range names {
		list = append(list, schema.Name{Schema: "d", Name: n})
	}
	return list
}
