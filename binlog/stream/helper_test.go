package stream_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

// address is that of a URL with u's password.
func address(t testing.TB, url string, u mysqltest.User) server.Address {
	t.Helper()
	a, err := server.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret(u.Password)
	return a
}

// backupAddress makes the least user and returns the address of s for it.
func backupAddress(t testing.TB, s *mysqltest.Server) server.Address {
	t.Helper()
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return address(t, s.URL(u), u)
}

// end returns the end of the source's log.
func end(t testing.TB, s *mysqltest.Server) binlog.Position {
	t.Helper()
	p, err := status(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func status(ctx context.Context, s *mysqltest.Server) (binlog.Position, error) {
	var p binlog.Position
	var do, ignore, set []byte
	err := s.Root().QueryRowContext(ctx, "SHOW BINARY LOG STATUS").Scan(&p.File, &p.Pos, &do, &ignore, &set)
	return p, err
}

// received is what a stream handed out, by file.
type received struct {
	files map[string]*bytes.Buffer
	last  binlog.Position
	held  int // events that were marked so
	// largest is how long the longest event was.
	largest int
}

func newReceived() *received { return &received{files: map[string]*bytes.Buffer{}} }

func (r *received) add(e stream.Event) error {
	if e.Raw == nil {
		return nil
	}
	if e.Held {
		r.held++
		return nil
	}
	b := r.files[e.File]
	if b == nil {
		b = bytes.NewBufferString(stream.Magic)
		r.files[e.File] = b
	}
	if uint64(b.Len()) != e.Start || e.End-e.Start != uint64(len(e.Raw)) {
		return fmt.Errorf("event at %s:%d to %d of %d bytes, and %d bytes were there", e.File, e.Start, e.End, len(e.Raw), b.Len())
	}
	b.Write(e.Raw)
	r.largest = max(r.largest, len(e.Raw))
	r.last = binlog.Position{File: e.File, Pos: e.End}
	return nil
}

// reached tells whether everything up to p was received.
func (r *received) reached(p binlog.Position) bool { return !r.last.Before(p) }

// isBoundary knows enough of events for these tests: behind the file's head, each XID, each statement that is not BEGIN.
func isBoundary(raw []byte) bool {
	return raw[4] == 16 || raw[4] == 35 || raw[4] == 40 || raw[4] == 2 && !bytes.Contains(raw, []byte("\x00BEGIN"))
}

// follow receives until it has everything up to what until returns.
func (r *received) follow(ctx context.Context, f *stream.Follower, until func() (binlog.Position, bool)) error {
	for {
		e, err := f.Next(ctx)
		if err != nil {
			return err
		}
		if err := r.add(e); err != nil {
			return err
		}
		if e.Raw != nil && isBoundary(e.Raw) {
			if err := f.Acknowledge(); err != nil {
				return err
			}
		}
		if p, ok := until(); ok && r.reached(p) {
			return nil
		}
	}
}

// compare checks what was received against the files of the server's data directory.
func (r *received) compare(t testing.TB, s *mysqltest.Server) {
	t.Helper()
	if len(r.files) == 0 {
		t.Error("nothing was received")
	}
	for name, got := range r.files {
		want, err := os.ReadFile(filepath.Join(s.DataDir(), name))
		if err != nil {
			t.Error(err)
			continue
		}
		want[4+17] &^= 1 // the file is open: the flag is taken away when it is closed
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s: received %d bytes that are not the %d of the file", name, got.Len(), len(want))
		}
	}
}

// untilEnd receives until the source's present end.
func untilEnd(t testing.TB, s *mysqltest.Server, f *stream.Follower) *received {
	t.Helper()
	r := newReceived()
	r.untilEnd(t, s, f)
	return r
}

func (r *received) untilEnd(t testing.TB, s *mysqltest.Server, f *stream.Follower) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stop := end(t, s)
	if err := r.follow(ctx, f, func() (binlog.Position, bool) { return stop, true }); err != nil {
		t.Fatal(err)
	}
}

func follow(t testing.TB, cfg stream.Config, start stream.Resume) *stream.Follower {
	t.Helper()
	f, err := stream.Follow(t.Context(), cfg, start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func firstFile(t testing.TB, s *mysqltest.Server) stream.Resume {
	t.Helper()
	files, err := s.BinlogFiles()
	if err != nil || len(files) == 0 {
		t.Fatalf("no binlog files: %v", err)
	}
	return stream.Resume{Position: binlog.Position{File: filepath.Base(files[0])}}
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

// logPos returns the end of an event by its own word.
func logPos(raw []byte) uint32 { return binary.LittleEndian.Uint32(raw[13:]) }
