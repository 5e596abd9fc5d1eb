package chunk_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/chunk"
	"github.com/tripod-db/tripod/storage/file"
	"github.com/tripod-db/tripod/storage/storagetest"
)

var compressions = []string{chunk.Zstd, chunk.Gzip, chunk.None}

func store(t testing.TB) *file.Bucket {
	t.Helper()
	b, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writer(t testing.TB, columns int, compression string) *chunk.Writer {
	t.Helper()
	w, err := chunk.NewWriter(chunk.NewTranscoder(tableOf(make([]string, columns)...)), compression)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// randomRows returns rows of two columns with about size bytes of text in all.
func randomRows(size int) [][]value {
	var rows [][]value
	for size > 0 {
		n := rand.IntN(3000)
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rand.Uint32N(1 + rand.Uint32N(256)))
		}
		rows = append(rows, []value{text(fmt.Sprint(len(rows))), text(string(b))})
		size -= n + 10
	}
	return rows
}

// write puts rows into the chunk under key and returns its text and sum.
func write(t testing.TB, w *chunk.Writer, b storage.Bucket, key string, rows [][]value) (string, chunk.Sum) {
	t.Helper()
	plain := chunk.NewTranscoder(tableOf(make([]string, 2)...))
	var load []byte
	for _, row := range rows {
		if _, err := w.Row(packet(row)); err != nil {
			t.Fatal(err)
		}
		var err error
		if load, _, err = plain.AppendRow(load, packet(row)); err != nil {
			t.Fatal(err)
		}
		if w.Text() != uint64(len(load)) {
			t.Fatalf("the writer counts %d bytes of text, there are %d", w.Text(), len(load))
		}
	}
	sum, err := w.Put(t.Context(), b, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(load), sum
}

func readChunk(t testing.TB, b storage.Bucket, key, compression string, sum chunk.Sum) (string, error) {
	t.Helper()
	r, err := chunk.Open(t.Context(), b, key, compression, sum)
	if err != nil {
		return "", err
	}
	got, err := io.ReadAll(r)
	if err := r.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	return string(got), err
}

func TestWriteThenRead(t *testing.T) {
	for _, compression := range compressions {
		t.Run(compression, func(t *testing.T) {
			b, w := store(t), writer(t, 2, compression)
			// One writer makes one chunk after the other, large and small.
			for n, size := range []int{0, 1, 100_000, 3_000_000, 10, 0} {
				key := fmt.Sprintf("data/%d", n)
				rows := randomRows(size)
				load, sum := write(t, w, b, key, rows)
				stored := storagetest.Get(t, b, key)
				want := chunk.Sum{Rows: uint64(len(rows)), Bytes: uint64(len(load)), BytesStored: uint64(len(stored)),
					StoredSHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(stored))), TextSHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(load)))}
				if sum != want {
					t.Errorf("sum %+v, want %+v", sum, want)
				}
				if got, err := readChunk(t, b, key, compression, sum); err != nil || got != load {
					t.Errorf("%d bytes came back as %d others, %v", len(load), len(got), err)
				}
			}
		})
	}
}

// TestStockToolsExpandChunks: promise 7.
func TestStockToolsExpandChunks(t *testing.T) {
	for compression, tool := range map[string]string{chunk.Zstd: "zstd", chunk.Gzip: "gzip", chunk.None: "cat"} {
		b := store(t)
		load, _ := write(t, writer(t, 2, compression), b, "c", randomRows(500_000))
		command := exec.CommandContext(t.Context(), tool, "-dc")
		if tool == "cat" {
			command = exec.CommandContext(t.Context(), tool)
		}
		command.Stdin = strings.NewReader(storagetest.Get(t, b, "c"))
		out, err := command.Output()
		if err != nil || string(out) != load {
			t.Errorf("%s: %d bytes, %v", tool, len(out), err)
		}
	}
}

