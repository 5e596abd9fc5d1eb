package stream_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestPlacesWhereNoEventBegins: whatever the bytes inside an event of the source's file look like to the server (some it
// takes for the length of an event that exceeds max_allowed_packet, some for one that ends behind the file), no new
// connection mends that none begins there.
func TestPlacesWhereNoEventBegins(t *testing.T) {
	for _, kind := range []mysqltest.Kind{mysqltest.MySQL97, mysqltest.MySQL56, mysqltest.MariaDB1011} {
		t.Run(kind.String(), func(t *testing.T) {
			s := mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true})
			mysqltest.Exec(t, s, "CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY, b VARCHAR(200))", "INSERT INTO a.t VALUES (1, REPEAT(x'01', 90)), (2, REPEAT(x'20', 90))")
			cfg := stream.Config{Address: backupAddress(t, s)}
			start := firstFile(t, s)
			f := follow(t, cfg, start)
			begins := map[uint64]bool{}
			last := endOfFile(t, s)
			for {
				e, err := f.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if begins[e.Start] = true; e.End == last.Pos {
					break
				}
			}
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			for range 150 {
				at := last
				if at.Pos = binlog.FirstOffset + 1 + random.Uint64N(last.Pos-binlog.FirstOffset-1); begins[at.Pos] {
					continue
				}
				if err := firstEvent(t, cfg, at); err == nil || errors.Is(err, stream.ErrDisconnected) {
					t.Errorf("from byte %d: %v", at.Pos, err)
				}
			}
		})
	}
}

// endOfFile is where the only file of a source ends that nobody writes to.
func endOfFile(t *testing.T, s *mysqltest.Server) binlog.Position {
	t.Helper()
	files, err := s.BinlogFiles()
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v: %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return binlog.Position{File: filepath.Base(files[0]), Pos: uint64(info.Size())}
}

// firstEvent returns the error that comes instead of the first event.
func firstEvent(t *testing.T, cfg stream.Config, from binlog.Position) error {
	t.Helper()
	st, err := stream.Open(t.Context(), cfg, from)
	if err != nil {
		return err
	}
	defer st.Close() //nolint:errcheck // says nothing
	_, err = st.Next(t.Context())
	return err
}
