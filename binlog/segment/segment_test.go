package segment_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
	"pgregory.net/rapid"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/segment"
)

const timeline = binlog.Timeline("3e11fa47-71ca-11e1-9e33-c80aa9429562")

// cut makes the segments of a file that is cut at the given sizes, with headers that fit.
func cut(t testing.TB, file []byte, sizes []int) [][]byte {
	t.Helper()
	var out [][]byte
	chain := binlog.NewChain()
	for rest := file; len(rest) > 0; {
		n := len(rest)
		if len(sizes) > 0 {
			n, sizes = min(n, sizes[0]), sizes[1:]
		}
		h, err := header(chain, rest[:n])
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := segment.Encode(h, bytes.NewReader(rest[:n]))
		if err != nil {
			t.Fatal(err)
		}
		out, rest = append(out, encoded), rest[n:]
	}
	return out
}

// header makes the header of the bytes that follow in chain, and moves chain behind them.
func header(chain *binlog.Chain, b []byte) (segment.Header, error) {
	state, err := chain.AppendState(nil)
	if err != nil {
		return segment.Header{}, err
	}
	set, err := binlog.ParseGTIDSet(string(timeline) + ":1-7:9")
	if err != nil {
		return segment.Header{}, err
	}
	h := segment.Header{
		Timeline: timeline, File: "binlog.000007", Start: chain.Offset(), FormatTime: 1_700_000_000,
		GTIDs: set, Entries: 8, FirstCommit: 1, LastCommit: 5, SmallestCommit: 1, GreatestCommit: 9,
		SHA256Start: chain.Sum(), State: state, Epoch: 4,
		OpenXA: []segment.OpenXA{{XID: "X'61',X'',1", Prepare: binlog.Position{Timeline: timeline, File: "binlog.000006", Pos: 157}}},
	}
	if h.Start == 0 {
		h.Previous = &segment.PreviousFile{File: "binlog.000006", End: 1 << 33, SHA256: binlog.EmptyDigest}
	}
	if _, err := chain.Write(b); err != nil {
		return segment.Header{}, err
	}
	h.End, h.SHA256End = chain.Offset(), chain.Sum()
	h.Boundary, h.Resume = h.End, segment.Resume{At: h.Start, State: state}
	return h, nil
}

func TestSegmentsOfAFileConcatenateToItsBytes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		file := rapid.SliceOfN(rapid.Byte(), 1, 2000).Draw(rt, "file")
		file = bytes.Repeat(file, rapid.IntRange(1, 50).Draw(rt, "repeat"))
		sizes := rapid.SliceOfN(rapid.IntRange(1, len(file)), 0, 8).Draw(rt, "sizes")
		segments := cut(t, file, sizes)

		d, err := zstd.NewReader(bytes.NewReader(bytes.Join(segments, nil)))
		if err != nil {
			rt.Fatal(err)
		}
		defer d.Close()
		if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, file) {
			rt.Fatalf("concatenation: %d bytes, want %d: %v", len(got), len(file), err)
		}
		chain, at := binlog.NewChain(), uint64(0)
		for _, s := range segments {
			h, plain, err := segment.Plain(iotest.HalfReader(bytes.NewReader(s)))
			if err != nil {
				rt.Fatal(err)
			}
			b, err := io.ReadAll(plain)
			if err != nil {
				rt.Fatal(err)
			}
			if err := plain.Close(); err != nil {
				rt.Fatal(err)
			}
			if h.Start != at || h.End != at+uint64(len(b)) || !bytes.Equal(b, file[h.Start:h.End]) || h.SHA256Start != chain.Sum() {
				rt.Fatalf("segment %d to %d holds %d bytes at %d", h.Start, h.End, len(b), at)
			}
			if _, err := chain.Write(b); err != nil {
				rt.Fatal(err)
			}
			at = h.End
		}
	})
}

