package event

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-mysql-org/go-mysql/replication"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// benchLog returns a log of small transactions and of large ones over a table like sysbench's.
func benchLog(b *testing.B, compressed bool) []rawEvent {
	b.Helper()
	s := mysqltest.Take(b, mysqltest.Options{GTID: true, Relaxed: true})
	c := newSession(b, s)
	c.exec(b, "CREATE DATABASE a", `CREATE TABLE a.t (id int PRIMARY KEY AUTO_INCREMENT, k int NOT NULL, c char(120) NOT NULL,
		pad char(60) NOT NULL, at datetime(6), amount decimal(20,4), note varchar(200), state enum('a','b','c'))`)
	if compressed {
		c.exec(b, "SET binlog_transaction_compression=ON")
	}
	first := beginLog(b, s)
	rows := make([]string, 200)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d,REPEAT('%d-',20),REPEAT('x%d',9),NOW(6),%d.%04d,'note %d',1+%d%%3)", i*7919, i+10000, i%10, i*13, i, i, i)
	}
	insert := "INSERT INTO a.t(k,c,pad,at,amount,note,state) VALUES "
	for range 20 {
		c.exec(b, insert+strings.Join(rows, ","))
	}
	for i := range 2000 {
		c.exec(b, fmt.Sprintf("UPDATE a.t SET k=k+1 WHERE id=%d", 1+i))
	}
	return logSince(b, s, first)
}

func size(raws []rawEvent) int64 {
	var n int64
	for _, r := range raws {
		n += int64(len(r.raw))
	}
	return n
}

// BenchmarkParseEach reads every column of every row image.
func BenchmarkParseEach(b *testing.B) {
	for _, compressed := range []bool{false, true} {
		b.Run(fmt.Sprintf("compressed %v", compressed), func(b *testing.B) {
			raws := benchLog(b, compressed)
			b.SetBytes(size(raws))
			b.ReportAllocs()
			for b.Loop() {
				p := NewParser()
				columns, rows := 0, 0
				for _, r := range raws {
					if err := p.Each(r.raw, func(e Event) error {
						x, ok := e.(*Rows)
						if !ok {
							return nil
						}
						return x.Each(func(before, after Image) error {
							rows++
							for i := range after.NumColumns() {
								columns += len(after.Raw(i))
							}
							return nil
						})
					}); err != nil {
						b.Fatal(err)
					}
				}
				if rows != 6000 {
					b.Fatalf("%d rows", rows)
				}
			}
		})
	}
}

// BenchmarkAssemble groups events into entries, as an archiver does.
func BenchmarkAssemble(b *testing.B) {
	raws := benchLog(b, false)
	for name, options := range map[string][]Option{"counting": nil, "not counting": {WithoutRowCounts()}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size(raws))
			b.ReportAllocs()
			for b.Loop() {
				if n := len(assemble(b, NewAssembler("tl", options...), raws)); n != 2020 {
					b.Fatalf("%d entries", n)
				}
			}
		})
	}
}

// BenchmarkLiterals prints every column of every row.
func BenchmarkLiterals(b *testing.B) {
	raws := benchLog(b, false)
	var rows []*Rows
	for _, e := range parseAll(b, raws) {
		if r, ok := e.(*Rows); ok {
			rows = append(rows, r)
		}
	}
	columns := guessColumns(rows[0].Table)
	b.SetBytes(size(raws))
	b.ReportAllocs()
	var text []byte
	for b.Loop() {
		for _, r := range rows {
			if err := r.Each(func(_, after Image) error {
				text = text[:0]
				for i := range after.NumColumns() {
					var err error
					if text, err = AppendLiteral(text, &columns[i], &r.Table.Columns[i], after, i); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkGoMySQL is the other decoder on the same log.
func BenchmarkGoMySQL(b *testing.B) {
	raws := benchLog(b, false)
	b.SetBytes(size(raws))
	b.ReportAllocs()
	for b.Loop() {
		p := replication.NewBinlogParser()
		p.SetVerifyChecksum(true)
		for _, r := range raws {
			if _, err := p.Parse(r.raw); err != nil {
				b.Fatal(err)
			}
		}
	}
}
