package pitr

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
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
	all := []*catalog.Manifest{backup("1", "a", 100), backup("2", "a", 200), backup("3", "b", 100), backup("4", "a", 400)}
	for _, c := range []struct {
		name      string
		manifests []*catalog.Manifest
		backup    string
		stop      binlog.Position
		want      string
		code      int
	}{
		{"the newest", all, "", at("a", 999), "4", 0},
		{"one exactly there", all, "", at("a", 200), "2", 0},
		{"not one byte too late", all, "", at("a", 399), "2", 0},
		{"of the stop point's timeline (W5)", all, "", at("b", 100), "3", 0},
		{"none reaches back", all, "", at("a", 99), "", fault.CodeRange},
		{"none of the timeline", all, "", at("c", 999), "", fault.CodeRange},
		{"no backup", nil, "", at("a", 999), "", fault.CodeRange},
		{"the one asked for", all, "1", at("a", 999), "1", 0},
		{"the one asked for is too late", all, "4", at("a", 300), "", fault.CodeRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := choose(c.manifests, c.backup, c.stop)
			if c.code != 0 {
				if f := fault.Of(err); m != nil || f == nil || f.Code != c.code || f.Hint == "" {
					t.Fatalf("%v, %v", m, err)
				}
				return
			}
			if err != nil || m.ID != c.want {
				t.Errorf("%v, %v", m, err)
			}
		})
	}
}
