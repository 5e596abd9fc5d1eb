package event

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// updateCorpus rewrites the seed corpora from a server's log.
var updateCorpus = flag.Bool("update-corpus", false, "write the seed corpora of the fuzz tests anew")

// FuzzParser reads arbitrary bytes as the events of a file without checksums: no input may panic
// or take memory out of proportion, and every error must be one of the package's.
func FuzzParser(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if rows, err := readArbitrary(t, data); err != nil {
			t.Logf("%d rows, then %v", rows, err)
		}
	})
}

// readArbitrary goes the whole way: events, entries, rows, literals. It returns the number of rows and the error.
func readArbitrary(t *testing.T, data []byte) (rows int, err error) {
	t.Helper()
	a := NewAssembler("tl")
	a.OnRows(func(_ *Entry, r *Rows) error {
		columns := guessColumns(r.Table)
		if err := Compatible(r.Table, &schema.Table{Columns: columns}); err != nil && !errors.Is(err, ErrIncompatible) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("Compatible: %v", err)
		}
		return r.Each(func(before, after Image) error {
			rows++
			printImage(t, columns, r.Table, before)
			printImage(t, columns, r.Table, after)
			return nil
		})
	})
	for pos := 0; len(data)-pos >= HeaderSize; {
		size := int(binary.LittleEndian.Uint32(data[pos+9:]))
		end := min(pos+max(size, HeaderSize), len(data))
		if _, err := a.Add("f.000001", uint64(pos), data[pos:end]); err != nil {
			for _, known := range []error{ErrMalformed, ErrNoFormat, ErrNoTableMap, ErrUnsupported, ErrChecksum} {
				if errors.Is(err, known) {
					return rows, err
				}
			}
			t.Fatalf("an error of no kind: %v", err)
		}
		pos = end
	}
	return rows, nil
}

func printImage(t *testing.T, columns []schema.Column, m *TableMap, im Image) {
	t.Helper()
	for i := range im.NumColumns() {
		if _, err := AppendLiteral(nil, &columns[i], &m.Columns[i], im, i); err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("AppendLiteral: %v", err)
		}
	}
}

// guessColumns makes a definition for a table map.
func guessColumns(m *TableMap) []schema.Column {
	columns := make([]schema.Column, len(m.Columns))
	for i, c := range m.Columns {
		columns[i] = schema.Column{Name: c.Name, Type: "varchar", Length: i, Decimals: i % 3, Unsigned: c.Unsigned, Charset: "utf8mb4"}
		if c.CollationID == collationBinary {
			columns[i].Type = "binary"
		}
	}
	return columns
}

// FuzzAppendJSON prints arbitrary bytes as a stored document.
func FuzzAppendJSON(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := AppendJSON(nil, data)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("an error of no kind: %v", err)
		}
		if len(text) > 16*len(data)+1024 {
			t.Errorf("%d bytes of text from %d", len(text), len(data))
		}
	})
}

// TestSeedCorpus makes the corpora when asked to; it checks that the seeds of events are complete
// and can be read to their end.
func TestSeedCorpus(t *testing.T) {
	if *updateCorpus {
		writeCorpora(t)
	}
	rows := 0
	for _, seed := range corpus(t, "FuzzParser") {
		n, err := readArbitrary(t, seed)
		if err != nil {
			t.Error(err)
		}
		rows += n
	}
	if rows < 100 {
		t.Errorf("only %d rows in the seeds", rows)
	}
	for _, seed := range corpus(t, "FuzzAppendJSON") {
		if _, err := AppendJSON(nil, seed); err != nil {
			t.Error(err)
		}
	}
}

// TestTruncatedAndAlteredEvents cuts every event of the seeds at every length, and alters every byte: errors are fine,
// panics are not. Of long events it takes some lengths and bytes, others in each run.
func TestTruncatedAndAlteredEvents(t *testing.T) {
	random := newRand(t)
	for _, seed := range corpus(t, "FuzzParser") {
		var format, prefix []byte
		for pos := 0; pos < len(seed); {
			size := int(binary.LittleEndian.Uint32(seed[pos+9:]))
			raw := seed[pos : pos+size]
			// A sample of an event costs as much as the event is long.
			step := 1 + size/min(200, 16+(128<<10)/size)
			for cut := HeaderSize + random.IntN(step); cut < size; cut += step {
				short := append([]byte{}, raw[:cut]...)
				binary.LittleEndian.PutUint32(short[9:], uint32(cut))
				readAlone(t, prefix, short)
			}
			for i := HeaderSize + random.IntN(step); i < size; i += step {
				altered := append([]byte{}, raw...)
				altered[i] ^= 0xff
				readAlone(t, prefix, altered)
			}
			switch Type(raw[4]) {
			case TypeFormatDescription:
				format = raw
				prefix = slices.Clone(format)
			case TypeTableMap:
				prefix = append(prefix, raw...)
			case TypeQuery: // begins a transaction, which has table maps of its own
				prefix = slices.Clone(format)
			default:
			}
			pos += size
		}
	}
}

