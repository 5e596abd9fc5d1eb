package pitr

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// switchedOnLater makes the manifest one of a source that logged what its foreign keys cascade: innodb_native_foreign_keys was
// switched on behind the backup.
func (b *backup) switchedOnLater() *backup {
	for i := range b.Names {
		b.Names[i].Class = strings.Replace(b.Names[i].Class, string(schema.Cascading), string(schema.Keyed), 1)
	}
	return b
}

// threeGenerations are a table, one below it, and one below that.
var threeGenerations = []string{
	"CREATE DATABASE d", "USE d", "CREATE TABLE g (id INT PRIMARY KEY, v INT)", "INSERT INTO g VALUES (1,0),(2,0),(3,0),(4,0)",
	"CREATE TABLE p (id INT PRIMARY KEY, g INT, FOREIGN KEY (g) REFERENCES g (id) ON DELETE CASCADE)", "INSERT INTO p VALUES (1,1),(2,2),(3,3),(4,4)",
	"CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)", "INSERT INTO c VALUES (1,1),(2,2),(3,3),(4,4)",
	"CREATE TABLE beside (id INT PRIMARY KEY, v INT)", "INSERT INTO beside VALUES (1,0)",
}

// holds compares one table of the target with the source's.
func (s *story) holds(n schema.Name) {
	s.Helper()
	if got, want := s.tableRows(s.dest.Root(), n), s.tableRows(s.source.Root(), n); !slices.Equal(got, want) {
		s.Errorf("%s holds %q, want %q", n, got, want)
	}
}

// emptied drops what a restore has left.
func (s *story) emptied() {
	s.Helper()
	mysqltest.Exec(s.T, s.dest, "SET foreign_key_checks=0", "DROP DATABASE IF EXISTS d", "DROP DATABASE IF EXISTS e")
}

// refuses plans a restore of some tables, and wants it refused at a change of one, with what has to come along.
func (s *story) refuses(changed, missing string, tables ...string) {
	s.Helper()
	_, err := MakePlan(s.Context(), Config{Catalog: s.catalog, Target: s.into}, Wish{Instance: instance, Selection: catalog.Selection{Tables: tables}})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "does not log what its foreign keys cascade")
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "(row event of "+changed+")")
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "or restore with them what is above them: "+missing)
}

// restores restores some tables, which hold then what the source's do.
func (s *story) restores(tables ...string) {
	s.Helper()
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: tables}})
	s.must(err)
	for _, n := range tables {
		schemaName, table, _ := strings.Cut(n, ".")
		s.holds(schema.Name{Schema: schemaName, Name: table})
	}
	s.emptied()
}

// TestHiddenCascadesFromFarAbove: what comes down by way of tables that are not restored is refused, and the plan tells it.
func TestHiddenCascadesFromFarAbove(t *testing.T) {
	s := newNativeStory(t)
	s.on(threeGenerations...)
	s.cascades("g", "p", "c", "beside").switchedOnLater().end()
	s.on("UPDATE d.beside SET v=1", "UPDATE d.g SET v=1", "DELETE FROM d.beside WHERE id=2")
	s.restores("d.c") // foreign keys with ON DELETE CASCADE alone do nothing for that
	s.on("DELETE FROM d.g WHERE id=1")
	s.archive()
	s.refuses("d.g", "d.g,d.p", "d.c")
	s.refuses("d.g", "d.p", "d.g", "d.c")
	s.refuses("d.g", "d.g", "d.p", "d.c")
	for _, w := range []Wish{{Selection: catalog.Selection{Exclude: []string{"d.p"}}}, {Selection: catalog.Selection{Tables: []string{"d.c"}}, Rename: []string{"d.c=e.other"}}} {
		_, _, err := s.restore(w)
		s.wantFault(err, fault.CodeRange, fault.KindStatement, "--exclude d.c")
	}
	s.restores("d.beside")
	s.restores("d.g")
	s.restores("d.g", "d.p", "d.c", "d.beside")
}

