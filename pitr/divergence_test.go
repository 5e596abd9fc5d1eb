package pitr

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
)

// damaged is a source whose backup lies: of d.t it lacks the rows 2 and 3 and has a row 9 too
// much, of d.k (no key) it lacks a row.
func damaged(t *testing.T) *story {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(10))", "CREATE TABLE d.k (a INT, v VARCHAR(10))",
		"INSERT INTO d.t VALUES (1,'a'),(2,'b'),(3,'c'),(9,'z')", "INSERT INTO d.k VALUES (1,'x'),(2,'y')")
	b := s.begin()
	b.schema("d")
	lacking := b.table("d.t", "(id NOT IN (2,3))")
	lacking.Chunks = lacking.Chunks[:1]
	keyless := b.table("d.k", "(a<2)")
	keyless.Chunks = keyless.Chunks[:1]
	s.on("DELETE FROM d.t WHERE id=9")
	for i := range b.Names { // the DELETE lies before the windows, though the chunk holds its row
		here := b.here()
		b.Names[i].Rows, b.Names[i].Statements, b.Names[i].Definition = here, here, here
	}
	b.end()
	return s
}

// TestAccountFindsDivergence: behind the window a row that is not there, or is there already,
// ends the restore with exit 13 and names table, key and position.
func TestAccountFindsDivergence(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		parts  []string
	}{
		"update": {"UPDATE d.t SET v='new' WHERE id=2", []string{"d.t", "`id` IN (2)", "not there"}},
		"delete": {"DELETE FROM d.t WHERE id=3", []string{"d.t", "`id` IN (3)", "not there"}},
		// the wrong row stands between right ones of one statement
		"insert":         {"INSERT INTO d.t VALUES (8,'h'),(9,'i'),(10,'j')", []string{"d.t", "Duplicate entry '9'"}},
		"keyless update": {"UPDATE d.k SET v='new' WHERE a=2", []string{"d.k", "`a`=2", "not there"}},
		"keyless delete": {"DELETE FROM d.k WHERE a=2", []string{"d.k", "`a`=2", "not there"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := damaged(t)
			s.on("UPDATE d.t SET v='fine' WHERE id=1")
			at := s.position()
			s.on(c.change, "UPDATE d.t SET v='later' WHERE id=1")
			_, _, err := s.restore(Wish{})
			for _, part := range append(c.parts, at.String()) {
				s.wantFault(err, fault.CodeDifference, fault.KindDivergence, part)
			}
			// A second run goes on, and finds the same.
			_, _, err = s.restore(Wish{})
			s.wantFault(err, fault.CodeDifference, fault.KindDivergence, at.String())
			s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "--force")
			if strings.Contains(err.Error(), "the same command goes on") {
				t.Errorf("the hint leads nowhere: %v", err)
			}
			// One of another wish must not take the restore's own objects for the target's.
			_, _, err = s.restore(Wish{Threads: 2, Events: DisableEvents})
			s.wantFault(err, fault.CodeFailed, fault.KindTarget, "was begun on this target and has not finished")
			// The binlog may win from here on, and the case is listed.
			_, result, err := s.restore(Wish{OnDivergence: BinlogWins})
			s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "")
			if result == nil || !result.Resumed || len(result.Divergence) != 1 || result.Divergence[0].Position.String() != at.String() {
				t.Errorf("result %+v", result)
			}
			if got := s.query(s.dest.Root(), "SELECT v FROM d.t WHERE id=1")[0][0]; got != "later" {
				t.Errorf("what follows was not replayed: %q", got)
			}
		})
	}
}

// TestBinlogWins: the restore goes on as in the window, lists every case, and ends with exit 13.
func TestBinlogWins(t *testing.T) {
	s := damaged(t)
	s.on("UPDATE d.t SET v='two' WHERE id=2", "DELETE FROM d.t WHERE id=3", "INSERT INTO d.t VALUES (8,'h'),(9,'i'),(10,'j')",
		"UPDATE d.k SET v='new' WHERE a=2", "UPDATE d.t SET v='last' WHERE id=1")
	_, result, err := s.restore(Wish{OnDivergence: BinlogWins})
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "4 places")
	if result == nil || len(result.Divergence) != 4 {
		t.Fatalf("result %+v", result)
	}
	var list []string
	for _, d := range result.Divergence {
		list = append(list, d.String()+" "+d.Change)
		if d.Position.Pos == 0 || d.GTID == "" || d.Problem == "" {
			t.Errorf("%+v", d)
		}
	}
	if got := strings.Join(list, ", "); got != "d.t update, d.t delete, d.t insert, d.k update" {
		t.Error(got)
	}
	s.same("d")
}

// TestLoadFailsOnWarnings: LOCAL turns what does not fit into a warning; the restore does not.
func TestLoadFailsOnWarnings(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO d.t VALUES (1,'12345'),(2,'123456')")
	b := s.begin()
	b.schema("d")
	base := b.table("d.t", "")
	// The definition of another table: one byte too narrow for one of the rows.
	s.must(s.catalog.PutSchemaObject(t.Context(), instance, b.ID, base.SchemaKey, []byte("CREATE TABLE `t` (`id` int NOT NULL, `v` varchar(5) DEFAULT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB")))
	b.end()
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "Data too long for column 'v' at row 2")
	if got := s.query(s.dest.Root(), "SELECT COUNT(*) FROM d.t")[0][0]; got != "0" {
		t.Errorf("%s rows of a chunk that failed", got)
	}
}

// TestDamagedChunk: an object that is not what was stored ends the restore with exit 13, and no
// row of it stays.
func TestDamagedChunk(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1),(2)")
	b := s.begin()
	b.schema("d")
	base := b.table("d.t", "")
	base.Chunks[0].TextSHA256 = strings.Repeat("0", 64)
	b.end()
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeDifference, fault.KindIntegrity, "")
	if got := s.query(s.dest.Root(), "SELECT COUNT(*) FROM d.t")[0][0]; got != "0" {
		t.Errorf("%s rows of a damaged chunk", got)
	}
}

// TestLoadFailsOnADefinition: a table that the target does not make ends the restore by name. No other is taken for all.
func TestLoadFailsOnADefinition(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY)", "CREATE TABLE d.t (id INT PRIMARY KEY, v VARCHAR(1000))", "CREATE TABLE d.z (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1,'x')")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	base := b.table("d.t", "")
	// The definition of a server with larger pages.
	s.must(s.catalog.PutSchemaObject(t.Context(), instance, b.ID, base.SchemaKey, []byte("CREATE TABLE `t` (`id` int NOT NULL, `v` varchar(1000) DEFAULT NULL, PRIMARY KEY (`id`), KEY `v` (`v`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4")))
	b.table("d.z", "")
	b.end()
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "Specified key was too long")
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "d.t")
}
