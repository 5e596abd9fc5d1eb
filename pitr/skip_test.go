package pitr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage/catalog"
)

// gtid is that of the last transaction on the source.
func (s *story) gtid() string {
	s.Helper()
	uuid, numbers, _ := strings.Cut(s.row("SELECT @@global.gtid_executed")[0], ":")
	return uuid + ":" + numbers[strings.LastIndexAny(numbers, "-:")+1:]
}

func gtids(t *testing.T, list ...string) binlog.GTIDSet {
	t.Helper()
	set, err := binlog.ParseGTIDSet(strings.Join(list, ","))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// What is left out is not there; what comes behind it is, whatever stands in its way.
func TestSkipLeavesTransactionsOut(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "USE d", "CREATE TABLE t (id INT PRIMARY KEY, u INT UNIQUE, v VARCHAR(20))", "INSERT INTO t VALUES (1,10,'a'),(2,20,'b'),(3,30,'c'),(4,40,'d'),(5,50,'e'),(6,60,'f')",
		"CREATE TABLE k (a INT, v VARCHAR(10))", "INSERT INTO k VALUES (1,'one'),(2,'two'),(3,'three')",
		"CREATE TABLE s (name VARCHAR(10) PRIMARY KEY, n INT)", "INSERT INTO s VALUES ('a',1),('b',2)", "CREATE TABLE far (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	for _, n := range []string{"d.t", "d.k", "d.s", "d.far"} {
		b.table(n, "")
	}
	b.end()
	var left []string
	leave := func(statements ...string) {
		s.on(append(append([]string{"USE d", "BEGIN"}, statements...), "COMMIT")...)
		left = append(left, s.gtid())
	}
	s.on("USE d", "INSERT INTO t VALUES (7,70,'g')")
	leave("DELETE FROM t WHERE id = 1", "UPDATE t SET v='bad' WHERE id = 2", "UPDATE t SET id = 33, u = 31 WHERE id = 3", "INSERT INTO t VALUES (8,80,'h')", "INSERT INTO t VALUES (9,90,'i')",
		"DELETE FROM k WHERE a = 1", "INSERT INTO k VALUES (9,'nine')", "DELETE FROM s WHERE name = 'a'")
	s.on("USE d", "RENAME TABLE t TO moved", "INSERT INTO moved VALUES (10,10,'took u of 1')", "UPDATE moved SET v='good' WHERE id = 2", "UPDATE moved SET v='was 3' WHERE id = 33",
		"UPDATE moved SET v='h2' WHERE id = 8", "DELETE FROM moved WHERE id = 9", "UPDATE moved SET v='d2' WHERE id = 4",
		"UPDATE k SET v='neun' WHERE a = 9", "DELETE FROM k WHERE a = 2", "INSERT INTO s VALUES ('A', 5)", "UPDATE s SET n = 3 WHERE name = 'b'", "INSERT INTO far VALUES (1)")
	_, result, err := s.restore(Wish{SkipGTID: gtids(t, left...)})
	s.must(err)
	for query, want := range map[string]string{
		"SELECT id, u, v FROM d.moved ORDER BY id": "2 20 good|3 30 c|4 40 d2|5 50 e|6 60 f|7 70 g|8 80 h2|10 10 took u of 1|33 31 was 3",
		"SELECT a, v FROM d.k ORDER BY a":          "1 one|3 three|9 neun",
		"SELECT name, n FROM d.s ORDER BY n":       "b 3|A 5",
		"SELECT id FROM d.far":                     "1",
	} {
		var rows []string
		for _, row := range s.query(s.dest.Root(), query) {
			rows = append(rows, strings.Join(row, " "))
		}
		if got := strings.Join(rows, "|"); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	text := strings.Join(result.Loose, "\n")
	for _, part := range []string{"d.moved: `id`=1, by ", "d.moved: `id`=3,", "d.k: the whole table", "d.s: the whole table", left[0]} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if result.LooseRows != 8 || result.TransactionsSkipped != 1 || len(result.Divergence) != 0 {
		t.Errorf("%d loose rows, %d transactions left out, %v", result.LooseRows, result.TransactionsSkipped, result.Divergence)
	}
}

// A row that stays away, because its making was left out and what changes it then are images that lack columns, stays away under
// whatever key these give it; rows that are not loose are held to account as ever.
func TestSkipOfARowThatMovesWhileItIsAway(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, n INT, doc JSON)", "INSERT INTO d.t VALUES (1,1,NULL),(2,2,NULL)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on(`INSERT INTO d.t VALUES (5,5,'{"a":[1,2,3],"b":"long enough for a diff"}')`)
	left := s.gtid()
	s.on("USE d", "SET SESSION binlog_row_image=MINIMAL", "UPDATE t SET id=-5 WHERE id=5", "UPDATE t SET n=6 WHERE id=-5", "SET SESSION binlog_row_image=FULL",
		"SET SESSION binlog_row_value_options=PARTIAL_JSON", "UPDATE t SET id=7, doc=JSON_SET(doc,'$.a[0]',9) WHERE id=-5", "UPDATE t SET doc=JSON_SET(doc,'$.a[0]',8) WHERE id=7",
		"DELETE FROM t WHERE id=7", "INSERT INTO t VALUES (7,70,NULL)", "UPDATE t SET n=10 WHERE id=1")
	_, result, err := s.restore(Wish{SkipGTID: gtids(t, left)})
	s.must(err)
	s.same("d")
	if result.LooseRows != 1 || len(result.Divergence) != 0 {
		t.Errorf("%d loose rows, divergence %v", result.LooseRows, result.Divergence)
	}
}