// TestHiddenCascadesByKeysOfTheLog: foreign keys that come, go and follow renames behind the backup.
func TestHiddenCascadesByKeysOfTheLog(t *testing.T) {
	s := newNativeStory(t)
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE g (id INT PRIMARY KEY)", "CREATE TABLE p (id INT PRIMARY KEY, g INT, KEY (g))", "CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p))",
		"CREATE TABLE own (id INT PRIMARY KEY, g INT, FOREIGN KEY (g) REFERENCES g (id) ON DELETE CASCADE)")
	rows := []string{"USE d", "REPLACE INTO g VALUES (1),(2),(3)", "REPLACE INTO p VALUES (1,1),(2,2),(3,3)", "REPLACE INTO c VALUES (1,1),(2,2),(3,3)"}
	s.on(rows...)
	b := s.cascades("g", "p")
	// Read in front of the rename, and behind it.
	s.on("USE d", "RENAME TABLE c TO kid", "RENAME TABLE kid TO c")
	b.table("d.c", "")
	b.table("d.own", "")
	b.switchedOnLater().end()
	s.on("DELETE FROM d.g WHERE id=3")
	s.restores("d.c") // which nothing is above yet
	s.on("USE d", "ALTER TABLE c ADD CONSTRAINT c_p FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL ON UPDATE CASCADE", "DELETE FROM g WHERE id=2")
	s.restores("d.c")
	s.on("USE d", "DELETE FROM p WHERE id=3", "SET foreign_key_checks=0", "ALTER TABLE p ADD CONSTRAINT p_g FOREIGN KEY (g) REFERENCES g (id) ON DELETE CASCADE", "SET foreign_key_checks=1")
	s.archive()
	s.refuses("d.p", "d.p", "d.c")
	s.restores("d.p", "d.c")
	s.on("RENAME TABLE d.g TO d.top, d.p TO d.middle", "DELETE FROM d.top WHERE id=1")
	s.archive()
	s.refuses("d.p", "d.middle", "d.c")
	s.refuses("d.top", "d.top", "d.middle", "d.c")
	s.restores("d.top", "d.middle", "d.c")
	s.on("ALTER TABLE d.middle DROP FOREIGN KEY p_g", "DROP TABLE d.own", "DELETE FROM d.top")
	s.cascades("top", "middle", "c").switchedOnLater().end()
	s.on("INSERT INTO d.top VALUES (9)", "DELETE FROM d.top",
		"SET foreign_key_checks=0", "DROP TABLE d.middle", "CREATE TABLE d.middle (id INT PRIMARY KEY)", "SET foreign_key_checks=1")
	s.restores("d.c") // by the newer backup
}

// TestHiddenCascadesFromTablesThatAreNotInTheBackup: nobody knows what is above those.
func TestHiddenCascadesFromTablesThatAreNotInTheBackup(t *testing.T) {
	s := newNativeStory(t)
	s.on(threeGenerations...)
	b := s.cascades("c", "beside").switchedOnLater()
	b.Selection = catalog.Selection{Tables: []string{"d.c", "d.beside"}}
	for _, n := range []string{"g", "p"} {
		b.Names = append(b.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: n}, Base: catalog.BaseOutside})
	}
	b.end()
	s.on("UPDATE d.beside SET v=1", "DELETE FROM d.g WHERE id=1")
	for _, w := range []Wish{{}, {Selection: catalog.Selection{Tables: []string{"d.c"}}}} {
		_, _, err := s.restore(w)
		s.wantFault(err, fault.CodeRange, fault.KindStatement, "(row event of d.g)")
		s.wantFault(err, fault.CodeRange, fault.KindStatement, "--exclude d.c")
	}
	s.restores("d.beside")
}

// TestHiddenCascadesInSummaries: what is known of a part of the archive tells whether it is read for them. Archives of
// earlier versions do not tell.
func TestHiddenCascadesInSummaries(t *testing.T) {
	s := newNativeStory(t)
	s.on(threeGenerations...)
	s.cascades("g", "p", "c", "beside").switchedOnLater().end()
	file := s.position().File
	s.on("DELETE FROM d.beside", "UPDATE d.c SET p=NULL WHERE id=4", "DELETE FROM d.g WHERE id=1", "FLUSH BINARY LOGS")
	s.archive()
	timeline := binlog.Timeline(s.from.Facts().ServerUUID)
	says := func(cascades segment.Cascades, from ...string) {
		x, err := s.catalog.Index(t.Context(), instance, timeline, file)
		s.must(err)
		for i := range x.Segments {
			for k := range x.Segments[i].Content.Tables {
				touched := &x.Segments[i].Content.Tables[k]
				if !slices.Contains(from, string(touched.Cascades)+" "+touched.Name.Name) {
					t.Errorf("the index says of %s: %q", touched.Name, touched.Cascades)
				}
				touched.Cascades = cascades
			}
		}
		s.must(s.catalog.PutIndex(t.Context(), instance, x))
	}
	s.refuses("d.g", "d.g,d.p", "d.c")
	says("", "hidden g", "none p", "none c", "none beside")
	s.refuses("d.g", "d.g,d.p", "d.c")
	says(segment.CascadesNone, " g", " p", " c", " beside")
	if _, err := MakePlan(t.Context(), Config{Catalog: s.catalog, Target: s.into}, Wish{Instance: instance, Selection: catalog.Selection{Tables: []string{"d.beside"}}}); err != nil {
		t.Error(err)
	}
}

