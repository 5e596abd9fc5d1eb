package pitr

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// only keeps what contents says of some tables and their triggers.
func only(contents []string, tables ...string) []string {
	return slices.DeleteFunc(slices.Clone(contents), func(line string) bool {
		for _, n := range tables {
			_, name, _ := strings.Cut(n, ".")
			if strings.HasPrefix(line, "table "+n+" ") || strings.HasPrefix(line, n+": ") || strings.HasPrefix(line, "trigger ") && strings.Contains(line, " on "+name+" ") {
				return false
			}
		}
		return true
	})
}

// part restores some tables and compares them with the source. Nothing else may be on the target.
func (s *story) part(w Wish, tables ...string) (*Plan, *Result) {
	s.Helper()
	w.Selection = catalog.Selection{Tables: tables}
	plan, result, err := s.restore(w)
	s.must(err)
	var schemas []string
	for _, n := range tables {
		if name, _, _ := strings.Cut(n, "."); !slices.Contains(schemas, name) {
			schemas = append(schemas, name)
		}
	}
	want, got := only(s.contents(s.source, schemas...), tables...), s.contents(s.dest, schemas...)
	for _, line := range want {
		if !slices.Contains(got, line) {
			s.Errorf("missing on the target: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) && !strings.HasPrefix(line, "schema ") {
			s.Errorf("only on the target: %s", line)
		}
	}
	return plan, result
}

// loaded says what a plan loads: source names and rows.
func loaded(p *Plan) map[string]uint64 {
	list := map[string]uint64{}
	for _, t := range p.Tables {
		name := t.Source
		if name == "" {
			name = t.String()
		}
		list[name] = t.Rows
	}
	return list
}

// A table that gh-ost, pt-osc or spirit has swapped since can be had alone: of the old one only the
// definition is needed, and with it no row is read.
func TestR11PartBehindASwap(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20), CHECK (id < 1000))", "INSERT INTO t VALUES (1,'a'),(2,'b')",
		"CREATE TABLE other (id INT PRIMARY KEY)", "INSERT INTO other VALUES (7)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.other", "")
	b.end()
	s.on("USE d", "INSERT INTO t VALUES (3,'c')", "CREATE TABLE _t_gho LIKE t", "ALTER TABLE _t_gho ADD COLUMN n INT DEFAULT 5, ADD CHECK (n < 100)",
		"INSERT INTO _t_gho (id, v) SELECT id, v FROM t", "INSERT INTO _t_gho (id, v) VALUES (4, 'late')",
		"RENAME TABLE t TO _t_del, _t_gho TO t", "DROP TABLE _t_del", "ALTER TABLE t DROP CHECK t_chk_2",
		"CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 9", "INSERT INTO t VALUES (5,'e',1)", "DELETE FROM t WHERE id=2")
	plan, result := s.part(Wish{}, "d.t")
	if got := loaded(plan); len(got) != 1 || got["d.t"] != 0 {
		t.Errorf("loaded %v: want the definition of the old table, without rows", got)
	}
	if result.RowsLoaded != 0 {
		t.Errorf("%d rows loaded", result.RowsLoaded)
	}
}

