package archive_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/segment"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
)

const instance = "shop"

// site is a source, a store and a spool folder.
type site struct {
	source *mysqltest.Server
	user   mysqltest.User
	bucket storage.Bucket
	store  string
	spool  string
	url    string
}

func newSite(t testing.TB, s *mysqltest.Server) *site {
	t.Helper()
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	site := &site{source: s, user: u, store: t.TempDir(), spool: t.TempDir(), url: s.URL(u)}
	site.bucket = openBucket(t, site.store)
	return site
}

func openBucket(t testing.TB, path string) storage.Bucket {
	t.Helper()
	b, err := file.Open(path, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *site) catalog() *catalog.Catalog { return catalog.New(s.bucket) }

// server connects as the backup user.
func (s *site) server(t testing.TB) *server.Server {
	t.Helper()
	a, err := server.ParseURL(s.url)
	if err != nil {
		t.Fatal(err)
	}
	a.Password = server.NewSecret(s.user.Password)
	opened, err := server.Open(t.Context(), a, server.Source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

// config archives with quick flushes and small segments, and leaves these.
func (s *site) config(t testing.TB) archive.Config {
	t.Helper()
	c := archive.Config{
		Server: s.server(t), Catalog: s.catalog(), Instance: instance, SpoolDir: s.spool,
		Flush: 50 * time.Millisecond, SegmentSize: 64 << 10, Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
	return c.WithLargeSegments(0)
}

// testLog is the log of a test.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(string(bytes.TrimSpace(p)))
	return len(p), nil
}

// untilIdle archives everything that the source has.
func (s *site) untilIdle(t testing.TB, change func(*archive.Config)) archive.Result {
	t.Helper()
	for {
		result, err := s.tryUntilIdle(t, change)
		if err != nil {
			t.Fatal(err)
		}
		if !s.isMariaDB() || s.hasAll(t, result.End.Position) {
			return result
		}
	}
}

// hasAll tells whether an end is that of the source's newest file: MariaDB writes binlog checkpoints some time behind what they
// are about.
func (s *site) hasAll(t testing.TB, end binlog.Position) bool {
	t.Helper()
	files, err := s.source.BinlogFiles()
	if err != nil {
		t.Fatal(err)
	}
	newest := files[len(files)-1]
	info, err := os.Stat(newest)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(newest) == end.File && uint64(info.Size()) == end.Pos
}

func (s *site) tryUntilIdle(t testing.TB, change func(*archive.Config)) (archive.Result, error) {
	t.Helper()
	c := s.config(t)
	c.UntilIdle = true
	if change != nil {
		change(&c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return archive.Run(ctx, c)
}

// running is an archiver beside the test.
type running struct {
	cancel context.CancelFunc
	ended  chan struct{}
	result archive.Result
	err    error
}

func (s *site) start(t testing.TB, c archive.Config) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.result, r.err = archive.Run(ctx, c)
	}()
	t.Cleanup(func() { cancel(); <-r.ended })
	return r
}

// stop interrupts the archiver and returns what it did.
func (r *running) stop(t testing.TB) archive.Result {
	t.Helper()
	r.cancel()
	<-r.ended
	if !errors.Is(r.err, context.Canceled) {
		t.Fatalf("the archiver ended with %v", r.err)
	}
	return r.result
}

// timeline is the source's first.
func (s *site) timeline(t testing.TB) binlog.Timeline {
	t.Helper()
	if s.isMariaDB() {
		return s.mariadbTimeline(t)
	}
	var uuid string
	if err := s.source.Root().QueryRowContext(t.Context(), "SELECT @@server_uuid").Scan(&uuid); err != nil {
		t.Fatal(err)
	}
	return binlog.Timeline(uuid)
}

// head returns the timeline's head.
func (s *site) head(t testing.TB, timeline binlog.Timeline) catalog.Head {
	t.Helper()
	h, _, err := s.catalog().Head(t.Context(), instance, timeline)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// archivedFile returns the bytes of a file from its segments, which have to join without overlap
// where those are left out that a larger one holds.
func (s *site) archivedFile(t testing.TB, timeline binlog.Timeline, name string) ([]byte, []segment.Header) {
	t.Helper()
	refs, err := s.catalog().Segments(t.Context(), instance, timeline, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	var headers []segment.Header
	for i, ref := range refs {
		if ref.End <= uint64(len(all)) || i+1 < len(refs) && refs[i+1].Start == ref.Start {
			continue
		}
		if ref.Start != uint64(len(all)) {
			t.Fatalf("%s: segment at %d behind %d bytes", name, ref.Start, len(all))
		}
		r, err := s.catalog().OpenSegment(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		h, plain, err := segment.Plain(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(plain)
		if err = errors.Join(err, plain.Close(), r.Close()); err != nil {
			t.Fatal(err)
		}
		all, headers = append(all, b...), append(headers, h)
	}
	return all, headers
}

// compareFiles checks that every file of the archive has the source's bytes, and that stock
// mysqlbinlog reads it. It returns the names.
func (s *site) compareFiles(t testing.TB, timeline binlog.Timeline) []string {
	t.Helper()
	names, err := s.catalog().Files(t.Context(), instance, timeline)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		got, _ := s.archivedFile(t, timeline, name)
		want, err := os.ReadFile(filepath.Join(s.source.DataDir(), name))
		if err != nil {
			t.Error(err)
			continue
		}
		want[4+17] &^= 1 // set while the file is open
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the archive has %d bytes, the source's file %d: not equal", name, len(got), len(want))
		}
		s.mysqlbinlog(t, got)
	}
	return names
}

// mysqlbinlog has the stock program read and verify a file.
func (s *site) mysqlbinlog(t testing.TB, b []byte) {
	t.Helper()
	name := "mysqlbinlog"
	if s.isMariaDB() {
		name = "mariadb-binlog"
	}
	program, err := s.source.Install().Program(name)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), program, "--no-defaults", "--verify-binlog-checksum", path).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("ERROR: ")) { // events are printed too, as base64
		t.Errorf("mysqlbinlog: %v: %s", err, out[max(0, len(out)-500):])
	}
}

// load writes random transactions, with rotations and now and then a large one, until stop is
// called. Errors are ignored: the source goes away and comes back.
func load(t testing.TB, s *mysqltest.Server, pause time.Duration) (stop func()) {
	t.Helper()
	mysqltest.Exec(t, s, "CREATE SCHEMA IF NOT EXISTS w", "CREATE TABLE IF NOT EXISTS w.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)")
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_ = write(context.WithoutCancel(ctx), s.Root(), i) // one that is cut off may be logged later
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	})
	return func() { cancel(); work.Wait() }
}

