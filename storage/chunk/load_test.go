package chunk_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/chunk"
)

// wide is a table with a column for each way of reading and writing.
func wide() *schema.Table {
	t := tableOf("int", "float", "double", "double", "enum", "set", "json", "varchar", "int", "int", "bit")
	t.Name = schema.Name{Schema: "s`1", Name: "t.2"}
	t.Columns[3].Decimals = 2
	t.Columns[7].Name = "na`me"
	t.Columns[8].Generated = schema.Virtual
	t.Columns[9].Generated = schema.Stored
	t.Columns[10].Invisible = true
	return t
}

func TestSelect(t *testing.T) {
	expressions, columns := chunk.Select(wide())
	want := []string{"`a`", "`b`*1e0", "`c`", "`d`", "`e`+0", "CAST(`f` AS UNSIGNED)", "`g`", "`na``me`", "`k`"}
	if !slices.Equal(expressions, want) {
		t.Errorf("expressions %q", expressions)
	}
	if want := []string{"a", "b", "c", "d", "e", "f", "g", "na`me", "k"}; !slices.Equal(columns, want) {
		t.Errorf("columns %q", columns)
	}
}

func TestSelectBoundsFloatsByTheirDigits(t *testing.T) {
	table := tableOf("float")
	table.Columns[0].Length, table.Columns[0].Decimals = 10, 3
	expressions, _ := chunk.Select(table)
	if want := []string{"LEAST(GREATEST(`a`*1e0,-9.999999999e+06),9.999999999e+06)"}; !slices.Equal(expressions, want) {
		t.Errorf("expressions %q", expressions)
	}
}

func TestLoadStatement(t *testing.T) {
	const want = "LOAD DATA LOCAL INFILE 'chunk.tsv' REPLACE INTO TABLE `s``1`.`t.2` CHARACTER SET binary" +
		` FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES TERMINATED BY '\n'` +
		" (`a`, `b`, `c`, `d`, @v5, @v6, @v7, `na``me`, `k`)" +
		" SET `e`=CAST(@v5 AS UNSIGNED), `f`=CAST(@v6 AS UNSIGNED), `g`=CAST(@v7 AS CHAR CHARACTER SET utf8mb4)"
	l := chunk.LoadStatement(wide())
	if l.String() != want {
		t.Errorf("got\n%s, want\n%s", l, want)
	}
	counting := wide()
	counting.Columns[0].AutoInc = true
	if got := chunk.LoadStatement(counting).String(); !strings.Contains(got, "(@v1, `b`") || !strings.Contains(got, " SET `a`=@v1, `e`=CAST(@v5") {
		t.Errorf("of an AUTO_INCREMENT column %s", got)
	}
	counting.Columns = counting.Columns[:4] // nothing else is set
	if got := chunk.LoadStatement(counting).String(); !strings.HasSuffix(got, "(`a`, `b`, `c`, `d`)") {
		t.Errorf("without a SET clause %s", got)
	}
	back, err := chunk.ParseLoad(want)
	if err != nil || back.String() != want || back.Table != l.Table || !back.Replace || !slices.Equal(back.Columns, l.Columns) {
		t.Errorf("read as %+v, %v", back, err)
	}
	l.Table, l.Replace = schema.Name{Schema: "other", Name: "name"}, false
	if got := l.Statement(`Reader::a'\b`); !strings.HasPrefix(got, `LOAD DATA LOCAL INFILE 'Reader::a''\\b' INTO TABLE `+"`other`.`name` CHARACTER SET") {
		t.Errorf("got %s", got)
	}
	for _, damaged := range []string{"", want + " ", want[:len(want)-1], want[1:], strings.Replace(want, "@v5", "@v4", 1), strings.Replace(want, "CAST(@v6", "CAST(@v7", 1),
		strings.Replace(want, "chunk.tsv", "x", 1), strings.Replace(want, "binary", "latin1", 1), want + ", `a`=CAST(@v1 AS UNSIGNED)"} {
		if l, err := chunk.ParseLoad(damaged); err == nil {
			t.Errorf("%s was read as %+v", damaged, l)
		}
	}
}

func TestParseLoadReadsWhatIsRendered(t *testing.T) {
	name := rapid.StringOfN(rapid.SampledFrom([]rune("a`@v1,). =(;'\\é")), 1, 6, -1)
	rapid.Check(t, func(rt *rapid.T) {
		l := chunk.Load{Table: schema.Name{Schema: name.Draw(rt, "schema"), Name: name.Draw(rt, "table")}, Replace: rapid.Bool().Draw(rt, "replace")}
		for range rapid.IntRange(0, 5).Draw(rt, "columns") {
			through := rapid.SampledFrom([]chunk.Through{chunk.Raw, chunk.Number, chunk.Text, chunk.Assigned}).Draw(rt, "through")
			l.Columns = append(l.Columns, chunk.LoadColumn{Name: name.Draw(rt, "column"), Through: through})
		}
		back, err := chunk.ParseLoad(l.String())
		if err != nil || back.Table != l.Table || back.Replace != l.Replace || !slices.Equal(back.Columns, l.Columns) {
			rt.Fatalf("%s was read as %+v, %v", l, back, err)
		}
	})
}

func TestTableOfGeneratedColumnsOnly(t *testing.T) {
	table := tableOf("int")
	table.Columns[0].Generated = schema.Virtual
	expressions, columns := chunk.Select(table)
	if !slices.Equal(expressions, []string{"NULL"}) || len(columns) != 0 {
		t.Errorf("select %q of %q", expressions, columns)
	}
	if got := chunk.LoadStatement(table).String(); !strings.HasSuffix(got, "(@nothing)") {
		t.Error(got)
	}
	line, _, err := chunk.NewTranscoder(table).AppendRow(nil, packet([]value{nil}))
	if err != nil || string(line) != "\\N\n" {
		t.Errorf("%q, %v", line, err)
	}
}
