package dumper

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/chunk"
	"github.com/tripod-db/tripod/storage/file"
)

func TestMain(m *testing.M) {
	mysqltest.InMemory()
	mysqltest.Main(m)
}

const instanceName = "shop"

// site is a source and a store.
type site struct {
	t       testing.TB
	source  *mysqltest.Server
	srv     *server.Server
	catalog *catalog.Catalog
	gate    *gate
	spool   string
	log     *syncBuffer
}

// gate is a store that tells before an object is put.
type gate struct {
	storage.Bucket
	mu   sync.Mutex
	on   func(ctx context.Context, key string)
	dead bool // nothing is put any more
}

// kill lets nothing be put any more, or everything again.
func (g *gate) kill(dead bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead = dead
}

var errDead = errors.New("the process is dead")

// before sets what is called before each put; nil for nothing.
func (g *gate) before(on func(ctx context.Context, key string)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on = on
}

func (g *gate) pass(ctx context.Context, key string) error {
	g.mu.Lock()
	on := g.on
	g.mu.Unlock()
	if on != nil {
		on(ctx, key)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead {
		return errDead
	}
	return nil
}

func (g *gate) Put(ctx context.Context, key string, body io.Reader, size int64) error {
	if err := g.pass(ctx, key); err != nil {
		return err
	}
	return g.Bucket.Put(ctx, key, body, size)
}

func (g *gate) PutIfAbsent(ctx context.Context, key string, body io.Reader, size int64) error {
	if err := g.pass(ctx, key); err != nil {
		return err
	}
	return g.Bucket.PutIfAbsent(ctx, key, body, size)
}

// atChunk calls do once, before chunk n of a table is stored, when it has been read.
func (s *site) atChunk(table string, n int, do func()) {
	once := sync.OnceFunc(do)
	name, below, _ := strings.Cut(table, ".")
	suffix := catalog.ChunkKey(schema.Name{Schema: name, Name: below}, uint64(n), chunk.Zstd)
	s.gate.before(func(_ context.Context, key string) {
		if strings.HasSuffix(key, "/"+suffix) {
			once()
		}
	})
}

func newSite(t testing.TB, o mysqltest.Options) *site {
	t.Helper()
	return siteOf(t, mysqltest.Take(t, o))
}

func siteOf(t testing.TB, source *mysqltest.Server) *site {
	t.Helper()
	bucket, err := file.Open(t.TempDir(), file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{Bucket: bucket}
	s := &site{t: t, source: source, catalog: catalog.New(g), gate: g, spool: t.TempDir(), log: &syncBuffer{}}
	u, err := source.CreateBackupUser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.srv = s.open(u)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the backup:\n%s", s.log)
		}
	})
	return s
}

// with is the site for a subtest, with a log of its own.
func (s *site) with(t *testing.T) *site {
	sub := *s
	sub.t, sub.log = t, &syncBuffer{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the backup:\n%s", sub.log)
		}
	})
	return &sub
}

// open opens the source as a user.
func (s *site) open(u mysqltest.User) *server.Server {
	s.t.Helper()
	a, err := server.ParseURL(s.source.URL(u))
	if err != nil {
		s.t.Fatal(err)
	}
	a.Password = server.NewSecret(u.Password)
	srv, err := server.Open(s.t.Context(), a, server.Source)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			s.t.Error(err)
		}
	})
	return srv
}

func (s *site) config() Config {
	level := slog.LevelDebug
	return Config{
		Source: s.srv, Catalog: s.catalog, Instance: instanceName, SpoolDir: s.spool, Program: "test",
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: level})),
	}
}

// backUp makes a backup and returns its manifest.
func (s *site) backUp(change ...func(*Config)) (*Result, *catalog.Manifest) {
	s.t.Helper()
	r, err := s.tryBackUp(s.t.Context(), change...)
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := s.catalog.Manifest(s.t.Context(), instanceName, r.BackupID)
	if err != nil {
		s.t.Fatal(err)
	}
	return r, m
}

func (s *site) tryBackUp(ctx context.Context, change ...func(*Config)) (*Result, error) {
	cfg := s.config()
	for _, c := range change {
		c(&cfg)
	}
	return Run(ctx, cfg)
}

// tryDying is tryBackUp of a process that dies, or whose store does, on the way: its archiver does not wait for the store
// at its end, which a dead process cannot and for a dead store is in vain.
func (s *site) tryDying(ctx context.Context, change ...func(*Config)) (r *Result, err error) {
	s.t.Helper()
	mysqltest.FailpointWhile(s.t, "binlog/archive/ending", "return(100)", func() { r, err = s.tryBackUp(ctx, change...) })
	return r, err
}