// An image that does not tell all unique values is replayed as if a row in its way were loose, and makes no other row loose.
func TestSkipKeepsTheAccountBesidePartialImages(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, u INT UNIQUE, n INT)", "INSERT INTO d.t VALUES (1,1,1),(2,2,2)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (5,5,5)")
	left := s.gtid()
	s.on("SET SESSION binlog_row_image=MINIMAL", "UPDATE d.t SET u=10 WHERE id=1", "SET SESSION binlog_row_image=FULL",
		"SET sql_log_bin=0", "INSERT INTO d.t VALUES (4,4,4)", "SET sql_log_bin=1", "UPDATE d.t SET n=6 WHERE id=4")
	_, _, err := s.restore(Wish{SkipGTID: gtids(t, left)})
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "d.t")
}

// Rows that are not loose are held to account as ever.
func TestSkipKeepsTheAccount(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)", "INSERT INTO d.t VALUES (1,1),(2,2),(3,3)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("DELETE FROM d.t WHERE id = 1")
	left := s.gtid()
	s.on("SET sql_log_bin=0", "INSERT INTO d.t VALUES (4,4)", "SET sql_log_bin=1", "UPDATE d.t SET v = 5 WHERE id = 4", "UPDATE d.t SET v = 9 WHERE id = 2")
	w := Wish{SkipGTID: gtids(t, left)}
	_, _, err := s.restore(w)
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "d.t")
	w.OnDivergence, w.Force, w.Selection.Tables, w.Rename = BinlogWins, true, []string{"d.t"}, []string{"d.t=d.other"}
	_, result, err := s.restore(w)
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "1 places")
	if len(result.Divergence) != 1 || result.Divergence[0].Name.String() != "d.other" || len(result.Loose) != 1 {
		t.Errorf("divergence %v, loose %v", result.Divergence, result.Loose)
	}
	if rows := s.query(s.dest.Root(), "SELECT COUNT(*), SUM(v) FROM d.other"); rows[0][0] != "4" || rows[0][1] != "18" {
		t.Errorf("%v", rows)
	}
}

// What cannot be left out: what the backup may hold, statements on what is wanted, what is nowhere.
func TestSkipRefused(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "CREATE TABLE d.u (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)")
	first := s.begin()
	first.schema("d")
	first.table("d.t", "")
	first.table("d.u", "")
	older := first.end()
	s.on("INSERT INTO d.t VALUES (2)")
	inBoth := s.gtid()
	second := s.begin()
	second.schema("d")
	second.table("d.u", "")
	s.on("INSERT INTO d.t VALUES (3)")
	inRead := s.gtid()
	second.table("d.t", "")
	newer := second.end()
	s.on("INSERT INTO d.t VALUES (4)", "ALTER TABLE d.t ADD COLUMN n INT")
	statement := s.gtid()
	s.on("DROP TABLE d.u")
	drop := s.gtid()
	s.on("CREATE VIEW d.v AS SELECT 1")
	view := s.gtid()
	here := s.position()
	s.on("INSERT INTO d.t VALUES (5,5)")
	behind := s.gtid()
	uuid, _, _ := strings.Cut(behind, ":")
	for _, c := range []struct {
		w      Wish
		backup string // empty: refused
		part   string
	}{
		{Wish{SkipGTID: gtids(t, inBoth)}, older, ""},
		{Wish{SkipGTID: gtids(t, inRead)}, older, ""},
		{Wish{SkipGTID: gtids(t, behind)}, newer, ""},
		{Wish{SkipGTID: gtids(t, inRead), Selection: catalog.Selection{Exclude: []string{"d.t"}}}, newer, ""},
		{Wish{SkipGTID: gtids(t, inRead), Backup: newer}, "", "may be in what backup " + newer + " read of d.t"},
		{Wish{SkipGTID: gtids(t, inBoth), Backup: newer}, "", "is not in the log between"},
		{Wish{SkipGTID: gtids(t, behind), Stop: stopAt(here)}, "", "is not in the log between"},
		{Wish{SkipGTID: gtids(t, uuid+":100000")}, "", "100000 is not in the log"},
		{Wish{SkipGTID: gtids(t, statement)}, "", "--exclude d.t"},
		{Wish{SkipGTID: gtids(t, statement), Selection: catalog.Selection{Exclude: []string{"d.t"}}}, newer, ""},
		{Wish{SkipGTID: gtids(t, drop)}, "", "--exclude d.u"},
		{Wish{SkipGTID: gtids(t, drop), Selection: catalog.Selection{Tables: []string{"d.t"}}}, newer, ""},
		{Wish{SkipGTID: gtids(t, view)}, "", "--exclude d.v"},
	} {
		c.w.Force = true
		plan, _, err := s.restore(c.w)
		if c.backup == "" {
			if err == nil {
				t.Errorf("%v was restored", c.w)
				continue
			}
			s.wantFault(err, fault.CodeRange, fault.Of(err).Kind, c.part)
			continue
		}
		s.must(err)
		if plan.BackupID != c.backup {
			t.Errorf("%v from backup %s, want %s", c.w, plan.BackupID, c.backup)
		}
	}
}