// Chains, cycles, other schemas, ALTER .. RENAME, EXCHANGE and names that were others' before.
func TestR8PartLineage(t *testing.T) {
	s := newStory(t, "d", "e")
	s.on("CREATE DATABASE d", "CREATE DATABASE e CHARACTER SET latin1", "USE d",
		"CREATE TABLE a (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO a VALUES (1,'a')",
		"CREATE TABLE b (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO b VALUES (1,'b')",
		"CREATE TABLE c (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO c VALUES (1,'c')",
		"CREATE TABLE p (id INT PRIMARY KEY, v VARCHAR(20)) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100), PARTITION p1 VALUES LESS THAN MAXVALUE)", "INSERT INTO p VALUES (1,'p'),(200,'p')",
		"CREATE TABLE x (id INT PRIMARY KEY, v VARCHAR(20))", "INSERT INTO x VALUES (5,'x')",
		"CREATE TABLE gone (id INT PRIMARY KEY)", "INSERT INTO gone VALUES (1)")
	b := s.begin()
	b.schema("d")
	b.schema("e")
	for _, n := range []string{"d.a", "d.b", "d.c", "d.p", "d.x", "d.gone"} {
		b.table(n, "")
	}
	b.end()
	s.on("USE d", "RENAME TABLE a TO tmp, b TO a, c TO b, tmp TO c", "INSERT INTO a VALUES (2,'a2')", "UPDATE c SET v='was a'",
		"ALTER TABLE a RENAME TO e.moved, ADD COLUMN n INT", "INSERT INTO e.moved VALUES (3,'m',3)",
		"ALTER TABLE p EXCHANGE PARTITION p0 WITH TABLE x", "INSERT INTO x VALUES (6,'x6')", "INSERT INTO p VALUES (7,'p7')",
		"DROP TABLE gone", "CREATE TABLE gone (id INT PRIMARY KEY, w INT)", "INSERT INTO gone VALUES (2,2)",
		"USE e", "CREATE TABLE fresh (v VARCHAR(10))", "RENAME TABLE fresh TO d.fresh", "INSERT INTO d.fresh VALUES ('f')",
		"DROP TABLE IF EXISTS d.b, d.nothing")
	plan, _ := s.part(Wish{}, "d.c", "e.moved", "d.p", "d.gone", "d.fresh")
	if got := loaded(plan); len(got) != 4 || got["d.a"] != 1 || got["d.b"] != 1 || got["d.p"] != 2 || got["d.x"] != 1 {
		t.Errorf("loaded %v", got)
	}
}

// A foreign key goes with the table that it refers to, taken or not, and so do the names that the
// server made for constraints.
func TestR8PartForeignKeys(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "INSERT INTO p VALUES (1),(2)",
		"CREATE TABLE q (id INT PRIMARY KEY)", "INSERT INTO q VALUES (1)",
		"CREATE TABLE c (id INT PRIMARY KEY, p INT, q INT, own INT, FOREIGN KEY (p) REFERENCES p(id), FOREIGN KEY (q) REFERENCES q(id), FOREIGN KEY (own) REFERENCES c(id))",
		"INSERT INTO c VALUES (1,1,1,1)")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.q", "")
	b.table("d.c", "")
	b.end()
	s.on("USE d", "RENAME TABLE q TO q2", "RENAME TABLE p TO parent", "RENAME TABLE c TO child", "INSERT INTO parent VALUES (3)", "INSERT INTO child VALUES (2,3,1,1)",
		"ALTER TABLE child DROP FOREIGN KEY child_ibfk_3", "CREATE TABLE late (p INT, FOREIGN KEY (p) REFERENCES parent(id))")
	s.part(Wish{}, "d.child", "d.parent", "d.late")
}

// What a wanted table descends from has to be in the backup.
func TestR12PartFromOutside(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE hidden (id INT PRIMARY KEY)", "INSERT INTO hidden VALUES (1)")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	b.Names = append(b.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: "hidden"}, Base: catalog.BaseOutside})
	b.NotBackedUp = append(b.NotBackedUp, catalog.NotBackedUp{Name: schema.Name{Schema: "d", Name: "keyless"}, Reason: "no key"})
	b.end()
	s.on("USE d", "RENAME TABLE hidden TO shown", "CREATE TABLE copy LIKE shown", "CREATE TABLE d.b LIKE a")
	for _, c := range []struct {
		name string
		code int
		kind fault.Kind
		part string
	}{
		{"d.shown", fault.CodeRange, fault.KindStatement, "RENAME TABLE hidden TO shown"},
		{"d.copy", fault.CodeRange, fault.KindStatement, "d.copy descends from d.shown"},
		{"d.hidden", fault.CodeRange, fault.KindRange, "d.hidden is not in backup"},
		{"d.keyless", fault.CodeRange, fault.KindRange, "no key"},
		{"d.typo", fault.CodeUsage, fault.KindUsage, "d.typo"},
	} {
		_, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.a", c.name}}})
		s.wantFault(err, c.code, c.kind, c.part)
	}
	s.part(Wish{}, "d.a", "d.b")
}

