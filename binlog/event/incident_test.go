package event

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
)

// TestIncidentsAreEntries: an incident is an entry of its own, behind a GTID event or alone; inside a transaction, where no server writes
// it, it is a part of that.
func TestIncidentsAreEntries(t *testing.T) {
	at := binlog.Position{Timeline: "t", File: "binlog.000001", Pos: 4}
	begin, commit := &Query{SQL: []byte("BEGIN")}, &Query{SQL: []byte("COMMIT")}
	for _, c := range []struct {
		name   string
		events []Event
		kind   EntryKind
	}{
		{"alone", []Event{&Incident{}}, Statement},
		{"behind a GTID", []Event{&GTID{}, &Incident{}}, Statement},
		{"in a transaction", []Event{&GTID{}, begin, &Incident{}, commit}, Transaction},
	} {
		a := NewAssembler("t")
		for i, e := range c.events {
			if a.ended {
				t.Fatalf("%s: the entry ended in front of event %d", c.name, i)
			}
			if err := a.event(at, e); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		}
		if !a.ended || !a.entry.Incident || a.entry.Kind != c.kind || a.entry.Start != at {
			t.Errorf("%s: ended %v, %+v", c.name, a.ended, a.entry)
		}
	}
}
