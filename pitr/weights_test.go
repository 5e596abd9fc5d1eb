package pitr

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/pitr/checkpoint"
	"github.com/tripod-db/tripod/pitr/director"
	"github.com/tripod-db/tripod/pitr/lanes"
	"github.com/tripod-db/tripod/pitr/target"
	"github.com/tripod-db/tripod/rewriter"
)

// weighed are collations with the pieces that texts are made of: letters that differ by case and accent, or not
// at all, pairs that some languages take for one letter, blanks and what weighs as much, characters that
// weigh nothing. told: whether the keyed lane can tell texts apart.
var weighed = []struct {
	collation, pieces string
	told              bool
}{
	{"utf8mb4_0900_ai_ci", "a A á ß s S ~ _ c h l - 中 \u00a0 \u00ad \t 1 ¹ ™ T M", true},
	{"utf8mb4_0900_bin", "a A á \u00a0 \t 1", true}, {"utf8mb4_bin", "a A á \u00a0 \t 1", true},
	{"utf8mb4_general_ci", "a A á ß s \u00a0 \t \x00 中 😀 😁", true}, {"utf8mb4_unicode_ci", "a A á ß s \u00a0 \t \x00 ~ 中", true},
	{"utf8mb4_unicode_520_ci", "a A á ß s \u00a0 \t 中", true}, {"utf8mb3_general_ci", "a A á ß s \u00a0", true},
	{"utf8mb4_de_pb_0900_ai_ci", "a e A ä ae Ä o", true}, {"utf8mb4_es_trad_0900_ai_ci", "c h C l L n", false},
	{"utf8mb4_hu_0900_ai_ci", "d z s D Z S c", false}, {"utf8mb4_da_0900_ai_ci", "a A å aa", false}, {"utf8mb4_0900_as_cs", "a A", false},
	{"latin1_swedish_ci", "a A \xe1 y \xfc \xa0 \t", true}, {"latin1_german2_ci", "a e \xe4 A s \xdf", true}, {"latin1_bin", "a A \xe1 \xa0", true}, {"latin1_general_cs", "a A \xe1 \xa0", true},
	{"ascii_general_ci", "a A b \t", true}, {"cp1251_general_ci", "a A \xe0 \xc0 \xa0", true}, {"latin2_czech_cs", "c h C \xe8", false},
	{"gbk_chinese_ci", "a A \xd6\xd0", false}, {"sjis_japanese_ci", "a A", false}, {"utf16_general_ci", "a", false},
}

// Two texts have one weight exactly if the server holds them for equal, in random texts of every collation
// that the keyed lane tells apart; it leaves the others to the ordered lane.
func TestWeightsAreWhatTheServerHoldsForEqual(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	m := mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true})
	a, err := server.ParseURL(m.URL(mysqltest.Root))
	if err != nil {
		t.Fatal(err)
	}
	srv, err := server.Open(t.Context(), a, server.Target)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	s, err := target.Connect(t.Context(), srv)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	collations := lanes.NewCollations(s)
	for _, c := range weighed {
		charset, _, _ := strings.Cut(c.collation, "_")
		def, err := ddl.ParseCreateTable("CREATE TABLE `t` (\n  `k` varchar(40) CHARACTER SET "+charset+" COLLATE "+c.collation+" NOT NULL,\n  PRIMARY KEY (`k`)\n)", "d")
		if err != nil {
			t.Fatal(err)
		}
		table := rewriter.NewTable(def, schema.Name{Schema: "d", Name: "t"})
		w, err := collations.Weights(t.Context(), table)
		if err != nil {
			t.Fatal(err)
		}
		if (w != nil) != c.told {
			t.Errorf("%s: told apart by weights: %v", c.collation, w != nil)
		}
		if w == nil {
			continue
		}
		compareWeights(t, s, w, table, r, c.collation, append(strings.Split(c.pieces, " "), " "))
	}
}