// R11: a part is served by a backup that was not complete at the stop point if its own names were
// read by then, and by an older one where the newest was made without it.
func TestR11PartChoosesItsBackup(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.late (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
	old := s.begin()
	old.schema("d")
	old.table("d.t", "").RecoverableFrom = s.position()
	old.table("d.late", "").RecoverableFrom = s.position()
	first := old.end()
	s.on("INSERT INTO d.t VALUES (2)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "").RecoverableFrom = s.position()
	s.on("INSERT INTO d.t VALUES (3)", "INSERT INTO d.late VALUES (1)")
	between := s.position()
	s.on("INSERT INTO d.t VALUES (4)", "INSERT INTO d.late VALUES (2)")
	b.table("d.late", "").RecoverableFrom = s.position()
	second := b.end()
	without := s.begin()
	without.schema("d")
	without.Names = append(without.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: "t"}, Base: catalog.BaseOutside})
	without.table("d.late", "")
	third := without.end()
	for _, c := range []struct {
		table, want string
		stop        binlog.StopPoint
	}{{"d.t", second, stopAt(between)}, {"d.late", first, stopAt(between)}, {"d.t", second, binlog.StopPoint{}}, {"d.late", third, binlog.StopPoint{}}} {
		plan, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{c.table}}, Stop: c.stop, Force: true})
		s.must(err)
		if plan.BackupID != c.want {
			t.Errorf("%s to %s from backup %s, want %s", c.table, c.stop, plan.BackupID, c.want)
		}
	}
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.t"}}, Backup: third, Force: true})
	s.wantFault(err, fault.CodeRange, fault.KindRange, "d.t is not in backup")
}

// moved compares a restored table with the source's under another name: rows, columns, indexes,
// and the definition but for the names in it.
func (s *story) moved(from, to string, replace ...string) {
	s.Helper()
	split := func(n string) (schema.Name, string) {
		a, b, _ := strings.Cut(n, ".")
		return schema.Name{Schema: a, Name: b}, "table " + n
	}
	source, _ := split(from)
	target, _ := split(to)
	want, got := s.tableRows(s.source.Root(), source), s.tableRows(s.dest.Root(), target)
	for i := range want {
		want[i] = strings.TrimPrefix(want[i], from)
	}
	for i := range got {
		got[i] = strings.TrimPrefix(got[i], to)
	}
	if !slices.Equal(got, want) {
		s.Errorf("%s holds %q, %s %q", to, got, from, want)
	}
	replace = append([]string{"CREATE TABLE " + schema.Quote(source.Name), "CREATE TABLE " + schema.Quote(target.Name)}, replace...)
	a, b := strings.NewReplacer(replace...).Replace(s.show(s.source.Root(), "TABLE", source, 1)), s.show(s.dest.Root(), "TABLE", target, 1)
	if a != b {
		s.Errorf("%s is\n%s\nwant\n%s", to, b, a)
	}
}

