package pitr

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/progress"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// TestKeyedLaneWritesGenerations: hot rows, moving keys and moving unique values, in far more
// changes than one generation holds, with changes of the tables in between, give what the source has.
func TestKeyedLaneWritesGenerations(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := newStory(t, "d")
	s.on("CREATE DATABASE d",
		"CREATE TABLE d.hot (id BIGINT PRIMARY KEY, n INT, pad VARBINARY(4000), doc JSON)",
		"CREATE TABLE d.taken (a INT, b VARBINARY(20), u INT, ci VARCHAR(10) CHARACTER SET utf8mb4, PRIMARY KEY (a,b), UNIQUE (u), UNIQUE (ci))",
		"CREATE TABLE d.text (k VARCHAR(20) PRIMARY KEY, n INT)", "CREATE TABLE d.none (n INT)")
	b := s.begin()
	b.schema("d")
	for _, name := range []string{"hot", "taken", "text", "none"} {
		b.table("d."+name, "")
	}
	b.end()
	for i := range 6 {
		s.on(inImages(r, hotChanges(r, 400))...)
		switch i {
		case 1:
			s.on("ALTER TABLE d.hot ADD COLUMN late INT DEFAULT 7 FIRST")
		case 3:
			s.on("RENAME TABLE d.taken TO d.t2, d.text TO d.taken, d.t2 TO d.text", "RENAME TABLE d.taken TO d.t2, d.text TO d.taken, d.t2 TO d.text")
		}
	}
	s.archive()
	c := Config{Catalog: s.catalog, Target: s.into, Program: "test", Memory: 32 << 20}
	plan, err := MakePlan(t.Context(), c, Wish{Instance: instance})
	s.must(err)
	_, err = Run(t.Context(), c, plan)
	s.must(err)
	s.same("d")
}

// inImages lets the session of statements switch its row images between them.
func inImages(r *rand.Rand, statements []string) (list []string) {
	const every = 6
	for _, s := range statements {
		if r.IntN(every) == 0 {
			list = append(list, "SET SESSION binlog_row_image="+[]string{"MINIMAL", "NOBLOB", "FULL"}[r.IntN(3)]+", SESSION binlog_row_value_options="+[]string{"PARTIAL_JSON", "''"}[r.IntN(2)])
		}
		list = append(list, s)
	}
	return append(list, "SET SESSION binlog_row_image=DEFAULT, SESSION binlog_row_value_options=DEFAULT")
}

// hotChanges are n statements that succeed on the tables of TestKeyedLaneWritesGenerations.
func hotChanges(r *rand.Rand, n int) (list []string) {
	for range n {
		id := r.IntN(40)
		switch r.IntN(10) {
		case 0, 1, 2:
			list = append(list, fmt.Sprintf("INSERT INTO d.hot (id,n,pad) VALUES (%d,1,RANDOM_BYTES(1000)) ON DUPLICATE KEY UPDATE n=n+1, pad=CONCAT(RANDOM_BYTES(1000),RANDOM_BYTES(1000))", id))
		case 3:
			list = append(list, fmt.Sprintf("DELETE FROM d.hot WHERE id IN (%d,%d)", id, id+1))
		case 4:
			list = append(list, fmt.Sprintf("UPDATE IGNORE d.hot SET id=-id-1 WHERE id BETWEEN %d AND %d ORDER BY id", id, id+3))
		case 5: // whoever has one of the values gives way
			list = append(list, fmt.Sprintf("REPLACE INTO d.taken VALUES (%d,'%c',%d,'%c')", id%7, 'a'+r.IntN(3), r.IntN(12), "abcABC"[r.IntN(6)]))
		case 6:
			list = append(list, fmt.Sprintf("UPDATE IGNORE d.taken SET u=%d, ci='%c', a=%d WHERE a=%d", r.IntN(12), "abcABC"[r.IntN(6)], r.IntN(7), r.IntN(7)))
		case 7:
			list = append(list, fmt.Sprintf("REPLACE INTO d.text (k,n) VALUES ('%c',%d)", "abcABC"[r.IntN(6)], id))
		case 9:
			list = append(list, fmt.Sprintf("UPDATE d.hot SET doc=IF(doc IS NULL OR n>5, JSON_OBJECT('n',n,'l',JSON_ARRAY(1,2),'pad',REPEAT('x',200)), JSON_SET(doc,'$.n',n+1,'$.l[1]',%d)) WHERE id<%d", id, id))
		case 8:
			list = append(list, fmt.Sprintf("INSERT INTO d.none VALUES (%d)", id), fmt.Sprintf("DELETE FROM d.none WHERE n=%d LIMIT 1", r.IntN(40)))
		}
	}
	return list
}