// exec runs statements as root in a session of their own: some of them change it.
func (s *site) exec(statements ...string) {
	s.t.Helper()
	db := s.source.Connect(mysqltest.Root, "")
	defer func() { _ = db.Close() }()
	// Not the context of the test: some are run while it ends.
	ctx := context.WithoutCancel(s.t.Context())
	conn, err := db.Conn(ctx)
	if err != nil {
		s.t.Errorf("connect: %v", err)
		return
	}
	defer func() { _ = conn.Close() }()
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			s.t.Errorf("%.300s: %v", statement, err)
			return
		}
	}
}

// load makes the schemas and tables of the manifest on a server and loads their chunks.
func (s *site) load(target *mysqltest.Server, m *catalog.Manifest) {
	s.t.Helper()
	ctx := s.t.Context()
	db := target.Connect(mysqltest.Root, "")
	defer func() {
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	conn, err := db.Conn(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	run := func(statement string) {
		s.t.Helper()
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			s.t.Fatalf("%.300s: %v", statement, err)
		}
	}
	run("SET foreign_key_checks=0, time_zone='+00:00', sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'")
	for _, sc := range m.Schemas {
		if sc.Exists {
			run(strings.Replace(sc.Create, "CREATE DATABASE", "CREATE DATABASE IF NOT EXISTS", 1))
		}
	}
	for i := range m.Names {
		n := &m.Names[i]
		if n.Base != catalog.BaseRead || n.Absent {
			continue
		}
		text, err := s.catalog.OpenSchemaObject(ctx, instanceName, m.ID, n.SchemaKey)
		if err != nil {
			s.t.Fatal(err)
		}
		run("USE " + schema.Quote(n.Schema))
		run(string(text))
		for j := range n.Chunks {
			s.loadChunk(conn, m, n, &n.Chunks[j])
		}
	}
}

func (s *site) loadChunk(conn *sql.Conn, m *catalog.Manifest, n *catalog.NameBase, c *catalog.Chunk) {
	s.t.Helper()
	mysql.RegisterReaderHandler(chunk.FileName, func() io.Reader {
		return s.openChunk(m, c)
	})
	statement := strings.Replace(n.Load, "'"+chunk.FileName+"'", "'Reader::"+chunk.FileName+"'", 1)
	if _, err := conn.ExecContext(s.t.Context(), statement); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
	var level, message string
	var code int
	switch err := conn.QueryRowContext(s.t.Context(), "SHOW WARNINGS LIMIT 1").Scan(&level, &code, &message); {
	case errors.Is(err, sql.ErrNoRows), c.ZeroEnum: // its 0 is what the source holds
	case err != nil:
		s.t.Fatal(err)
	default:
		s.t.Errorf("%s: %s", statement, message)
	}
}

func (s *site) openChunk(m *catalog.Manifest, c *catalog.Chunk) *chunk.Reader {
	r, err := chunk.Open(context.Background(), s.catalog.Bucket(), catalog.BackupKey(instanceName, m.ID, c.Key), m.Compression, chunk.Sum{
		Rows: c.Rows, Bytes: c.Bytes, BytesStored: c.BytesStored, StoredSHA256: c.StoredSHA256, TextSHA256: c.TextSHA256,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// lines returns the text of all chunks of a table, line by line.
func (s *site) lines(m *catalog.Manifest, table string) []string {
	s.t.Helper()
	var lines []string
	for _, c := range baseOf(s.t, m, table).Chunks {
		r := s.openChunk(m, &c)
		text, err := io.ReadAll(r)
		if err != nil {
			s.t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			s.t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	return lines
}

func baseOf(t testing.TB, m *catalog.Manifest, table string) *catalog.NameBase {
	t.Helper()
	for i := range m.Names {
		if m.Names[i].Name.String() == table {
			return &m.Names[i]
		}
	}
	t.Fatalf("the manifest has no %s", table)
	return nil
}

// unfinished returns the id of the newest backup that has no manifest.
func (s *site) unfinished() string {
	s.t.Helper()
	ids, err := s.catalog.Unfinished(s.t.Context(), instanceName)
	if err != nil || len(ids) == 0 {
		s.t.Fatalf("unfinished backups %v, %v", ids, err)
	}
	return ids[len(ids)-1]
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