func write(ctx context.Context, db *sql.DB, i int) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	statements := []string{"SET SESSION binlog_transaction_compression = " + []string{"ON", "OFF"}[rand.IntN(2)]}
	switch i % 50 {
	case 49:
		statements = append(statements, "FLUSH BINARY LOGS")
	case 25: // larger than a segment
		statements = append(statements, "BEGIN")
		for range 20 {
			statements = append(statements, "INSERT INTO w.t (b) VALUES (RANDOM_BYTES(1024)), (REPEAT(UUID(), 400)), (REPEAT('x', 9000))")
		}
		statements = append(statements, "COMMIT")
	case 10:
		statements = append(statements, fmt.Sprintf("CREATE TABLE w.t%d (id INT)", i))
	default:
		statements = append(statements, fmt.Sprintf("INSERT INTO w.t (b) VALUES (REPEAT(UUID(), %d))", rand.IntN(100)))
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// childVariable holds, in JSON, what an archiver that is to be killed does.
const childVariable = "TRIPOD_ARCHIVE_TEST_CHILD"

// child is an archiver in a process of its own.
type child struct {
	URL, Password, Store, Spool string
	Flush                       time.Duration
	SegmentSize                 int64
	LargeSegments               uint64
	Ahead                       time.Duration // of the clock
	UntilIdle                   bool
}

func runChild(text string) int {
	var c child
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		err = c.run(ctx)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func (c child) run(ctx context.Context) error {
	a, err := server.ParseURL(c.URL)
	if err != nil {
		return err
	}
	a.Password = server.NewSecret(c.Password)
	s, err := server.Open(ctx, a, server.Source)
	if err != nil {
		return err
	}
	b, err := file.Open(c.Store, file.Options{})
	if err != nil {
		return err
	}
	_, err = archive.Run(ctx, archive.Config{
		Server: s, Catalog: catalog.New(b), Instance: instance, SpoolDir: c.Spool, Flush: c.Flush, SegmentSize: c.SegmentSize, UntilIdle: c.UntilIdle,
		Role: archive.Role(os.Getenv("TRIPOD_ARCHIVE_TEST_ROLE")), Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}.WithLargeSegments(c.LargeSegments).WithClock(c.Ahead))
	return err
}

// folderSize is the size of all files below a folder; those that vanish meanwhile have none.
func folderSize(t testing.TB, dir string) int64 {
	t.Helper()
	var size int64
	for _, path := range glob(t, dir, "extents/*") {
		if info, err := os.Stat(path); err == nil {
			size += info.Size()
		}
	}
	return size
}

func glob(t testing.TB, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