// A renamed table is never made, read or dropped under its old name: an account with rights on the
// new schema alone restores it, through swaps, with its foreign keys, constraints and triggers.
func TestRenameTables(t *testing.T) {
	s := newStory(t, "n")
	s.on("CREATE DATABASE d CHARACTER SET latin1 COLLATE latin1_bin", "USE d", "CREATE TABLE p (id INT PRIMARY KEY, v VARCHAR(10), CHECK (id > 0))", "INSERT INTO p VALUES (1,'a'),(2,'b')",
		"CREATE TABLE c (id INT PRIMARY KEY, p INT, self INT, KEY (p), KEY (self), FOREIGN KEY (p) REFERENCES p(id), CONSTRAINT mine FOREIGN KEY (self) REFERENCES c(id))", "INSERT INTO c VALUES (1,1,1)",
		"CREATE TRIGGER tr BEFORE INSERT ON p FOR EACH ROW SET NEW.v = UPPER(NEW.v)", "CREATE TABLE other (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.c", "")
	b.table("d.other", "")
	b.object(catalog.KindTrigger, "d.tr", "p")
	b.end()
	s.on("USE d", "INSERT INTO p VALUES (3,'x')", "INSERT INTO c VALUES (2,3,1)", "CREATE TABLE fresh (v VARCHAR(10))", "INSERT INTO fresh VALUES ('f')",
		"CREATE TABLE _c_new LIKE c", "ALTER TABLE _c_new ADD COLUMN n INT, ADD FOREIGN KEY (p) REFERENCES p(id)", "INSERT INTO _c_new (id, p) VALUES (5,3)",
		"RENAME TABLE c TO _c_old, _c_new TO c", "DROP TABLE _c_old", "UPDATE p SET v='y' WHERE id=1")
	w := Wish{Selection: catalog.Selection{Tables: []string{"d.p", "d.c", "d.fresh"}}, Rename: []string{"d.p=n.parent", "d.c=n.`child`", "d.fresh=n.fresh"}}
	_, _, err := s.restore(w)
	s.must(err)
	s.moved("d.p", "n.parent", "p_chk_", "parent_chk_")
	s.moved("d.c", "n.child", "c_ibfk_", "child_ibfk_", "REFERENCES `p`", "REFERENCES `parent`")
	s.moved("d.fresh", "n.fresh")
	if got := strings.Join(s.contents(s.dest, "d"), "\n"); got != "" {
		t.Errorf("the old schema holds %s", got)
	}
	triggers := s.query(s.dest.Root(), "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='n' ORDER BY 1")
	if len(triggers) != 1 || triggers[0][0] != "tr" || triggers[0][1] != "parent" {
		t.Errorf("triggers %v", triggers)
	}
	if rows := s.query(s.dest.Root(), "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_NAME LIKE '\\_\\_tripod%'"); len(rows) != 0 {
		t.Errorf("left behind: %v", rows)
	}
	// What is there already is told by the new name.
	_, _, err = s.restore(w)
	s.wantFault(err, fault.CodeFailed, fault.KindTarget, "table n.child")
}