// TestR9FenceOfOneTable: a fence brings the tables that it names to the target, and lets the others
// go on gathering.
func TestR9FenceOfOneTable(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.a (id INT PRIMARY KEY)", "CREATE TABLE d.b (id INT PRIMARY KEY)")
	b := s.begin()
	b.schema("d")
	b.table("d.a", "")
	b.table("d.b", "")
	b.end()
	_, _, err := s.restore(Wish{})
	s.must(err)

	from := s.position()
	s.on("INSERT INTO d.a VALUES (1)", "INSERT INTO d.b VALUES (1)", "INSERT INTO d.a VALUES (2)")
	s.archive()
	r := &run{config: Config{Catalog: s.catalog, Target: s.into}, plan: &Plan{Load: LoadPlan{Threads: 2}}, memory: lanes.NewMemory(0), past: checkpoint.NewPast(unfolded),
		progress: &checkpoint.Table{Name: schema.Name{Schema: "d", Name: checkpoint.ProgressTable}}, director: &director.Director{}}
	r.target, err = target.Open(t.Context(), s.into, false)
	s.must(err)
	writers, err := r.writers(t.Context())
	defer closeWriters(writers)
	s.must(err)
	reader, err := r.target.Session(t.Context())
	s.must(err)
	defer reader.Close()
	s.must(r.progress.Prepare(t.Context(), reader))
	tables := newTableSet(reader, unfolded)
	lane := lanes.StartKeyed(t.Context(), r.flusher(writers[1:]), 1<<20)
	defer func() { s.must(lane.Close()) }()
	s.eachRow(from, s.position(), func(n schema.Name, c rewriter.Change) {
		if tables.get(n) == nil {
			s.must(tables.read(t.Context(), n))
		}
		s.must(lane.Apply(t.Context(), &tables.get(n).Table, rewriter.Account, c, rewriter.Origin{}))
	})
	count := func() string {
		return s.query(s.dest.Root(), "SELECT CONCAT((SELECT COUNT(*) FROM d.a),' ',(SELECT COUNT(*) FROM d.b))")[0][0]
	}
	for _, c := range []struct {
		fence []schema.Name
		want  string
	}{
		{[]schema.Name{{Schema: "d", Name: "other"}}, "0 0"},
		{[]schema.Name{{Schema: "d", Name: "a"}}, "2 0"},
		{nil, "2 1"},
	} {
		s.must(lane.Fence(t.Context(), c.fence))
		if got := count(); got != c.want {
			t.Errorf("behind the fence of %v: %s rows, want %s", c.fence, got, c.want)
		}
	}
}

func unfolded(n schema.Name) schema.Name { return n }

// TestKeyedLaneHoldsContradictionsToAccount: a log that inserts a row twice (what was between was
// hidden from it) is divergence, also where both are in one batch.
func TestKeyedLaneHoldsContradictionsToAccount(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v INT)")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	s.on("INSERT INTO d.t VALUES (1,1),(2,2)", "SET sql_log_bin=0", "DELETE FROM d.t WHERE id=1", "SET sql_log_bin=1")
	at := s.position()
	s.on("INSERT INTO d.t VALUES (1,3)", "UPDATE d.t SET v=4 WHERE id=1")
	_, _, err := s.restore(Wish{})
	for _, part := range []string{"d.t", "Duplicate entry '1'", at.String()} {
		s.wantFault(err, fault.CodeDifference, fault.KindDivergence, part)
	}
	_, result, err := s.restore(Wish{OnDivergence: BinlogWins, Force: true})
	s.wantFault(err, fault.CodeDifference, fault.KindDivergence, "1 places")
	if result == nil || len(result.Divergence) != 1 || !strings.Contains(result.Divergence[0].Problem, "Duplicate") {
		t.Fatalf("result %+v", result)
	}
	s.same("d")
}

// eachRow calls do for every row change of the archive between two positions.
func (s *story) eachRow(from, to binlog.Position, do func(schema.Name, rewriter.Change)) {
	s.Helper()
	rows := func(_ *event.Entry, rows *event.Rows) error {
		return rows.Each(func(before, after event.Image) error {
			do(rows.Table.Name, rewriter.Change{Map: rows.Table, Before: before, After: after})
			return nil
		})
	}
	phase := progress.Discard.Begin("test", progress.Amount{})
	_, err := walk(s.Context(), archive.Open(s.catalog, instance), span{from: from, stop: to}, phase, func(*archive.Unit) bool { return false }, hooks{rows: rows})
	s.must(err)
}