// TestHiddenCascadesOfWhatIsLeftOut: the plan refuses --skip-gtid of a transaction whose cascades are not logged, and no other.
func TestHiddenCascadesOfWhatIsLeftOut(t *testing.T) {
	s := newNativeStory(t)
	s.on(threeGenerations...)
	s.cascades("g", "p", "c", "beside").end()
	leftOut := func(statement string) Wish {
		before := s.row("SELECT @@global.gtid_executed")[0]
		s.on(statement)
		set, err := binlog.ParseGTIDSet(s.row("SELECT GTID_SUBTRACT(@@global.gtid_executed, '" + before + "')")[0])
		s.must(err)
		s.archive()
		return Wish{Instance: instance, SkipGTID: set}
	}
	w := leftOut("UPDATE d.g SET v=v+1")
	_, _, err := s.restore(w)
	s.must(err)
	s.holds(schema.Name{Schema: "d", Name: "c"})
	s.emptied()
	c := Config{Catalog: s.catalog, Target: s.into}
	_, err = MakePlan(t.Context(), c, leftOut("DELETE FROM d.g WHERE id=2"))
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "the transaction is left out by --skip-gtid")
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "--exclude d.c,d.p")
}

// TestHintsNameTablesAsTheFlagsTakeThem: what a refusal proposes is called as it is at the stop point.
func TestHintsNameTablesAsTheFlagsTakeThem(t *testing.T) {
	s := newNativeStory(t)
	s.on(threeGenerations...)
	s.on("CREATE TABLE d.keyless (v INT)", "INSERT INTO d.keyless VALUES (1),(2)", "CREATE TABLE d.other (v INT)")
	s.cascades("g", "p", "c", "beside", "keyless", "other").switchedOnLater().end()
	s.on("DELETE FROM d.g WHERE id=1", "RENAME TABLE d.c TO d.kid, d.p TO d.middle", "INSERT INTO d.beside VALUES (7,7)")
	s.archive()
	s.refuses("d.g", "d.g,d.middle", "d.kid")
	s.on("ALTER TABLE d.keyless ADD n INT AUTO_INCREMENT UNIQUE", "RENAME TABLE d.keyless TO d.swap, d.other TO d.keyless, d.swap TO d.other")
	_, _, err := s.restore(Wish{})
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "replay of d.keyless at")
	s.wantFault(err, fault.CodeRange, fault.KindStatement, "--exclude d.other")
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Exclude: []string{"d.other"}}})
	s.must(err)
	s.holds(schema.Name{Schema: "d", Name: "keyless"})
}

// TestCascadesOfVeryManyRows: what a cascade sets off is not known all at once, however many rows it is.
func TestCascadesOfVeryManyRows(t *testing.T) {
	s := newNativeStory(t)
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE g (id INT PRIMARY KEY)", "INSERT INTO g VALUES (1),(2),(3)",
		"CREATE TABLE p (id INT PRIMARY KEY, g INT, FOREIGN KEY (g) REFERENCES g (id) ON DELETE CASCADE)",
		"CREATE TABLE q (id INT, k INT, g INT, v INT UNIQUE, PRIMARY KEY (k, id), FOREIGN KEY (g) REFERENCES g (id) ON DELETE SET NULL ON UPDATE CASCADE)",
		"CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)",
		"CREATE TABLE e (id INT PRIMARY KEY, g INT, FOREIGN KEY (g) REFERENCES q (g) ON DELETE CASCADE ON UPDATE SET NULL)",
		"INSERT INTO p SELECT a.i*100+b.i*10+c.i, 1 FROM"+tens("a")+","+tens("b")+","+tens("c"), "INSERT INTO p SELECT 1000+a.i, 1 FROM"+tens("a"),
		"INSERT INTO q SELECT id, id%7, g, id FROM p", "UPDATE q SET g=2 WHERE id<3", "INSERT INTO c SELECT id, id FROM p", "INSERT INTO e SELECT id, g FROM q WHERE id<5")
	s.cascades("g", "p", "q", "c", "e").end()
	s.on("DELETE FROM d.g WHERE id=1", "UPDATE d.g SET id=20 WHERE id=2")
	var most, all atomic.Int64
	mysqltest.FailpointCall(t, "pitr/lanes/cascadingRows", func(rows int) {
		all.Add(int64(rows))
		for known := most.Load(); int64(rows) > known && !most.CompareAndSwap(known, int64(rows)); known = most.Load() {
		}
	})
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
	if most.Load() > 1000 || all.Load() < 2010 {
		t.Errorf("%d rows at once, of %d", most.Load(), all.Load())
	}
	t.Logf("%d rows at once, of %d", most.Load(), all.Load())
}