// However transactions are left out: there is no false alarm, every row that the source changed
// last by a transaction that was not left out is the source's, and what is more on the target are
// rows that one of those left out took away.
func TestSkipOfRandomHistories(t *testing.T) {
	s := newStory(t, "d")
	for seed := range uint64(5) {
		image := "FULL"
		if seed == 4 { // then there is no false alarm, but a row whose making was left out stays away
			image = "MINIMAL"
		}
		r := rand.New(rand.NewPCG(seed, 1))
		s.on("DROP DATABASE IF EXISTS d", "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, u INT, v INT, UNIQUE (u))")
		for id := range 12 {
			s.on(fmt.Sprintf("INSERT INTO d.t VALUES (%d, %d, 0)", id, id))
		}
		b := s.begin()
		b.schema("d")
		b.table("d.t", "")
		b.end()
		var left []string
		skippedLast, touched := map[string]bool{}, map[string]bool{}
		for n := range 120 {
			if n == 90 && seed%2 == 1 {
				s.on("ALTER TABLE d.t ADD COLUMN n INT")
			}
			id, to := r.IntN(16), r.IntN(16)
			change := []string{
				fmt.Sprintf("INSERT IGNORE INTO d.t (id, u, v) VALUES (%d, %d, %d)", id, r.IntN(16), n),
				fmt.Sprintf("UPDATE IGNORE d.t SET u=%d, v=%d WHERE id=%d", r.IntN(16), n, id),
				fmt.Sprintf("UPDATE IGNORE d.t SET id=%d, v=%d WHERE id=%d", to, n, id),
				fmt.Sprintf("DELETE FROM d.t WHERE id=%d", id),
			}[r.IntN(4)]
			before := s.gtid()
			s.on("SET SESSION binlog_row_image="+image, change, "SET SESSION binlog_row_image=DEFAULT")
			gtid := s.gtid()
			if gtid == before {
				continue // it changed nothing
			}
			skip := r.IntN(8) == 0
			for _, i := range []int{id, to} {
				if key := fmt.Sprint(i); i == id || strings.Contains(change, "SET id") {
					skippedLast[key] = skip
					touched[key] = touched[key] || skip
				}
			}
			if skip {
				left = append(left, gtid)
			}
		}
		_, result, err := s.restore(Wish{SkipGTID: gtids(t, left...), Force: true})
		s.must(err)
		if image == "MINIMAL" {
			continue
		}
		got := map[string]string{}
		for _, row := range s.query(s.dest.Root(), "SELECT * FROM d.t") {
			got[row[0]] = strings.Join(row, " ")
		}
		source := s.query(s.source.Root(), "SELECT * FROM d.t")
		for _, row := range source {
			if want := strings.Join(row, " "); got[row[0]] != want && !skippedLast[row[0]] {
				t.Errorf("seed %d: row %q, want %q", seed, got[row[0]], want)
			}
			delete(got, row[0])
		}
		for id, row := range got {
			if !touched[id] {
				t.Errorf("seed %d: row %q is not on the source, and no transaction that was left out took it away", seed, row)
			}
		}
		if result.TransactionsSkipped != uint64(len(left)) || len(result.Loose) == 0 || len(result.Divergence) != 0 {
			t.Errorf("seed %d: %d of %d left out, loose %v, divergence %v", seed, result.TransactionsSkipped, len(left), result.Loose, result.Divergence)
		}
	}
}
