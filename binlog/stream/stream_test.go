package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/stream"
	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// history writes transactions of every shape that matters to the bytes of a stream: plain,
// compressed and large ones, DDL, rotations, files with and without checksums.
func history(t testing.TB, s *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, s,
		"CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY AUTO_INCREMENT, b LONGBLOB)",
		"INSERT INTO a.t (b) VALUES ('one'), ('two')",
		"SET SESSION binlog_transaction_compression = ON",
		"INSERT INTO a.t (b) VALUES (REPEAT('compressed', 1000))",
		"SET SESSION binlog_transaction_compression = OFF",
		"FLUSH BINARY LOGS",
		"SET GLOBAL binlog_checksum = NONE",
		"INSERT INTO a.t (b) VALUES ('without checksum')",
		"FLUSH BINARY LOGS",
		"UPDATE a.t SET b = 'again' WHERE id = 1",
		"SET GLOBAL binlog_checksum = CRC32",
		"SET GLOBAL max_allowed_packet = 1073741824",
		"INSERT INTO a.t (b) VALUES ('with checksum')",
	)
	// A packet of several fragments.
	mysqltest.Exec(t, s, "INSERT INTO a.t (b) VALUES (REPEAT('x', 40 * 1024 * 1024))")
	mysqltest.Exec(t, s, "DELETE FROM a.t WHERE id = 2")
}

func TestStreamIsTheBytesOfTheFiles(t *testing.T) {
	s := mysqltest.Source(t)
	history(t, s)
	f := follow(t, stream.Config{Address: backupAddress(t, s)}, firstFile(t, s))
	r := untilEnd(t, s, f)
	if len(r.files) < 4 {
		t.Errorf("%d files", len(r.files))
	}
	r.compare(t, s)
	if want := binlog.Timeline(f.ServerUUID()); f.Timeline() != want || len(want) != 36 {
		t.Errorf("timeline %q, want %q", f.Timeline(), want)
	}
	// The chain is that of the last file.
	chain := binlog.NewChain()
	if _, err := chain.Write(r.files[r.last.File].Bytes()); err != nil {
		t.Fatal(err)
	}
	if f.Chain().Offset() != r.last.Pos || f.Chain().Sum() != chain.Sum() {
		t.Errorf("chain at %d, want %d", f.Chain().Offset(), r.last.Pos)
	}
}

func TestStreamOverEveryWayToConnect(t *testing.T) {
	s := mysqltest.Source(t)
	u, err := s.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	start := firstFile(t, s)
	for name, url := range map[string]string{
		"preferred": s.URL(u),
		"required":  s.URL(u) + "?tls=required",
		"disabled":  s.URL(u) + "?tls=disabled",
		"socket":    s.SocketURL(u),
	} {
		t.Run(name, func(t *testing.T) {
			untilEnd(t, s, follow(t, stream.Config{Address: address(t, url, u)}, start)).compare(t, s)
		})
	}
}

func TestStreamFromInsideAFile(t *testing.T) {
	s := mysqltest.Source(t)
	cfg := stream.Config{Address: backupAddress(t, s)}
	first := follow(t, cfg, firstFile(t, s))
	untilEnd(t, s, first)
	_, last := first.Marks()
	held := end(t, s)
	if last.Offset != held.Pos {
		t.Fatalf("acknowledged up to %d, the file ends at %d", last.Offset, held.Pos)
	}
	history(t, s)

	st, err := stream.Open(t.Context(), cfg, held)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // says nothing
	if st.Format() == nil || logPos(st.Format()) != 0 || st.FormatTime() == 0 {
		t.Error("no copy of the format description in front of a place inside the file")
	}
	e, err := st.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Start != held.Pos || logPos(e.Raw) != uint32(e.End) {
		t.Errorf("first event at %d to %d, want it to start at %d", e.Start, e.End, held.Pos)
	}
}

func TestHeldBytesAreComparedAndMarked(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "INSERT INTO a.t VALUES (1)", "INSERT INTO a.t VALUES (2)")
	cfg := stream.Config{Address: backupAddress(t, s)}
	first := follow(t, cfg, firstFile(t, s))
	r := untilEnd(t, s, first)
	before, last := first.Marks()
	if before.Offset >= last.Offset {
		t.Fatalf("marks %d and %d", before.Offset, last.Offset)
	}
	mysqltest.Exec(t, s, "INSERT INTO a.t VALUES (3)")
	resume := stream.Resume{
		Position: binlog.Position{File: r.last.File, Pos: before.Offset}, State: before.State,
		Held: last.Offset, Sum: first.Chain().Sum(),
	}
	second := follow(t, cfg, resume)
	r.untilEnd(t, s, second)
	if r.held == 0 {
		t.Error("no event was sent again")
	}
	r.compare(t, s)

	resume.Sum[0] ^= 1
	f := follow(t, cfg, resume)
	_, err := nextUntilError(t.Context(), f)
	wantError(t, err, stream.ErrIdentity)
}