func TestStockZstdReadsConcatenatedSegments(t *testing.T) {
	program, err := exec.LookPath("zstd")
	if errors.Is(err, exec.ErrNotFound) {
		t.Log("no zstd program here; the library's decoder is tested in TestSegmentsOfAFileConcatenateToItsBytes")
		return
	}
	file := bytes.Repeat([]byte("\xfebin and some rows, and some more rows. "), 30_000)
	path := filepath.Join(t.TempDir(), "file.zst")
	if err := os.WriteFile(path, bytes.Join(cut(t, file, []int{4, 1000, 500_000}), nil), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := exec.CommandContext(t.Context(), program, "-dc", path).Output()
	if err != nil || !bytes.Equal(got, file) {
		t.Fatalf("zstd -dc: %d bytes, want %d: %v", len(got), len(file), err)
	}
}

func TestHeaderSurvivesEncoding(t *testing.T) {
	b := []byte("\xfebin some bytes")
	h, err := header(binlog.NewChain(), b)
	if err != nil {
		t.Fatal(err)
	}
	set, err := binlog.ParseGTIDSet(string(timeline) + ":1-3")
	if err != nil {
		t.Fatal(err)
	}
	h.PreviousGTIDs, h.Closed, h.BeginsInside, h.EndsInside = &set, true, true, true
	encoded, err := segment.Encode(h, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(encoded)
	got, err := segment.DecodeHeader(r)
	if err != nil {
		t.Fatal(err)
	}
	if uint64(r.Len()) != got.StoredBytes {
		t.Errorf("DecodeHeader left %d bytes, the header says %d", r.Len(), got.StoredBytes)
	}
	if !got.GTIDs.Equal(h.GTIDs) || !got.PreviousGTIDs.Equal(set) {
		t.Errorf("GTID sets %s and %s, want %s and %s", got.GTIDs, got.PreviousGTIDs, h.GTIDs, set)
	}
	h.Version, h.StoredBytes, h.StoredSHA256 = segment.Version, got.StoredBytes, got.StoredSHA256
	h.GTIDs, h.PreviousGTIDs = got.GTIDs, got.PreviousGTIDs
	if !reflect.DeepEqual(got, h) {
		t.Errorf("decoded\n%+v\nwant\n%+v", got, h)
	}
}

func TestTruncatedSegmentIsDamaged(t *testing.T) {
	whole := cut(t, bytes.Repeat([]byte("some rows "), 300), nil)[0]
	for n := range whole {
		if _, err := segment.Check(bytes.NewReader(whole[:n])); !errors.Is(err, segment.ErrDamaged) {
			t.Fatalf("cut to %d of %d bytes: %v", n, len(whole), err)
		}
	}
	if _, err := segment.Check(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	if _, err := segment.CheckStored(bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
}

func TestAlteredSegmentIsDamaged(t *testing.T) {
	whole := cut(t, bytes.Repeat([]byte("some rows "), 300), nil)[0]
	rapid.Check(t, func(rt *rapid.T) {
		altered := bytes.Clone(whole)
		at := rapid.IntRange(0, len(whole)-1).Draw(rt, "at")
		altered[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "xor"))
		if _, err := segment.Check(bytes.NewReader(altered)); !errors.Is(err, segment.ErrDamaged) && !errors.Is(err, segment.ErrNewerVersion) {
			rt.Fatalf("byte %d altered: %v", at, err)
		}
		if _, err := segment.CheckStored(bytes.NewReader(altered)); !errors.Is(err, segment.ErrDamaged) && !errors.Is(err, segment.ErrNewerVersion) {
			rt.Fatalf("byte %d altered, stored bytes checked: %v", at, err)
		}
	})
	for at := range whole {
		altered := bytes.Clone(whole)
		altered[at] ^= 1
		if _, err := segment.Check(bytes.NewReader(altered)); err == nil {
			t.Fatalf("byte %d altered and accepted", at)
		}
	}
	if _, err := segment.Check(bytes.NewReader(append(whole, 0))); !errors.Is(err, segment.ErrDamaged) {
		t.Fatalf("a byte more: %v", err)
	}
}

// Of two segments with exchanged contents each is whole in itself.
func TestExchangedContentIsDamaged(t *testing.T) {
	b := bytes.Repeat([]byte{'a'}, 100)
	one, two := cut(t, b, nil)[0], cut(t, bytes.Repeat([]byte{'b'}, 100), nil)[0]
	n := int(binary.LittleEndian.Uint32(one[4:])) + 8
	m := int(binary.LittleEndian.Uint32(two[4:])) + 8
	if _, err := segment.Check(bytes.NewReader(append(bytes.Clone(one[:n]), two[m:]...))); !errors.Is(err, segment.ErrDamaged) {
		t.Fatalf("another segment's content: %v", err)
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	text := []byte(`{"version":2,"something":"else"}`)
	frame := binary.LittleEndian.AppendUint32(nil, 0x184D2A5E)
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(text)))
	if _, err := segment.DecodeHeader(bytes.NewReader(append(frame, text...))); !errors.Is(err, segment.ErrNewerVersion) {
		t.Fatalf("version 2: %v", err)
	}
}

func TestEncodeRefusesBytesThatDoNotFitTheHeader(t *testing.T) {
	b := []byte("\xfebin some bytes")
	for name, change := range map[string]func(*segment.Header, *[]byte){
		"short":        func(_ *segment.Header, b *[]byte) { *b = (*b)[1:] },
		"long":         func(_ *segment.Header, b *[]byte) { *b = append(*b, 0) },
		"altered":      func(_ *segment.Header, b *[]byte) { (*b)[5] ^= 1 },
		"empty":        func(h *segment.Header, _ *[]byte) { h.End = h.Start },
		"no timeline":  func(h *segment.Header, _ *[]byte) { h.Timeline = "" },
		"no number":    func(h *segment.Header, _ *[]byte) { h.File = "binlog" },
		"foreign sums": func(h *segment.Header, _ *[]byte) { h.SHA256Start[0] ^= 1 },
		"boundary":     func(h *segment.Header, _ *[]byte) { h.Boundary = h.End + 1 },
	} {
		h, err := header(binlog.NewChain(), b)
		if err != nil {
			t.Fatal(err)
		}
		content := bytes.Clone(b)
		change(&h, &content)
		if _, err := segment.Encode(h, bytes.NewReader(content)); err == nil {
			t.Errorf("%s: encoded", name)
		}
	}
}

func TestErrorsOfTheStoreAreNotDamage(t *testing.T) {
	whole := cut(t, bytes.Repeat([]byte("some rows "), 300), nil)[0]
	broken := errors.New("connection reset")
	for _, n := range []int{0, 3, 20, len(whole) - 5} {
		r := io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken))
		if _, err := segment.Check(r); !errors.Is(err, broken) || errors.Is(err, segment.ErrDamaged) {
			t.Errorf("connection lost at %d: %v", n, err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, s := range cut(f, bytes.Repeat([]byte("some rows "), 300), []int{4, 100}) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := segment.Check(bytes.NewReader(b))
		if err != nil {
			return
		}
		_, plain, err := segment.Plain(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		if _, err := segment.Encode(h, plain); err != nil {
			t.Fatalf("checked, and not to be encoded again: %v", err)
		}
	})
}