func compareWeights(t *testing.T, s *target.Session, w *lanes.Weights, table *rewriter.Table, r *rand.Rand, collation string, pieces []string) {
	charset, _, _ := strings.Cut(collation, "_")
	texts := slices.Clone(pieces) // most collations hold some of them for equal
	for range 60 {
		var text strings.Builder
		for range r.IntN(4) {
			text.WriteString(pieces[r.IntN(len(pieces))])
		}
		texts = append(texts, text.String())
	}
	var fields []string
	for i := range texts {
		for j := range i {
			fields = append(fields, fmt.Sprintf("_%s x'%x' COLLATE %s = _%s x'%x'", charset, texts[i], collation, charset, texts[j]))
		}
	}
	row, err := s.QueryText(t.Context(), "SELECT CONCAT("+strings.Join(fields, ",")+")")
	if err != nil {
		t.Fatalf("%s: %v", collation, err)
	}
	weight := func(text string) string {
		if err := w.PrepareValue(t.Context(), 0, []byte(text)); err != nil {
			t.Fatal(err)
		}
		return string(w.AppendWeight(nil, 0, []byte(text)))
	}
	at, equal := 0, 0
	for i := range texts {
		for j := range i {
			same := weight(texts[i]) == weight(texts[j])
			if same != (row[0][at] == '1') {
				t.Errorf("%s: %q and %q: equal to the server %c, weights %x and %x", collation, texts[i], texts[j], row[0][at], weight(texts[i]), weight(texts[j]))
			}
			if same && texts[i] != texts[j] {
				equal++
			}
			at++
		}
	}
	if equal == 0 && !strings.HasSuffix(collation, "0900_bin") {
		t.Errorf("%s: no two different texts were equal", collation)
	}
}

// Rows whose key is text go through the keyed lane where the target tells what is equal: keys that change their
// case, their accents or blanks, hot ones above all. Both lanes bring the same about; how long each takes is
// logged.
func TestTextKeysInBothLanes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.t (k VARCHAR(40), l CHAR(3) CHARACTER SET latin1, u VARCHAR(20), n INT, PRIMARY KEY (k,l), UNIQUE (u))")
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.end()
	_, _, err := s.restore(Wish{})
	s.must(err)
	from := s.position()
	s.on(textChanges(rnd, 150)...)
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
	took := map[bool]time.Duration{}
	for _, keyed := range []bool{false, true} {
		mysqltest.Exec(t, s.dest, "TRUNCATE d.t")
		tables := newTableSet(reader, unfolded)
		s.must(tables.read(t.Context(), schema.Name{Schema: "d", Name: "t"}))
		table := tables.get(schema.Name{Schema: "d", Name: "t"})
		if !table.Keyed {
			t.Fatal("the table's texts are not told apart by weights")
		}
		table.Keyed = keyed
		both := &lanes.Lanes{Ordered: lanes.StartOrdered(t.Context(), writers[0], r.memory, checkpoint.Mark{}), Keyed: lanes.StartKeyed(t.Context(), r.flusher(writers[1:]), r.memory.Generation()), Large: r.memory.Large()}
		began := time.Now()
		s.eachRow(from, s.position(), func(_ schema.Name, c rewriter.Change) {
			s.must(both.Apply(t.Context(), &table.Table, rewriter.Account, c, rewriter.Origin{}))
		})
		s.must(both.Fence(t.Context(), nil))
		took[keyed] = time.Since(began)
		s.must(both.Close())
		mysqltest.Exec(t, s.dest, "DROP TABLE d."+checkpoint.ProgressTable)
		s.same("d")
		s.must(r.progress.Prepare(t.Context(), reader))
	}
	t.Logf("ordered lane %v, keyed lane %v: %.1f times as fast", took[false], took[true], took[false].Seconds()/took[true].Seconds())
}

// textChanges are n statements of 20 rows over few keys, which are spelled in ways that are equal.
func textChanges(r *rand.Rand, n int) (list []string) {
	key := func() string {
		k := []string{"apple", "Apple", "ÄPPLE", "äpple", "pear", "PEAR", "straße", "strasse", "中", "a-b", "A-B", "", "x"}[r.IntN(13)]
		return fmt.Sprintf("'%s','%s'", k, []string{"a", "A", "b", "\u00e1"}[r.IntN(4)])
	}
	for range n {
		var rows []string
		for range 20 {
			rows = append(rows, fmt.Sprintf("(%s,NULL,1)", key()))
		}
		list = append(list, "INSERT INTO d.t VALUES "+strings.Join(rows, ",")+" AS new ON DUPLICATE KEY UPDATE k=new.k, l=new.l, n=t.n+1")
		switch r.IntN(3) {
		case 0:
			list = append(list, fmt.Sprintf("REPLACE INTO d.t VALUES (%s,'%c',0)", key(), "abcABC"[r.IntN(6)]))
		case 1:
			list = append(list, "DELETE FROM d.t WHERE n%3=0 LIMIT 4")
		}
	}
	return list
}
