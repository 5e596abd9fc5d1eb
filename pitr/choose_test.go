package pitr

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

func TestChooseTheNewestBackupThatServes(t *testing.T) {
	at := func(timeline string, pos uint64) binlog.Position {
		return binlog.Position{Timeline: binlog.Timeline(timeline), File: "binlog.000001", Pos: pos}
	}
	backup := func(id, timeline string, pos uint64) *catalog.Manifest {
		m := &catalog.Manifest{ID: id}
		m.RecoverableFrom.Position = at(timeline, pos)
		return m
	}
	part := func(m *catalog.Manifest) *catalog.Manifest {
		m.Selection.Tables = []string{"d.t"}
		return m
	}
	lacks := func(m *catalog.Manifest) *catalog.Manifest {
		m.NotBackedUp = []catalog.NotBackedUp{{}}
		return m
	}
	mixed := []*catalog.Manifest{part(backup("0", "a", 50)), backup("1", "a", 100), part(backup("2", "a", 200)), lacks(backup("3", "a", 300))}
	all := []*catalog.Manifest{backup("1", "a", 100), backup("2", "a", 200), backup("3", "b", 100), backup("4", "a", 400)}
	for _, c := range []struct {
		name      string
		manifests []*catalog.Manifest
		backup    string
		stop      binlog.Position
		want      string // empty for none
	}{
		{"the newest", all, "", at("a", 999), "4"},
		{"one exactly there", all, "", at("a", 200), "2"},
		{"not one byte too late", all, "", at("a", 399), "2"},
		{"of the stop point's timeline (W5)", all, "", at("b", 100), "3"},
		{"none reaches back", all, "", at("a", 99), ""},
		{"none of the timeline", all, "", at("c", 999), ""},
		{"no backup", nil, "", at("a", 999), ""},
		{"the one asked for", all, "1", at("a", 999), "1"},
		{"a whole one before newer ones of parts", mixed, "", at("a", 999), "1"},
		{"one of a part where no other reaches back", mixed, "", at("a", 99), "0"},
		{"one of a part that is asked for", mixed, "2", at("a", 999), "2"},
		{"the one asked for is too late", all, "4", at("a", 300), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if m := choose(c.manifests, c.backup, c.stop); m != nil {
				got = m.ID
			}
			if got != c.want {
				t.Errorf("backup %q, want %q", got, c.want)
			}
		})
	}
}

// What a fault calls recoverable begins with the earliest backup of each stretch and ends where
// the archive is complete; a stretch that no backup reaches is not named.
func TestRecoverableRanges(t *testing.T) {
	point := func(timeline string, pos uint64, at binlog.Time) binlog.Point {
		return binlog.Point{Position: binlog.Position{Timeline: binlog.Timeline(timeline), File: "binlog.000001", Pos: pos}, Time: at}
	}
	backup := func(id string, from binlog.Point) *catalog.Manifest {
		return &catalog.Manifest{ID: id, RecoverableFrom: from}
	}
	line := []archive.Stretch{
		{From: point("a", 0, 0), To: point("a", 900, 9), AsOf: 10},
		{From: point("b", 0, 0), To: point("b", 900, 19), AsOf: 20},
		{From: point("c", 0, 0), To: point("c", 900, 29)},
	}
	manifests := []*catalog.Manifest{backup("2", point("a", 500, 5)), backup("1", point("a", 100, 0)), backup("3", point("b", 901, 0)), backup("4", point("c", 900, 29))}
	list, _, err := recoverable(manifests, line, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, r.String())
	}
	want := []string{
		"a/binlog.000001:100 to a/binlog.000001:900 (" + binlog.Time(9).String() + "), complete as of " + binlog.Time(10).String(),
		"c/binlog.000001:900 (" + binlog.Time(29).String() + ") to c/binlog.000001:900 (" + binlog.Time(29).String() + ")",
	}
	if !slices.Equal(got, want) {
		t.Errorf("recoverable %q, want %q", got, want)
	}
	list, _, err = recoverable(manifests[2:3], line, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = outsideFault(Wish{Backup: "3"}, list, errors.New("too early"))
	if f := fault.Of(err); f.Code != fault.CodeRange || f.Kind != fault.KindRange || f.Hint == "" || !strings.Contains(f.Error(), "with backup 3 recoverable is nothing") {
		t.Errorf("%+v", f)
	}
}