func nextUntilError(ctx context.Context, f *stream.Follower) (events int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for ; ; events++ {
		if _, err := f.Next(ctx); err != nil {
			return events, err
		}
	}
}

func TestPlacesBeyondTheProtocolAreStreamedFromTheFilesStart(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY)", "INSERT INTO a.t VALUES (1)")
	cfg := stream.Config{Address: backupAddress(t, s)}
	first := follow(t, cfg, firstFile(t, s))
	r := untilEnd(t, s, first)
	before, last := first.Marks()

	cfg.LastPosition = before.Offset - 1
	_, err := stream.Open(t.Context(), cfg, binlog.Position{File: r.last.File, Pos: before.Offset})
	wantError(t, err, stream.ErrBeyond4GiB)
	resume := stream.Resume{
		Position: binlog.Position{File: r.last.File, Pos: before.Offset}, State: before.State,
		Held: last.Offset, Sum: first.Chain().Sum(),
	}
	mysqltest.Exec(t, s, "INSERT INTO a.t VALUES (2)")
	second := follow(t, cfg, resume)
	r.untilEnd(t, s, second)
	if r.held < 3 {
		t.Errorf("%d events were sent again, want all of the file", r.held)
	}
	r.compare(t, s)
	resume.Sum[0] ^= 1
	_, err = nextUntilError(t.Context(), follow(t, cfg, resume))
	wantError(t, err, stream.ErrIdentity)
}

func TestStreamFaultsSayWhatToDo(t *testing.T) {
	s := mysqltest.Source(t)
	good := backupAddress(t, s)
	mysqltest.Exec(t, s, "CREATE USER nobody IDENTIFIED BY 'x'")
	start := firstFile(t, s)
	nobody := address(t, s.URL(mysqltest.User{Name: "nobody"}), mysqltest.User{Password: "x"})
	wrong := good
	wrong.Password = nobody.Password
	closed := good
	closed.Port = 1
	for _, c := range []struct {
		name string
		cfg  stream.Config
		kind fault.Kind
		hint string
	}{
		{"password", stream.Config{Address: wrong}, fault.KindPassword, "password"},
		{"grant", stream.Config{Address: nobody}, fault.KindGrant, "GRANT REPLICATION SLAVE"},
		{"port", stream.Config{Address: closed}, fault.KindConnect, "port"},
	} {
		_, err := stream.Follow(t.Context(), c.cfg, start)
		if f := fault.Of(err); f == nil || f.Kind != c.kind || f.Code != fault.CodeFailed || !strings.Contains(f.Hint, c.hint) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	other := stream.Config{Address: good, Expect: stream.Identity{ServerUUID: "3e11fa47-71ca-11e1-9e33-c80aa9429562"}}
	_, err := stream.Follow(t.Context(), other, start)
	wantError(t, err, stream.ErrIdentity)
}

func TestNextEndsWithItsContext(t *testing.T) {
	s := mysqltest.Source(t)
	f := follow(t, stream.Config{Address: backupAddress(t, s)}, firstFile(t, s))
	untilEnd(t, s, f)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := f.Next(ctx); err != nil {
				ended <- err
				return
			}
		}
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestHeartbeatsTellThatNothingHappens(t *testing.T) {
	s := mysqltest.Source(t)
	f := follow(t, stream.Config{Address: backupAddress(t, s), Heartbeat: 20 * time.Millisecond}, firstFile(t, s))
	r := untilEnd(t, s, f)
	e, err := f.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e.Raw != nil || e.File != r.last.File || e.Start != r.last.Pos || e.End != r.last.Pos {
		t.Errorf("event %+v, want a heartbeat at %s", e, r.last)
	}
}

func TestPurgedFileIsTold(t *testing.T) {
	s := mysqltest.Source(t)
	start := firstFile(t, s)
	mysqltest.Exec(t, s, "FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
	mysqltest.Purge(t, s, "binlog.000003")
	if files, err := s.BinlogFiles(); err != nil || strings.HasSuffix(files[0], start.Position.File) {
		t.Fatalf("files %v: %v", files, err)
	}
	_, err := stream.Follow(t.Context(), stream.Config{Address: backupAddress(t, s)}, start)
	wantError(t, err, stream.ErrPurged)
}

// An event may be longer than the longest packet that a client may send: an UPDATE holds its row twice.
func TestEventsLongerThanMaxAllowedPacket(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE SCHEMA a", "CREATE TABLE a.t (id INT PRIMARY KEY, b LONGBLOB)", "SET GLOBAL max_allowed_packet = 1048576")
	mysqltest.Exec(t, s, "INSERT INTO a.t VALUES (1, REPEAT('x', 1000000))", "UPDATE a.t SET b = CONCAT('y', b)")
	r := untilEnd(t, s, follow(t, stream.Config{Address: backupAddress(t, s)}, firstFile(t, s)))
	if r.largest < 2_000_000 {
		t.Errorf("the largest event has %d bytes: the test proves nothing", r.largest)
	}
	r.compare(t, s)
}
