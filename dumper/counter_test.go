package dumper

import (
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// TestW1ValuesBetweenDefinitionAndRows: a row that came and went between the definition, which holds the counter as it
// was, and the first chunk has used a value of AUTO_INCREMENT up. The row window begins in front of the definition, so that
// the replay meets it.
func TestW1ValuesBetweenDefinitionAndRows(t *testing.T) {
	for name, create := range map[string]string{
		"walked":    "CREATE TABLE d.t (id INT PRIMARY KEY AUTO_INCREMENT, v INT)",
		"one chunk": "CREATE TABLE d.t (e ENUM('a','b') NOT NULL PRIMARY KEY, id INT NOT NULL AUTO_INCREMENT, v INT, KEY (id))",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
			s.exec("CREATE DATABASE d", "SET sql_mode=''", create)
			w := s.throughWire()
			var began binlog.Position
			mysqltest.FailpointCall(t, "dumper/behindDefinition", func(schema.Name) {
				var err error
				if began, err = binlog.ParsePosition(s.logEnd()); err != nil {
					t.Error(err)
				}
				s.exec("SET sql_mode=''", "INSERT INTO d.t (id, v) VALUES (100, 1)", "DELETE FROM d.t WHERE id=100")
				w.on("UTC_TIMESTAMP(6)", counted)
				mysqltest.Eventually(t, func() bool { return w.met() > 2 }, "two ticks of the clock")
			})
			_, m := s.backUp()
			base := baseOf(t, m, "d.t")
			began.Timeline = base.Rows.Low.Timeline
			if began.Pos == 0 || began.Before(base.Rows.Low) {
				t.Errorf("the row window begins at %s, a value was used up at %s", base.Rows.Low, began)
			}
		})
	}
}