// A whole schema takes along what does not spell its name; what does is refused by name.
func TestRenameSchemas(t *testing.T) {
	s := newStory(t, "n")
	s.on("CREATE DATABASE d CHARACTER SET latin1 COLLATE latin1_bin", "USE d", "CREATE TABLE p (id INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO p VALUES (1,'a')",
		"CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p), FOREIGN KEY (p) REFERENCES p(id))", "INSERT INTO c VALUES (1,1)",
		"CREATE PROCEDURE fine() INSERT INTO p VALUES (9,'z')", "CREATE FUNCTION spells() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(*) FROM d.p)",
		"CREATE TRIGGER tr AFTER INSERT ON p FOR EACH ROW INSERT INTO c VALUES (NEW.id + 100, NEW.id)", "CREATE VIEW v AS SELECT id FROM p",
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' DISABLE DO DELETE FROM p")
	b := s.begin()
	b.schema("d")
	b.table("d.p", "")
	b.table("d.c", "")
	b.object(catalog.KindProcedure, "d.fine", "")
	b.object(catalog.KindFunction, "d.spells", "")
	b.object(catalog.KindTrigger, "d.tr", "p")
	b.object(catalog.KindEvent, "d.e", "")
	b.Objects = append(b.Objects, catalog.Object{Name: schema.Name{Schema: "d", Name: "v"}, Kind: catalog.KindView, Window: b.here(),
		Create: "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `d`.`v` AS select `d`.`p`.`id` AS `id` from `d`.`p`", CharacterSetClient: "utf8mb4", CollationConnection: "utf8mb4_0900_ai_ci"})
	b.end()
	s.on("USE d", "INSERT INTO p VALUES (2,'b')", "CREATE TABLE made (id INT PRIMARY KEY, v VARCHAR(5))", "ALTER DATABASE d COLLATE latin1_general_ci",
		"CREATE TABLE later (id INT PRIMARY KEY, v VARCHAR(5))", "CREATE VIEW w AS SELECT id FROM made", "ALTER EVENT e COMMENT 'x'")
	w := Wish{Selection: catalog.Selection{Databases: []string{"d"}}, Rename: []string{"d=n"}}
	_, _, err := s.restore(w)
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "function d.spells (it spells schema d), view d.v (it spells schema d)")
	s.wantFault(err, fault.CodeUsage, fault.KindUsage, "--exclude d.spells,d.v")
	w.Selection.Exclude = []string{"d.spells", "d.v"}
	_, _, err = s.restore(w)
	s.must(err)
	for _, n := range []string{"p", "c", "made", "later"} {
		s.moved("d."+n, "n."+n)
	}
	want, got := s.contents(s.source, "d"), s.contents(s.dest, "n")
	for i := range want {
		want[i] = strings.NewReplacer("schema d ", "schema n ", "view d.", "view n.", "`d`.", "`n`.", "table d.", "table n.").Replace(want[i])
	}
	for _, line := range want {
		if strings.HasPrefix(line, "d.") { // a row
			line = "n." + line[2:]
		}
		if !slices.Contains(got, line) && !strings.Contains(line, "spells") && !strings.HasPrefix(line, "view n.v ") {
			t.Errorf("missing: %s", line)
		}
	}
	for _, c := range []struct{ object, rename, reason string }{
		{"CREATE PROCEDURE d.x() BEGIN SET @s = 'SELECT * FROM p'; PREPARE q FROM @s; END", "d.p=n.q", "procedure d.x (it names p)"},
		{"CREATE EVENT d.x ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM `p`", "d.p=d.q", "event d.x (it names p)"},
		{"CREATE VIEW d.x AS SELECT 1 FROM d.`p` q", "d.p=d.q", "view d.x (it names d.p)"},
		{"CREATE TRIGGER d.x BEFORE DELETE ON d.made FOR EACH ROW DELETE FROM later", "d.made=n.made", "trigger d.x (it goes to another schema with its table, and DELETE may mean"},
	} {
		s.on("USE d", "DROP TRIGGER IF EXISTS tr", "DROP VIEW IF EXISTS v", "DROP FUNCTION IF EXISTS spells", "DROP PROCEDURE IF EXISTS fine", "DROP EVENT IF EXISTS e", c.object)
		_, _, err := s.restore(Wish{Rename: []string{c.rename}})
		s.wantFault(err, fault.CodeUsage, fault.KindUsage, c.reason)
		kind := strings.Fields(c.object)[1]
		s.on("DROP " + kind + " d.x")
	}
}

