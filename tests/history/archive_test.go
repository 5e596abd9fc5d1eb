package history

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// writeSegments cuts a file's bytes into segments of at most size bytes below the store.
func writeSegments(t *testing.T, store, file string, content []byte, size int) {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(store, instance, "binlog", "timeline", strings.ReplaceAll(filepath.Base(file), ".", "%2E"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for start := 0; start < len(content); start += size {
		end := min(start+size, len(content))
		header := []byte(`{"version":1}`)
		segment := binary.LittleEndian.AppendUint32(nil, 0x184D2A5E)
		segment = binary.LittleEndian.AppendUint32(segment, uint32(len(header)))
		segment = encoder.EncodeAll(content[start:end], append(segment, header...))
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%020d-%020d.seg", start, end)), segment, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// The check of an archive has to pass for a right one and to fail for each way to be wrong.
func TestArchiveIsComparedWithTheSourcesFiles(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true})
	mysqltest.Exec(t, s, "CREATE DATABASE d", "CREATE TABLE d.t (a INT PRIMARY KEY)", "FLUSH BINARY LOGS", "INSERT INTO d.t VALUES (1),(2)", "FLUSH BINARY LOGS", "DELETE FROM d.t")
	files, err := s.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func(t *testing.T, segments []string){
		"":                 func(*testing.T, []string) {},
		"nothing holds":    func(t *testing.T, segments []string) { must(t, os.Remove(segments[0])) },
		"not the source's": func(t *testing.T, segments []string) { must(t, os.Remove(segments[len(segments)-1])) },
		"bytes":            func(t *testing.T, segments []string) { must(t, os.Rename(segments[1], segments[2])) },
	} {
		t.Run("damage "+name, func(t *testing.T) {
			h := &run{servers: Servers{Source: s}, folder: t.TempDir()}
			for i, file := range files {
				content, err := os.ReadFile(file)
				must(t, err)
				if i == len(files)-1 {
					content[inUseOffset] &^= inUseFlag
				}
				writeSegments(t, filepath.Join(h.folder, "store"), file, content, 60)
			}
			archived, err := h.archivedFiles()
			must(t, err)
			var segments []string
			for _, segment := range archived[filepath.Base(files[1])] {
				segments = append(segments, segment.path)
			}
			damage(t, segments)
			if archived, err = h.archivedFiles(); err != nil {
				t.Fatal(err)
			}
			var paths []string
			for i, file := range files {
				path := filepath.Join(h.folder, filepath.Base(file))
				if err = join(archived[filepath.Base(file)], path); err == nil {
					err = sameFile(file, path, i == len(files)-1)
				}
				if err != nil {
					break
				}
				paths = append(paths, path)
			}
			if name == "" {
				must(t, err)
				must(t, h.readByMysqlbinlog(t.Context(), paths))
				return
			}
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want an error with %q", err, name)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "binlog.000001")
	must(t, os.WriteFile(path, []byte("\xfebin and nothing that is an event"), 0o600))
	if err := (&run{servers: Servers{Source: s}}).readByMysqlbinlog(t.Context(), []string{path}); err == nil {
		t.Error("mysqlbinlog read what is no binlog file")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
