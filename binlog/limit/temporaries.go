package limit

import (
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// Temporaries follows the temporary tables of sessions in statement format (MIXED too on MySQL 5.6 and MariaDB), whose statements are logged
// as they stand: TRUNCATE TABLE t is one on the base table t for everybody who does not know that this session has another t.
//
// The log tells them apart by nothing else. The flag of the event is set where the session has used a temporary table, which a
// statement on a base table inside of a procedure may have, too (in ROW format as well); without it the statement is one on base tables,
// but for RENAME TABLE and CREATE TABLE .. LIKE of a MariaDB. Temporary tables in ROW format are not logged, and a session that has one cannot
// leave that format.
//
// One per walk through the log. Of sessions that made theirs in front of it nothing is known. Nil knows of none.
type Temporaries struct {
	started int // of the server, as Entry.Started
	of      map[session]map[schema.Name]bool
}

// session is one of a server; that of a relayed statement is its origin's.
type session struct{ server, thread uint32 }

// Any tells whether a session has a temporary table.
func (t *Temporaries) Any() bool { return t != nil && len(t.of) > 0 }

// Enter takes the beginning of an entry: no temporary table outlives its server.
func (t *Temporaries) Enter(e *event.Entry) {
	if t != nil && e.Started != t.started {
		t.started, t.of = e.Started, nil
	}
}

// Settle takes a statement of the log, in order, and makes one on temporary tables of its session a statement that changes nothing.
func (t *Temporaries) Settle(s Source, q *event.Query, st *ddl.Statement) {
	if t == nil {
		return
	}
	key := session{q.Header().ServerID, q.ThreadID}
	fold := func(n schema.Name) schema.Name { return ddl.Fold(n, s.LowerCaseTableNames) }
	has := func(n schema.Name) bool { return t.of[key][fold(n)] }
	mariadb := s.Flavor == "mariadb"
	unmarked := mariadb && (st.Verb == ddl.RenameTable || st.Verb == ddl.CreateTable)
	if len(t.of[key]) > 0 && (unmarked || q.Header().Flags&event.FlagThreadSpecific != 0) {
		for _, p := range st.OnTemporary(has, mariadb) {
			t.remove(key, fold(p[0]))
			t.add(key, fold(p[1]))
		}
	}
	for _, r := range st.Tables {
		switch {
		case r.Role != ddl.Temporary:
		case st.Verb == ddl.CreateTemporaryTable:
			t.add(key, fold(r.Name))
		case st.Verb == ddl.DropTable || st.Verb == ddl.DropTemporaryTable:
			t.remove(key, fold(r.Name))
		}
	}
}

func (t *Temporaries) add(key session, n schema.Name) {
	if t.of[key] == nil {
		if t.of == nil {
			t.of = map[session]map[schema.Name]bool{}
		}
		t.of[key] = map[schema.Name]bool{}
	}
	t.of[key][n] = true
}

func (t *Temporaries) remove(key session, n schema.Name) {
	delete(t.of[key], n)
	if len(t.of[key]) == 0 {
		delete(t.of, key)
	}
}