// Renames that cannot be meant are wrong usage, and say why.
func TestRenameRefused(t *testing.T) {
	s := newStory(t, "d", "n")
	s.on("CREATE DATABASE d", "CREATE DATABASE e", "USE d", "CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT PRIMARY KEY)", "CREATE VIEW v AS SELECT 1")
	b := s.begin()
	b.schema("d")
	b.schema("e")
	b.table("d.a", "")
	b.table("d.b", "")
	b.object(catalog.KindView, "d.v", "")
	b.end()
	for _, c := range []struct{ rename, want string }{
		{"d.a", "want old=new"}, {"d.a=", "a name is empty"}, {"=d.a", "a name is empty"}, {"d.a=n", "one side is a schema"}, {"d.a=n.x.y", "left over"},
		{"d.*=n.*", "is a pattern"}, {"d.a=d.a", "the same"}, {"d.a=mysql.a", "schema of the server itself"}, {"sys=n", "schema of the server itself"}, {"d.a=n." + strings.Repeat("x", 65), "65 characters"},
		{"d.a=n.x,d.b=n.x", "is the new name of"}, {"d.a=n.x,d.a=n.y", "is renamed already"}, {"d.a=d.b,d.b=d.a", "is an old name too"}, {"d.a=d.b", "would both be d.b"},
		{"d.nothing=n.x", "no table d.nothing"}, {"x=y", "no schema x"}, {"d.v=n.v", "d.v is a view"}, {"d=e", "schema e is restored as well"}, {"d.a=d.v", "would both be d.v"},
		{"d.`a=n.x", "backtick is not closed"}, {"d=n,e=n", "is the new name of"},
	} {
		_, _, err := s.restore(Wish{Rename: strings.Split(c.rename, ",")})
		s.wantFault(err, fault.CodeUsage, fault.KindUsage, c.want)
	}
	// A schema that the target lacks and the account may not make.
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.a"}}, Rename: []string{"d.a=forbidden.a"}})
	s.wantFault(err, fault.CodeFailed, fault.KindGrant, "`forbidden`.*")
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.a"}}, Rename: []string{"d.a=n.a"}})
	s.must(err)
}

// After a swap the foreign keys of others refer to the table that was swapped out; one that is not
// taken is only named. A parent in a schema of its own asks for a right there.
func TestR8PartForeignKeysBehindASwap(t *testing.T) {
	s := newStory(t, "d", "n")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)",
		"CREATE TABLE c (id INT PRIMARY KEY, t INT, KEY (t), FOREIGN KEY (t) REFERENCES t(id))", "INSERT INTO c VALUES (1,1)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.c", "")
	b.end()
	s.on("USE d", "CREATE TABLE g LIKE t", "INSERT INTO g VALUES (1),(2)", "RENAME TABLE t TO t_old, g TO t", "INSERT INTO c VALUES (2,1)")
	s.part(Wish{}, "d.c", "d.t")
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.c"}}, Rename: []string{"d.c=n.c"}})
	s.must(err)
	s.moved("d.c", "n.c", "REFERENCES `t_old`", "REFERENCES `d`.`t_old`")
	user, err := s.dest.CreateRestoreUser(t.Context(), "n")
	s.must(err)
	s.into = s.open(s.dest, user, server.Target)
	_, _, err = s.restore(Wish{Selection: catalog.Selection{Tables: []string{"d.c"}}, Rename: []string{"d.c=n.d"}})
	s.wantFault(err, fault.CodeFailed, fault.KindGrant, "REFERENCES on `d`.*")
}

