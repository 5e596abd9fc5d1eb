package archive_test

import (
	"context"
	"os"
	"path"
	"sync"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/storagetest"
)

// TestFilesThatGrowWhileTheyAreRead: the file that was the last when it was listed is not any more when the next one is
// looked for. That lacks nothing.
func TestFilesThatGrowWhileTheyAreRead(t *testing.T) {
	s, entries := archivedInParts(t, mysqltest.Options{GTID: true, Relaxed: true}, 8)
	keys := s.segmentKeys(t)
	next := len(keys) - 1
	for next > 1 && (path.Dir(keys[next-1]) == path.Dir(keys[next]) || path.Dir(keys[next-2]) != path.Dir(keys[next-1])) {
		next--
	}
	if next <= 1 {
		t.Fatalf("no file of several segments has another one behind it: %v", keys)
	}
	grown, behind := keys[next-1], path.Dir(keys[next])
	for _, file := range s.closedFiles(t) {
		if err := os.Remove(s.indexPath(t, file)); err != nil {
			t.Fatal(err)
		}
	}
	first, last := entries[0].Start, entries[len(entries)-1].End
	for name, read := range map[string]func(*archive.Reader) error{
		"covers": func(r *archive.Reader) error { return r.Covers(t.Context(), first, last) },
		"line": func(r *archive.Reader) error {
			_, err := r.Line(t.Context())
			return err
		},
		"events": func(r *archive.Reader) error {
			var at binlog.Position
			for e, err := range r.Events(t.Context(), binlog.Position{Timeline: first.Timeline, File: first.File}) {
				if err != nil {
					return err
				}
				if e.File == at.File && e.Pos != at.Pos {
					t.Errorf("the event at %s:%d comes behind %s", e.File, e.Pos, at)
				}
				at = e.End()
			}
			if at != last {
				t.Errorf("the events end at %s, want %s", at, last)
			}
			return nil
		},
	} {
		data := s.take(t, grown)
		comes := sync.OnceFunc(func() { s.put(t, grown, data) })
		b := &storagetest.Faulty{Bucket: s.bucket, Before: func(_ context.Context, op storagetest.Operation, key string) error {
			if op == storagetest.OpList && path.Dir(key) == behind {
				comes()
			}
			return nil
		}}
		if err := read(archive.Open(catalog.New(b), instance)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		comes()
	}
}