// readAlone reads an event behind those that it needs.
func readAlone(t *testing.T, prefix, raw []byte) {
	t.Helper()
	p := NewParser()
	for pos := 0; pos < len(prefix); {
		size := int(binary.LittleEndian.Uint32(prefix[pos+9:]))
		if _, err := p.Parse(prefix[pos : pos+size]); err != nil {
			t.Fatal(err)
		}
		pos += size
	}
	events, err := p.Parse(raw)
	if err != nil {
		return
	}
	for _, e := range events {
		if r, ok := e.(*Rows); ok {
			columns := guessColumns(r.Table)
			_ = r.Each(func(before, after Image) error {
				printImage(t, columns, r.Table, before)
				printImage(t, columns, r.Table, after)
				return nil
			})
		}
	}
}

func corpusDir(name string) string { return filepath.Join("testdata", "fuzz", name) }

func corpus(t *testing.T, name string) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(corpusDir(name), "seed-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no seeds in %s: %v", corpusDir(name), err)
	}
	var seeds [][]byte
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var quoted string
		if _, err := fmt.Sscanf(string(text), "go test fuzz v1\n[]byte(%q)", &quoted); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		seeds = append(seeds, []byte(quoted))
	}
	return seeds
}

func writeSeed(t *testing.T, name string, n int, data []byte) {
	t.Helper()
	if err := os.MkdirAll(corpusDir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "go test fuzz v1\n[]byte(" + strconv.QuoteToASCII(string(data)) + ")\n"
	if err := os.WriteFile(filepath.Join(corpusDir(name), fmt.Sprintf("seed-%02d", n)), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeCorpora makes small files of every kind of event, and documents.
func writeCorpora(t *testing.T) {
	t.Helper()
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, ExtraArgs: []string{"--binlog-checksum=NONE", "--binlog-row-metadata=FULL"}})
	c := newSession(t, s)
	r := newRand(t)
	c.exec(t, append(assemblerTables(), "CREATE TABLE c2 (j json)")...)
	seed := 0
	save := func(first string) {
		var data []byte
		for _, e := range logSince(t, s, first) {
			data = append(data, e.raw...)
		}
		writeSeed(t, "FuzzParser", seed, data)
		seed++
	}
	for _, compressed := range []bool{false, true} {
		first := beginLog(t, s)
		for _, st := range assemblerSteps(compressed) {
			c.exec(t, st.run...)
		}
		c.exec(t, "TRUNCATE t", "TRUNCATE m", "DROP TABLE c", "SET gtid_next='AUTOMATIC:tag'", "INSERT INTO t VALUES (99,99)", "SET gtid_next='AUTOMATIC'")
		save(first)
		c.exec(t, "TRUNCATE t", "TRUNCATE u", "TRUNCATE m", "TRUNCATE tt", "TRUNCATE tl", "INSERT INTO p VALUES (1,1)", "INSERT INTO ch VALUES (1,1),(2,1)")
	}
	c.exec(t, "SET binlog_transaction_compression=OFF", "SET binlog_row_value_options=PARTIAL_JSON")
	first := beginLog(t, s)
	c.exec(t, `INSERT INTO c2 VALUES ('{"a":1,"b":"some longer text here","c":[1,2,3]}')`, `UPDATE c2 SET j=JSON_SET(j,'$.a',2,'$.b','x')`, `UPDATE c2 SET j=JSON_REMOVE(j,'$.c[0]')`)
	save(first)
	writeTypeSeeds(t, c, s, save)
	d := documents{decimals: true}
	for i := range 20 {
		c.exec(t, "DELETE FROM c2", "FLUSH BINARY LOGS")
		first := beginLog(t, s)
		c.exec(t, "INSERT INTO c2 VALUES ("+d.expression(r, 0)+")")
		for _, e := range parseAll(t, logSince(t, s, first)) {
			if rows, ok := e.(*Rows); ok {
				if err := rows.Each(func(_, after Image) error {
					if raw := after.Raw(0); len(raw) < 3000 {
						writeSeed(t, "FuzzAppendJSON", i, raw)
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// writeTypeSeeds writes a file for each table of allTables, with narrow values.
func writeTypeSeeds(t *testing.T, c *session, s *mysqltest.Server, save func(string)) {
	t.Helper()
	r := newRand(t)
	c.exec(t, "SET binlog_row_value_options=''", "CREATE DATABASE types")
	for _, table := range allTables(r, "types") {
		if table.Name.Name == "charsets" {
			continue
		}
		c.exec(t, table.createIn("types"))
		first := beginLog(t, s)
		for range 6 {
			// Large values make large seeds and find nothing more.
			c.exec(t, strings.NewReplacer(",9000)", ",2)", ",10000)", ",2)", ",70000)", ",2)").Replace(table.insert(r, 1)))
		}
		c.exec(t, table.update(r), table.remove(r))
		save(first)
	}
}