func TestDamagedChunks(t *testing.T) {
	for _, compression := range compressions {
		t.Run(compression, func(t *testing.T) {
			b := store(t)
			load, sum := write(t, writer(t, 2, compression), b, "c", randomRows(20_000))
			damaged := map[string]storage.Bucket{
				"appended":     storagetest.Append(b, "c", "x"),
				"appended row": storagetest.Append(b, "c", "1\t2\n"),
				// A whole frame, empty: expanding tools do not mind.
				"skippable frame": storagetest.Append(b, "c", "\x5e\x2a\x4d\x18\x00\x00\x00\x00"),
				"twice":           storagetest.Append(b, "c", storagetest.Get(t, b, "c")),
			}
			for range 300 {
				at := rand.Int64N(int64(sum.BytesStored))
				damaged[fmt.Sprintf("bit of byte %d", at)] = storagetest.Flip(b, "c", at)
				damaged[fmt.Sprintf("%d bytes", at)] = storagetest.Truncate(b, "c", at)
			}
			damaged["0 bytes"] = storagetest.Truncate(b, "c", 0)
			for what, bad := range damaged {
				_, err := readChunk(t, bad, "c", compression, sum)
				if f := fault.Of(err); f == nil || f.Code != fault.CodeDifference || f.Kind != fault.KindIntegrity || f.Hint == "" || !strings.Contains(err.Error(), "object c ") {
					t.Errorf("%s: %v", what, err)
				}
			}
			// Right bytes, but not those of the manifest.
			for what, wrong := range map[string]chunk.Sum{
				"text hash":   {Bytes: sum.Bytes, BytesStored: sum.BytesStored, StoredSHA256: sum.StoredSHA256, TextSHA256: sum.StoredSHA256 + "0"},
				"stored hash": {Bytes: sum.Bytes, BytesStored: sum.BytesStored, StoredSHA256: "0", TextSHA256: sum.TextSHA256},
				"more text":   {Bytes: sum.Bytes + 1, BytesStored: sum.BytesStored, StoredSHA256: sum.StoredSHA256, TextSHA256: sum.TextSHA256},
				"less text":   {Bytes: sum.Bytes - 1, BytesStored: sum.BytesStored, StoredSHA256: sum.StoredSHA256, TextSHA256: sum.TextSHA256},
				"nothing":     {},
			} {
				if _, err := readChunk(t, b, "c", compression, wrong); fault.Of(err) == nil || fault.Of(err).Code != fault.CodeDifference {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := readChunk(t, b, "missing", compression, sum); fault.Of(err) == nil || fault.Of(err).Code != fault.CodeDifference {
				t.Errorf("missing: %v", err)
			}
			if got, err := readChunk(t, b, "c", compression, sum); err != nil || got != load {
				t.Errorf("undamaged: %v", err)
			}
		})
	}
}

// TestStoreThatFailsIsNotDamage: a store that does not answer says nothing about the chunk.
func TestStoreThatFailsIsNotDamage(t *testing.T) {
	for _, compression := range compressions {
		b := store(t)
		_, sum := write(t, writer(t, 2, compression), b, "c", randomRows(200_000))
		broken := &storagetest.Faulty{Bucket: b, Body: func(_ string, body io.Reader) io.Reader {
			return io.MultiReader(io.LimitReader(body, 1000), iotest.ErrReader(storagetest.ErrBroken))
		}}
		_, err := readChunk(t, broken, "c", compression, sum)
		if f := fault.Of(err); f == nil || f.Code != fault.CodeFailed || f.Kind != fault.KindStore || !errors.Is(err, storagetest.ErrBroken) {
			t.Errorf("%s: %v", compression, err)
		}
	}
}

func TestFailedPutIsAFaultAndTheWriterGoesOn(t *testing.T) {
	b, w := store(t), writer(t, 2, chunk.Zstd)
	if _, err := w.Row(packet([]value{text("1"), nil})); err != nil {
		t.Fatal(err)
	}
	_, err := w.Put(t.Context(), storagetest.Full(b, 3), "c")
	if f := fault.Of(err); f == nil || f.Code != fault.CodeFailed || f.Kind != fault.KindStore || !errors.Is(err, storage.ErrFull) {
		t.Errorf("full: %v", err)
	}
	load, sum := write(t, w, b, "c", randomRows(1000))
	if got, err := readChunk(t, b, "c", chunk.Zstd, sum); err != nil || got != load {
		t.Errorf("the next chunk: %q, %v", got, err)
	}
}

func TestPutIsTriedAgain(t *testing.T) {
	b, w := store(t), writer(t, 2, chunk.None)
	retry := storage.Retry(storagetest.FailOnce(b, storagetest.OpPut, ""), storage.RetryOptions{First: 1})
	load, _ := write(t, w, retry, "c", randomRows(600_000))
	if storagetest.Get(t, b, "c") != load {
		t.Error("other bytes were stored")
	}
}

func TestDiscardedRowsAreGone(t *testing.T) {
	for _, compression := range compressions {
		b, w := store(t), writer(t, 2, compression)
		for _, row := range randomRows(300_000) {
			if _, err := w.Row(packet(row)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Discard(); err != nil {
			t.Fatal(err)
		}
		if w.Rows() != 0 || w.Text() != 0 {
			t.Errorf("%d rows, %d bytes after Discard", w.Rows(), w.Text())
		}
		load, sum := write(t, w, b, "c", [][]value{{text("1"), text("x")}})
		if got, err := readChunk(t, b, "c", compression, sum); err != nil || got != load || sum.Rows != 1 {
			t.Errorf("%s: %q, %v", compression, got, err)
		}
	}
}

func TestZeroEnumIsNoted(t *testing.T) {
	b := store(t)
	w, err := chunk.NewWriter(chunk.NewTranscoder(tableOf("int", "enum", "set")), chunk.None)
	if err != nil {
		t.Fatal(err)
	}
	for n, c := range []struct {
		row  []value
		want bool
	}{
		{[]value{text("0"), text("1"), text("0")}, false},
		{[]value{text("0"), text("0"), text("1")}, true},
		{[]value{text("0"), text("10"), text("1")}, false},
		{[]value{text("0"), nil, text("0")}, false},
		{[]value{text(strings.Repeat("x", 1<<20)), text("0"), text("0")}, true},
	} {
		if _, err := w.Row(packet(c.row)); err != nil {
			t.Fatal(err)
		}
		if sum, err := w.Put(t.Context(), b, "c"); err != nil || sum.ZeroEnum != c.want {
			t.Errorf("row %d: %v, %v", n, sum.ZeroEnum, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// TestWideRows: a row that is cut in pieces has the text of one that is not.
func TestWideRows(t *testing.T) {
	b, w := store(t), writer(t, 2, chunk.Zstd)
	large := bytes.Repeat([]byte("\\\t\n0123456789abcdef"), 300_000)
	rows := [][]value{{text("1"), nil}, {text("2"), text(string(large))}, {text(string(large)), text("")}, {nil, text(string(large[:1<<20]))}}
	load, sum := write(t, w, b, "c", rows)
	if got, err := readChunk(t, b, "c", chunk.Zstd, sum); err != nil || got != load {
		t.Errorf("%d bytes came back as %d others, %v", len(load), len(got), err)
	}
	if _, err := w.Row(packet(rows[1])[:2<<20]); !errors.Is(err, chunk.ErrPacket) {
		t.Errorf("a cut packet: %v", err)
	}
	if err := w.Discard(); err != nil {
		t.Error(err)
	}
}

func TestUnknownCompression(t *testing.T) {
	if _, err := chunk.NewWriter(chunk.NewTranscoder(tableOf("int")), "lzo"); err == nil {
		t.Error("written with an unknown compression")
	}
	b := store(t)
	storagetest.Put(t, b, filepath.Base("c"), "x")
	if _, err := chunk.Open(t.Context(), b, "c", "lzo", chunk.Sum{}); err == nil {
		t.Error("read with an unknown compression")
	}
}

func BenchmarkWriter(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	packets := make([][]byte, 50_000) // more text than the window of zstd
	size := 0
	for i := range packets {
		packets[i] = ordinary(random)
		size += len(packets[i])
	}
	for _, compression := range compressions {
		b.Run(compression, func(b *testing.B) {
			w := writer(b, 7, compression)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for _, p := range packets {
					if _, err := w.Row(p); err != nil {
						b.Fatal(err)
					}
				}
				if w.Text() > 16<<20 {
					if _, _, err := w.Finish(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
