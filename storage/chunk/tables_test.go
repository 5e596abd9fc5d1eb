package chunk_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/chunk"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// makeTable makes the table in src and dst, and rows in src.
func (b *bench) makeTable(t *testing.T, name, columns string, rows ...string) {
	t.Helper()
	for _, s := range []string{"src", "dst"} {
		mysqltest.Exec(t, b.Server, "CREATE TABLE "+s+"."+schema.Quote(name)+" "+columns)
	}
	for _, row := range rows {
		mysqltest.Exec(t, b.Server, "SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'", "INSERT INTO src."+schema.Quote(name)+" "+row)
	}
}

func (b *bench) wantEqual(t *testing.T, name string) {
	t.Helper()
	if sums := checksums(t, b, name); sums[0] != sums[1] || sums[0] == "" || sums[0] == "0" {
		t.Errorf("%s: checksums %q", name, sums)
	}
}

// TestGeneratedAndInvisibleColumns: what is generated is computed anew, what is invisible is
// read and written all the same, whatever the names are.
func TestGeneratedAndInvisibleColumns(t *testing.T) {
	b := newBench(t)
	name := "ta`ble 1; é"
	b.makeTable(t, name, "(`i``d` INT PRIMARY KEY, g VARCHAR(20) AS (CONCAT(`中`, '!')) VIRTUAL, `中` VARCHAR(10), "+
		"s INT AS (`i``d` * 2) STORED, `@v1` ENUM('2','1') INVISIBLE, `SET` JSON, z INT AS (1) VIRTUAL INVISIBLE)",
		"(`i``d`, `中`, `@v1`, `SET`) VALUES (0, 'a\tb', 1, '[1]'), (1, NULL, 2, NULL), (2, '', NULL, '{}')")
	table := &schema.Table{Name: schema.Name{Schema: "src", Name: name}, Columns: []schema.Column{
		column("i`d", "int"), column("g", "varchar(20)"), column("中", "varchar(10)"), column("s", "int"), column("@v1", "enum('2','1')"), column("SET", "json"), column("z", "int"),
	}}
	table.Columns[1].Generated, table.Columns[3].Generated, table.Columns[6].Generated = schema.Virtual, schema.Stored, schema.Virtual
	table.Columns[4].Invisible = true
	b.copyTable(t, table)
	b.wantEqual(t, name)
	query := "SELECT CONCAT_WS(',', `i``d`, g, s, `@v1`+0, `SET`) FROM dst." + schema.Quote(name) + " ORDER BY 1"
	if got, want := b.queryText(t, query), []string{"0,a\tb!,0,1,[1]", "1,2,2", "2,!,4,{}"}; !slices.Equal(got, want) {
		t.Errorf("the copy holds %q", got)
	}
}

// TestInvisiblePrimaryKey: the key that the server makes is a column like any other.
func TestInvisiblePrimaryKey(t *testing.T) {
	b := newBench(t)
	for _, s := range []string{"src", "dst"} {
		mysqltest.Exec(t, b.Server, "SET sql_generate_invisible_primary_key=ON", "CREATE TABLE "+s+".gipk (a VARCHAR(5))")
	}
	mysqltest.Exec(t, b.Server, "INSERT INTO src.gipk VALUES ('x'), ('y'), ('z')", "DELETE FROM src.gipk WHERE a='y'")
	b.copyTable(t, &schema.Table{Name: schema.Name{Schema: "src", Name: "gipk"}, Columns: []schema.Column{column("my_row_id", "bigint unsigned"), column("a", "varchar(5)")}})
	b.wantEqual(t, "gipk")
}

func TestTableOfGeneratedColumnsOnlyComesBack(t *testing.T) {
	b := newBench(t)
	b.makeTable(t, "only", "(a INT AS (1) VIRTUAL, b INT AS (a + 1) STORED)", "VALUES (), (), ()")
	table := &schema.Table{Name: schema.Name{Schema: "src", Name: "only"}, Columns: []schema.Column{column("a", "int"), column("b", "int")}}
	table.Columns[0].Generated, table.Columns[1].Generated = schema.Virtual, schema.Stored
	b.copyTable(t, table)
	b.wantEqual(t, "only")
}

// TestLinesOfOneEmptyString: a line without a byte is a row.
func TestLinesOfOneEmptyString(t *testing.T) {
	b := newBench(t)
	b.makeTable(t, "empty", "(a VARCHAR(5))", "VALUES (''), (NULL), (''), ('NULL'), ('\\\\N'), (' ')")
	b.copyTable(t, &schema.Table{Name: schema.Name{Schema: "src", Name: "empty"}, Columns: []schema.Column{column("a", "varchar(5)")}})
	b.wantEqual(t, "empty")
	if got := b.queryText(t, "SELECT COUNT(*) FROM dst.empty WHERE a IS NULL"); got[0] != "1" {
		t.Errorf("%s rows are NULL", got)
	}
}

// TestRowLargerThanAPacket: the row comes in several packets of 16 MiB.
func TestRowLargerThanAPacket(t *testing.T) {
	b := newBench(t)
	b.makeTable(t, "large", "(id INT PRIMARY KEY, a LONGBLOB, b LONGTEXT CHARACTER SET latin1)", "VALUES (1, REPEAT(x'5c000a09ff41', 3000000), REPEAT('b', 500)), (2, '', NULL)")
	b.copyTable(t, &schema.Table{Name: schema.Name{Schema: "src", Name: "large"}, Columns: []schema.Column{column("id", "int"), column("a", "longblob"), column("b", "longtext")}})
	b.wantEqual(t, "large")
}

