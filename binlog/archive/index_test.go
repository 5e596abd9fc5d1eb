package archive_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
)

// index returns that of a file.
func (s *site) index(t testing.TB, file string) *catalog.Index {
	t.Helper()
	x, err := s.catalog().Index(t.Context(), instance, s.timeline(t), file)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// closedFiles returns the names of all archived files but the last.
func (s *site) closedFiles(t testing.TB) []string {
	t.Helper()
	names, err := s.catalog().Files(t.Context(), instance, s.timeline(t))
	if err != nil {
		t.Fatal(err)
	}
	return names[:len(names)-1]
}

func (s *site) indexPath(t testing.TB, file string) string {
	t.Helper()
	return filepath.Join(s.store, filepath.FromSlash(catalog.IndexKey(instance, s.timeline(t), file)))
}

// told is what the events of a step are, read one by one.
type told struct {
	rows, entries map[string]uint64
	statements    int
	xa            bool
}

// readContents reads what is in each step of a file.
func (s *site) readContents(t testing.TB, x *catalog.Index) []told {
	t.Helper()
	list := make([]told, len(x.Segments))
	for i := range list {
		list[i] = told{rows: map[string]uint64{}, entries: map[string]uint64{}}
	}
	at := 0
	asm := event.NewAssembler(x.Timeline)
	asm.OnRows(func(_ *event.Entry, rows *event.Rows) error {
		n, err := rows.Count()
		list[at].rows[rows.Table.Name.String()] += uint64(n)
		return err
	})
	asm.OnQuery(func(*event.Entry, *event.Query) error { list[at].statements++; return nil })
	for e, err := range s.reader().Events(t.Context(), binlog.Position{Timeline: x.Timeline, File: x.File}) {
		if err != nil {
			t.Fatal(err)
		}
		entry, err := asm.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if entry != nil {
			list[at].xa = list[at].xa || entry.XID != ""
			for _, touched := range entry.Tables {
				list[at].entries[touched.Name.String()]++
			}
		}
		if end := e.End().Pos; end == x.End {
			break
		} else if end == x.Segments[at].End {
			at++
		}
	}
	return list
}

// compareContents checks that an index says of each step what its events are.
func (s *site) compareContents(t testing.TB, x *catalog.Index) {
	t.Helper()
	for i, want := range s.readContents(t, x) {
		c := x.Segments[i].Content
		if c == nil {
			t.Errorf("%s: nothing is known of the segment at %d", x.File, x.Segments[i].Start)
			continue
		}
		got := told{rows: map[string]uint64{}, entries: map[string]uint64{}, statements: len(c.Statements), xa: c.XA}
		for _, touched := range c.Tables {
			if touched.Rows > 0 {
				got.rows[touched.String()] = touched.Rows
			}
			if touched.Entries > 0 {
				got.entries[touched.String()] = touched.Entries
			}
		}
		if !reflect.DeepEqual(got, want) || c.More {
			t.Errorf("%s: the segment at %d holds %+v, the index says %+v", x.File, x.Segments[i].Start, want, got)
		}
	}
}

// Every closed file has an index, which says of each segment what its events are: of transactions
// over several segments too, and behind a writer that was stopped inside of one.
func TestClosedFilesHaveAnIndex(t *testing.T) {
	s, _ := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	large := []string{"SET SESSION binlog_transaction_compression = OFF", "BEGIN"}
	for range 200 {
		large = append(large, "INSERT INTO w.t (b) VALUES (RANDOM_BYTES(1024))")
	}
	mysqltest.Exec(t, s.source, append(large, "COMMIT")...)
	mysqltest.Exec(t, s.source, "CREATE TABLE w.x (id INT PRIMARY KEY)", "XA START 'a'", "INSERT INTO w.x VALUES (1)", "XA END 'a'", "XA PREPARE 'a'", "FLUSH BINARY LOGS",
		"DELETE FROM w.t LIMIT 3", "XA COMMIT 'a'", "FLUSH BINARY LOGS")
	s.untilIdle(t, nil)
	files := s.closedFiles(t)
	if len(files) < 5 {
		t.Fatalf("closed files %v", files)
	}
	inside := 0
	for _, file := range files {
		x := s.index(t, file)
		bytesOf, _ := s.archivedFile(t, x.Timeline, file)
		if x.End != uint64(len(bytesOf)) || x.Written == 0 || len(x.Segments[0].Format) == 0 {
			t.Errorf("index of %s: %+v", file, x)
		}
		for _, h := range x.Segments {
			if h.BeginsInside {
				inside++
			}
		}
		s.compareContents(t, x)
	}
	if inside == 0 {
		t.Error("no transaction lies over two segments")
	}
	last := s.index(t, files[len(files)-1])
	if open := last.Segments[0].OpenXAAtStart; len(open) != 1 || len(open[0].Tables) != 1 || open[0].Prepare.File != files[len(files)-2] {
		t.Errorf("open XA at the start of %s: %+v", last.File, open)
	}
}

// stripped takes away, from the frames of all segments of a file, what earlier versions did not
// write there, and the index.
func (s *site) stripped(t testing.TB, file string) {
	t.Helper()
	refs, err := s.catalog().Segments(t.Context(), instance, s.timeline(t), file, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		path := filepath.Join(s.store, filepath.FromSlash(ref.Key))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		h, plain, err := segment.Plain(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		h.Content, h.Format = nil, nil
		if b, err = segment.Encode(h, plain); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(s.indexPath(t, file)); err != nil {
		t.Fatal(err)
	}
}

// An archive of a version without indexes is read as before, and the next run makes them up: also
// where one is damaged.
func TestIndexesAreMadeUpLater(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	files := s.closedFiles(t)
	var before []*catalog.Index
	for _, file := range files {
		before = append(before, s.index(t, file))
		s.stripped(t, file)
	}
	if again := s.readAll(t); len(again) != len(entries) {
		t.Errorf("%d entries without index, %d before", len(again), len(entries))
	}
	if err := os.WriteFile(s.indexPath(t, files[0]), []byte(`{"version": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.untilIdle(t, nil)
	for i, file := range files {
		x := s.index(t, file)
		s.compareContents(t, x)
		for n := range x.Segments {
			got, _ := json.Marshal(x.Segments[n].Content)
			want, _ := json.Marshal(before[i].Segments[n].Content)
			if !bytes.Equal(got, want) {
				t.Errorf("%s: read later the segment at %d holds %s, when it was written %s", file, x.Segments[n].Start, got, want)
			}
		}
	}
}

// A damaged index is no loss: readers say so and go by the frames in front of the segments.
func TestADamagedIndexIsIgnored(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	for i, file := range s.closedFiles(t) {
		path := s.indexPath(t, file)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		switch i % 3 {
		case 0:
			b = bytes.Replace(b, []byte(`"start": 0,`), []byte(`"start": 1,`), 1)
		case 1:
			b = b[:len(b)/2]
		default:
			b = bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 99`), 1)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	r := archive.Open(s.catalog(), instance, archive.Log(slog.New(slog.NewTextHandler(&log, nil))))
	line := s.line(t)
	n := 0
	asm := event.NewAssembler(line[0].From.Timeline)
	for e, err := range r.Events(t.Context(), line[0].From.Position) {
		if err != nil {
			t.Fatal(err)
		}
		entry, err := asm.Add(e.File, e.Pos, e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if entry != nil {
			n++
		}
	}
	if n != len(entries) {
		t.Errorf("%d entries, want %d", n, len(entries))
	}
	for i, file := range s.closedFiles(t) {
		want := []string{"does not match its SHA-256", "is no whole JSON document", "reads up to 1"}[i%3]
		found := false
		for line := range strings.Lines(log.String()) {
			found = found || strings.Contains(line, file) && strings.Contains(line, want)
		}
		if !found {
			t.Errorf("nothing says that the index of %s %s: %s", file, want, log.String())
		}
	}
}

// What a reader leaves out is whole entries, and it meets all others, each with what it needs.
func TestReadersLeaveOutWhatTheyDoNotNeed(t *testing.T) {
	s, entries := archivedHistory(t, mysqltest.Options{GTID: true, Relaxed: true})
	for _, indexed := range []bool{true, false} {
		for _, every := range []int{1, 2, 3} {
			asked, skipped, stored := 0, uint64(0), uint64(0)
			skip := archive.Skip(func(u *archive.Unit) bool {
				asked++
				if u.Content == nil || u.StoredBytes == 0 || !u.Whole {
					t.Errorf("asked of %+v", u)
				}
				if asked%every == 0 {
					skipped += u.Entries
					stored += u.StoredBytes
				}
				return asked%every == 0
			})
			asm := event.NewAssembler(s.line(t)[0].From.Timeline)
			at, met := 0, uint64(0)
			var reached binlog.Position
			for e, err := range s.reader().Events(t.Context(), s.line(t)[0].From.Position, skip) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Skipped > 0 {
					if !asm.AtBoundary() {
						t.Fatalf("left out at %s inside an entry", e.Position)
					}
					reached = e.End()
					continue
				}
				entry, err := asm.Add(e.File, e.Pos, e.Raw)
				if err != nil {
					t.Fatal(err)
				}
				if entry == nil {
					continue
				}
				for entries[at].Start.Before(entry.Start) {
					at++
				}
				if entries[at].Start != entry.Start || entries[at].GTID != entry.GTID {
					t.Fatalf("entry %s at %s, want %s at %s", entry.GTID, entry.Start, entries[at].GTID, entries[at].Start)
				}
				met, reached = met+1, entry.End
			}
			if met+skipped != uint64(len(entries)) || skipped == 0 || stored == 0 || every > 1 && met == 0 {
				t.Errorf("indexed %v, every %d: %d entries met, %d left out of %d", indexed, every, met, skipped, len(entries))
			}
			if end := s.line(t)[0].To.Position; reached.Before(end) {
				t.Errorf("reached %s, not %s", reached, end)
			}
		}
		for _, file := range s.closedFiles(t) {
			if err := os.Remove(s.indexPath(t, file)); err != nil && indexed {
				t.Fatal(err)
			}
		}
	}
}
