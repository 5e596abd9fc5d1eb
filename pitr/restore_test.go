package pitr

import "testing"

// TestR7RowsInTheWindow: chunks read at two moments in a window with changes before,
// between and behind them, then changes behind the window.
func TestR7RowsInTheWindow(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d CHARACTER SET latin1", "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY, u INT UNIQUE, v VARCHAR(20))",
		"INSERT INTO d.t VALUES (1,1,'a'),(2,2,'b'),(3,3,'c'),(4,4,'d')")
	b := s.begin()
	b.schema("d")
	low := s.position()
	s.on("UPDATE d.t SET u=10 WHERE id=1", "INSERT INTO d.t VALUES (5,1,'e')", "UPDATE d.t SET id=9 WHERE id=2")
	base := b.table("d.t", "(id<3)", "DELETE FROM d.t WHERE id=3", "UPDATE d.t SET u=3 WHERE id=4", "INSERT INTO d.t VALUES (2,77,'f')")
	base.Rows.Low = low
	s.on("UPDATE d.t SET v='z' WHERE id=2", "REPLACE INTO d.t VALUES (6,77,'g')")
	base.Rows.High = s.position()
	base.Statements.High = base.Rows.High
	s.on("INSERT INTO d.t (u,v) VALUES (100,'auto'),(101,'auto')", "UPDATE d.t SET v='after' WHERE id=1", "DELETE FROM d.t WHERE u=100", "UPDATE d.t SET id=50 WHERE u=101")
	b.end()
	plan, result, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if result.RowsLoaded != plan.Load.Rows || plan.Load.Chunks != 2 || result.TransactionsReplayed != plan.Replay.Transactions || result.TransactionsReplayed != 12 {
		t.Errorf("plan %+v %+v, result %+v", plan.Load, plan.Replay, result)
	}
}
