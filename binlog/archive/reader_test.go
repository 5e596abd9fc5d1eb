package archive_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/stream"
)

func (s *site) reader() *archive.Reader { return archive.Open(s.catalog(), instance) }

// line returns the stretches of the archive.
func (s *site) line(t testing.TB) []archive.Stretch {
	t.Helper()
	line, err := s.reader().Line(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// readAll reads the only stretch from its beginning through the assembler, compares the bytes with
// the source's files, and returns the entries.
func (s *site) readAll(t testing.TB) []*event.Entry {
	t.Helper()
	entries, _ := s.readUndone(t)
	return entries
}

// readUndone is readAll, and counts the events of which it was said, before they were read, that their entry takes them back.
func (s *site) readUndone(t testing.TB) (entries []*event.Entry, undone int) {
	t.Helper()
	told := map[binlog.Position]bool{}
	line := s.line(t)
	if len(line) != 1 {
		t.Fatalf("%d stretches", len(line))
	}
	if err := s.reader().Covers(t.Context(), line[0].From.Position, line[0].To.Position); err != nil {
		t.Fatal(err)
	}
	files := map[string]*bytes.Buffer{}
	asm := event.NewAssembler(line[0].From.Timeline, event.WithoutRowCounts())
	asm.OnCutOff(func(*event.Entry) error { return nil })
	for e, err := range s.reader().Events(t.Context(), line[0].From.Position) {
		if err != nil {
			t.Fatal(err)
		}
		told[e.Position] = e.Undone
		if files[e.File] == nil {
			files[e.File] = bytes.NewBufferString(stream.Magic)
		}
		files[e.File].Write(e.Raw)
		entry, err := asm.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if entry != nil {
			entries = append(entries, entry)
		}
	}
	if asm.Position() != line[0].To.Position {
		t.Errorf("events end at %s, the stretch at %s", asm.Position(), line[0].To.Position)
	}
	if got := asm.Executed().String(); got != line[0].To.GTIDSet {
		t.Errorf("executed %s, the stretch says %s", got, line[0].To.GTIDSet)
	}
	for name, got := range files {
		want, err := os.ReadFile(filepath.Join(s.source.DataDir(), name))
		if err != nil {
			t.Error(err)
			continue
		}
		want[4+17] &^= 1
		// A MariaDB logs its checkpoint behind a FLUSH when it has come to it, which may be behind the archiver's end.
		if end := line[0].To.Position; name == end.File && end.Pos < uint64(len(want)) {
			want = want[:end.Pos]
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: read %d bytes that are not the %d of the file", name, got.Len(), len(want))
		}
	}
	ranges := map[string][]binlog.OffsetRange{}
	for _, e := range entries {
		ranges[e.Start.File] = append(ranges[e.Start.File], e.Undone...)
	}
	for at, was := range told {
		if is := binlog.InRanges(ranges[at.File], at.Pos); was != is {
			t.Errorf("the event at %s is undone: %v, was told: %v", at, is, was)
		} else if is {
			undone++
		}
	}
	return entries, undone
}
