package chunk_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/storage/chunk"
)

// nasty are bytes that mean something to somebody between the server and the file.
var nasty = rapid.SampledFrom([]byte{'\\', '\t', '\n', '\r', 0, 0x1a, 'N', 'n', 't', '0', '\'', '"', ',', 0x5b, 0x5d, 0x08, 0x0b, 0x89, 0xdc, 0xfb, 0xff, ' '})

var anyValue = rapid.Custom(func(rt *rapid.T) value {
	switch rapid.IntRange(0, 5).Draw(rt, "kind") {
	case 0:
		return nil
	case 1:
		return text("")
	case 2:
		return text(string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(rt, "bytes")))
	case 3:
		// Around the lengths where the length's own encoding grows.
		n := rapid.SampledFrom([]int{249, 250, 251, 252, 255, 256, 257, 65535, 65536}).Draw(rt, "length")
		return text(strings.Repeat(string(nasty.Draw(rt, "byte")), n))
	}
	return text(string(rapid.SliceOfN(nasty, 0, 40).Draw(rt, "nasty")))
})

func TestTranscodedTextIsWhatLoadReads(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		columns := rapid.IntRange(1, 6).Draw(rt, "columns")
		extra := rapid.IntRange(0, 2).Draw(rt, "extra")
		rows := rapid.SliceOfN(rapid.SliceOfN(anyValue, columns+extra, columns+extra), 0, 5).Draw(rt, "rows")
		c := chunk.NewTranscoder(tableOf(make([]string, columns)...))
		var load []byte
		for _, row := range rows {
			line, rest, err := c.AppendRow(load, packet(row))
			if err != nil {
				rt.Fatal(err)
			}
			load = line
			if !bytes.Equal(rest, packet(row[columns:])) {
				rt.Fatalf("rest %x", rest)
			}
			for _, want := range row[columns:] {
				var got []byte
				var null bool
				if got, null, rest, err = chunk.NextField(rest); err != nil || null != (want == nil) || !null && string(got) != *want {
					rt.Fatalf("extra field %q, %v, %v", got, null, err)
				}
			}
		}
		got := rowsOf(t, string(load))
		if len(got) != len(rows) || bytes.Count(load, []byte("\n")) != len(rows) {
			rt.Fatalf("%d rows became %d in %d lines", len(rows), len(got), bytes.Count(load, []byte("\n")))
		}
		for i := range rows {
			if !sameRow(got[i], rows[i][:columns]) {
				rt.Fatalf("row %d became %q", i, load)
			}
		}
	})
}

func TestTranscodedTextExamples(t *testing.T) {
	c := chunk.NewTranscoder(tableOf("int", "text", "text"))
	for want, row := range map[string][]value{
		"1\t\\N\t\n":                  {text("1"), nil, text("")},
		"2\t\\\\N\tN\n":               {text("2"), text(`\N`), text("N")},
		"3\t\\t\\n\\\\\t\x00\r\x1a\n": {text("3"), text("\t\n\\"), text("\x00\r\x1a")},
		"4\t\\\\\\\\N\tNULL\n":        {text("4"), text(`\\N`), text("NULL")},
	} {
		got, rest, err := c.AppendRow(nil, packet(row))
		if err != nil || string(got) != want || len(rest) != 0 {
			t.Errorf("%q, %q, %v; want %q", got, rest, err, want)
		}
	}
}

func TestMalformedPackets(t *testing.T) {
	c := chunk.NewTranscoder(tableOf("int", "int"))
	for _, p := range []string{"", "01", "0131", "013102", "01310231", "0131fc", "0131fc01", "0131fd0100", "0131fe01000000000000", "0131feffffffffffffffff31", "0131ff", "ff", "fe"} {
		raw, err := hex.DecodeString(p)
		if err != nil {
			t.Fatal(err)
		}
		line, _, err := c.AppendRow([]byte("before"), raw)
		if !errors.Is(err, chunk.ErrPacket) || string(line) != "before" {
			t.Errorf("packet %s: %q, %v", p, line, err)
		}
	}
}

func FuzzAppendRow(f *testing.F) {
	f.Add([]byte("\x011\xfb\x02\\N"))
	c := chunk.NewTranscoder(tableOf("int", "int", "int"))
	f.Fuzz(func(t *testing.T, p []byte) {
		line, rest, err := c.AppendRow(nil, p)
		if err != nil {
			return
		}
		rows := rowsOf(t, string(line))
		if len(rows) != 1 || len(rows[0]) != 3 || !bytes.HasSuffix(p, rest) {
			t.Fatalf("%x became %q", p, line)
		}
	})
}

// ordinary is a row of a table as most are: numbers, a time, a word, a sentence.
func ordinary(random *rand.Rand) []byte {
	word := func(n int) value {
		b := make([]byte, n)
		for i := range b {
			b[i] = 'a' + byte(random.IntN(26))
		}
		return text(string(b))
	}
	return packet([]value{text("1234567"), text("-42"), text("2026-01-02 03:04:05.678901"), word(12), word(100), nil, text("99.95")})
}

func BenchmarkAppendRow(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	binaryRow := func() []byte {
		blob := make([]byte, 4096)
		for i := range blob {
			blob[i] = byte(random.Uint32())
		}
		return packet([]value{text("1"), text(string(blob))})
	}
	for _, kind := range []struct {
		name    string
		columns int
		packet  []byte
	}{{"Ordinary", 7, ordinary(random)}, {"Binary", 2, binaryRow()}, {"Text", 2, packet([]value{text("1"), text(strings.Repeat("a sentence without escapes ", 150))})}} {
		b.Run(kind.name, func(b *testing.B) {
			c := chunk.NewTranscoder(tableOf(make([]string, kind.columns)...))
			b.SetBytes(int64(len(kind.packet)))
			b.ReportAllocs()
			var line []byte
			for b.Loop() {
				var err error
				if line, _, err = c.AppendRow(line[:0], kind.packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
