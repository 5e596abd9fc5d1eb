package archive

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// A source that gets another history (RESET) while definitions wait for the stream leaves them
// unknown: nothing of the one history says anything about a place in the other (W5).
func TestDefinitionsOfAHistoryThatEnded(t *testing.T) {
	const first, second = binlog.Timeline("u"), binlog.Timeline("u~2")
	at := func(timeline binlog.Timeline, file string, pos uint64) binlog.Position {
		return binlog.Position{Timeline: timeline, File: file, Pos: pos}
	}
	table := schema.Name{Schema: "w", Name: "t"}
	statement, err := ddl.Parse([]byte("ALTER TABLE w.t ADD a INT"), ddl.Session{})
	if err != nil {
		t.Fatal(err)
	}
	change := func(start, until binlog.Position) *noted {
		end := start
		end.Pos += 100
		return &noted{
			Definitions: catalog.Definitions{Start: start, End: end, Tables: []catalog.Definition{{Name: table, Create: "CREATE", Until: until}}},
			statements:  []*ddl.Statement{statement}, read: true,
		}
	}
	for name, c := range map[string]struct {
		noted  []*noted
		passed binlog.Position
		known  bool
	}{
		"passed":                         {[]*noted{change(at(first, "b.000007", 500), at(first, "b.000007", 900))}, at(first, "b.000007", 900), true},
		"the stream is in another one":   {[]*noted{change(at(first, "b.000007", 500), at(first, "b.000007", 900))}, at(second, "b.000001", 200), false},
		"the other one has a change too": {[]*noted{change(at(first, "b.000007", 500), at(first, "b.000007", 900)), change(at(second, "b.000001", 200), at(second, "b.000001", 400))}, at(second, "b.000001", 400), false},
		"it was read in another one":     {[]*noted{change(at(first, "b.000007", 500), at(first, "b.000001", 200))}, at(first, "b.000007", 600), false},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJournal(Config{}, nil)
			j.noted, j.passed = c.noted, c.passed
			d, _ := j.settled()
			if d == nil {
				t.Fatal("it is not decided")
			}
			if got := d.Tables[0]; (got.Create != "") != c.known || (got.Unknown == "") != c.known {
				t.Errorf("decided as %+v, known should be %v", got, c.known)
			}
		})
	}
}