// TestZeroEnumNeedsItsMark: strict mode refuses an ENUM of index 0, so the chunk that holds one
// says so.
func TestZeroEnumNeedsItsMark(t *testing.T) {
	b := newBench(t)
	b.makeTable(t, "zero", "(e ENUM('a','b'), s SET('a','b'))", "VALUES (1, 0), ('invalid', 1)")
	table := &schema.Table{Name: schema.Name{Schema: "src", Name: "zero"}, Columns: []schema.Column{column("e", "enum('a','b')"), column("s", "set('a','b')")}}
	key, sum := b.dump(t, table)
	if !sum.ZeroEnum {
		t.Error("the chunk is not marked")
	}
	strict := sum
	strict.ZeroEnum = false
	if err := b.load(t, table, key, strict); err == nil {
		t.Error("strict mode took an ENUM of index 0")
	}
	mysqltest.Exec(t, b.Server, "TRUNCATE dst.zero")
	if err := b.load(t, table, key, sum); err != nil {
		t.Error(err)
	}
	b.wantEqual(t, "zero")
}

// TestZeroOfACountingColumn: where a LOAD DATA has a SET clause, MySQL 5.6 and MariaDB give a row the next number for a 0,
// whatever the sql_mode says, unless the clause names that column too.
func TestZeroOfACountingColumn(t *testing.T) {
	for _, kind := range mysqltest.Kinds {
		t.Run(kind.String(), func(t *testing.T) {
			b := newBenchOf(t, kind)
			b.makeTable(t, "counting", "(e ENUM('a','b'), id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, PRIMARY KEY (id))", "VALUES (2, 0), (NULL, 7), (1, 18446744073709551614)")
			table := &schema.Table{Name: schema.Name{Schema: "src", Name: "counting"}, Columns: []schema.Column{column("e", "enum('a','b')"), column("id", "bigint unsigned")}}
			table.Columns[1].AutoInc = true
			b.copyTable(t, table)
			if got, want := b.queryText(t, "SELECT CONCAT(id, ' ', IFNULL(e, '-')) FROM dst.counting ORDER BY id"), []string{"0 b", "7 -", "18446744073709551614 a"}; !slices.Equal(got, want) {
				t.Errorf("the copy holds %q, want %q", got, want)
			}
		})
	}
}

// TestDamagedChunkIsNotLoaded: the driver ends the LOAD with the reader's error, whatever the
// server said, so damage is told as damage.
func TestDamagedChunkIsNotLoaded(t *testing.T) {
	b := newBench(t)
	b.makeTable(t, "damaged", "(id INT PRIMARY KEY, a VARCHAR(100))", "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i, SHA2(i, 256) FROM n")
	table := &schema.Table{Name: schema.Name{Schema: "src", Name: "damaged"}, Columns: []schema.Column{column("id", "int"), column("a", "varchar(100)")}}
	key, sum := b.dump(t, table)
	whole := storagetest.Get(t, b.store, key)
	flipped := []byte(whole)
	flipped[len(flipped)/2] ^= 1
	for _, damage := range []string{whole[:len(whole)-1], whole[:len(whole)/2], string(flipped), whole + whole} {
		storagetest.Put(t, b.store, key, damage)
		err := b.load(t, table, key, sum)
		if f := fault.Of(err); f == nil || f.Code != fault.CodeDifference || f.Kind != fault.KindIntegrity {
			t.Errorf("%d of %d bytes: %v", len(damage), len(whole), err)
		}
	}
}

// TestRestoreByHand: promise 7, with the commands of the store's README: zstd and the mysql program.
func TestRestoreByHand(t *testing.T) {
	b := newBench(t)
	b.makeTable(t, "hand é", "(id INT PRIMARY KEY, e ENUM('2','1'), j JSON, f FLOAT, t TIMESTAMP(6) NULL, s VARCHAR(20) CHARACTER SET utf16)",
		`VALUES (1, 1, '{"a": "\\t"}', 16777216, '2026-10-25 00:30:00.5', 'a\tb\\'), (2, NULL, NULL, NULL, NULL, NULL), (0, 2, '1', 0.1, '2026-02-03', '')`)
	table := &schema.Table{Name: schema.Name{Schema: "src", Name: "hand é"}, Columns: []schema.Column{
		column("id", "int"), column("e", "enum('2','1')"), column("j", "json"), column("f", "float"), column("t", "timestamp(6)"), column("s", "varchar(20)")}}
	key, _ := b.dump(t, table)

	folder := t.TempDir()
	expanded, err := exec.CommandContext(t.Context(), "zstd", "-dc", filepath.Join(b.store.Root(), key)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, chunk.FileName), expanded, 0o600); err != nil {
		t.Fatal(err)
	}
	load := chunk.LoadStatement(table)
	load.Table.Schema = "dst"
	program, err := b.Install().Program("mysql")
	if err != nil {
		t.Fatal(err)
	}
	mysql := exec.CommandContext(t.Context(), program, "--no-defaults", "--local-infile=1", "--user=root", "--socket="+b.Socket())
	mysql.Dir = folder
	mysql.Stdin = strings.NewReader("SET NAMES utf8mb4, time_zone='+00:00', foreign_key_checks=0,\n" +
		"sql_mode='STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';\n" + load.String() + ";\nSHOW WARNINGS;")
	var out, complaint bytes.Buffer
	mysql.Stdout, mysql.Stderr = &out, &complaint
	if err := mysql.Run(); err != nil || out.Len() > 0 {
		t.Fatal(errors.Join(err, fmt.Errorf("%s%s", &out, &complaint)))
	}
	b.wantEqual(t, "hand é")
}