// A view that was made with a star keeps the columns that the star meant, whatever its tables are
// called on the target then, and also where they are gone since.
func TestPartViewsWithAStar(t *testing.T) {
	s := newStory(t, "d", "n")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY, hidden INT INVISIBLE)", "CREATE TABLE u (id INT PRIMARY KEY)", "CREATE TABLE c (id INT PRIMARY KEY, t INT, KEY (t), FOREIGN KEY (t) REFERENCES t (id))", "INSERT INTO t VALUES (1)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.u", "")
	b.table("d.c", "")
	b.end()
	s.on("USE d", "CREATE VIEW v AS SELECT * FROM t", "CREATE TABLE g LIKE t", "ALTER TABLE g ADD COLUMN n INT",
		"INSERT INTO g (id) VALUES (1),(2)", "RENAME TABLE t TO old, g TO t", "ALTER TABLE u ADD COLUMN m INT", "DROP TABLE IF EXISTS nothing")
	s.on("USE d", "CREATE VIEW w AS SELECT u.* FROM u", "RENAME TABLE u TO u3", "ALTER TABLE u3 ADD COLUMN k INT", "RENAME TABLE u3 TO u")
	w := Wish{Selection: catalog.Selection{Tables: []string{"d.t", "d.u", "d.v", "d.w", "d.c"}}}
	_, result, err := s.restore(w)
	s.must(err)
	if len(result.Warnings) != 0 {
		t.Errorf("warnings %q", result.Warnings)
	}
	got := s.contents(s.dest, "d")
	for _, line := range s.contents(s.source, "d") {
		if (strings.HasPrefix(line, "view ") || strings.HasPrefix(line, "table d.c ")) && !slices.Contains(got, line) {
			t.Errorf("missing: %s\nin %q", line, got)
		}
	}
	w.Selection, w.Rename = catalog.Selection{Databases: []string{"d"}}, []string{"d=n"}
	_, _, err = s.restore(w)
	s.must(err)
	got = s.contents(s.dest, "n")
	for _, line := range s.contents(s.source, "d") {
		if line = strings.NewReplacer("view d.", "view n.", "`d`.", "`n`.").Replace(line); strings.HasPrefix(line, "view ") && !slices.Contains(got, line) {
			t.Errorf("missing: %s\nin %q", line, got)
		}
	}
}

// A foreign key whose definition was read before its parent was swapped follows the swap, though
// the backup has read both tables of the swap behind it.
func TestR8PartForeignKeysOfAnEarlierDefinition(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p), FOREIGN KEY (p) REFERENCES p(id))")
	b := s.begin()
	b.schema("d")
	b.table("d.c", "")
	s.on("USE d", "CREATE TABLE g LIKE p", "RENAME TABLE p TO old, g TO p")
	b.table("d.p", "")
	b.table("d.old", "")
	b.Names = append(b.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: "g"}, Base: catalog.BaseTombstone, At: s.position(), AtEnd: s.position()})
	b.end()
	s.on("INSERT INTO d.c VALUES (1, NULL)", "INSERT INTO d.p VALUES (7)")
	s.part(Wish{}, "d.c")
	mysqltest.Exec(t, s.dest, "DROP DATABASE d")
	s.part(Wish{}, "d.c", "d.p")
	mysqltest.Exec(t, s.dest, "DROP DATABASE d")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}

// TestPartRunsEachStatementOnce: a table that a statement changes in two ways, with one of its partitions and with its columns, is changed
// once.
func TestPartRunsEachStatementOnce(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE pt (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (1000), PARTITION p1 VALUES LESS THAN (2000))",
		"CREATE TABLE px (id INT PRIMARY KEY, v INT)", "INSERT INTO pt VALUES (1,1),(1001,2)", "INSERT INTO px VALUES (1500,3)")
	b := s.begin()
	b.schema("d")
	b.table("d.pt", "")
	b.table("d.px", "")
	b.end()
	s.on("USE d", "ALTER TABLE pt EXCHANGE PARTITION p1 WITH TABLE px", "ALTER TABLE pt REORGANIZE PARTITION p0 INTO (PARTITION p0 VALUES LESS THAN (500), PARTITION p0b VALUES LESS THAN (1000))",
		"ALTER TABLE pt REORGANIZE PARTITION p0,p0b INTO (PARTITION p0 VALUES LESS THAN (1000))", "ALTER TABLE pt ADD COLUMN w INT DEFAULT 4 PARTITION BY HASH (id) PARTITIONS 3",
		"ALTER TABLE pt COALESCE PARTITION 1", "INSERT INTO pt VALUES (5,5,5)")
	_, result := s.part(Wish{}, "d.pt")
	if result.StatementsReplayed != 6 { // and the other half of the EXCHANGE is dropped
		t.Errorf("%d statements", result.StatementsReplayed)
	}
}
