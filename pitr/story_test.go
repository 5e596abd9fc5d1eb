package pitr

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/archive"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/fault"
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

const instance = "shop"

// story is one source, its archive and its backups, and a target whose account has rights on
// the target schemas only. Backups are made here by hand, from reads of which the test says
// where their windows lie: the dumper's own rules have their own tests.
type story struct {
	*testing.T
	source, dest *mysqltest.Server
	from         *server.Server
	into         *server.Server
	catalog      *catalog.Catalog
	spool        string
	clock        time.Time
}

// newStory takes a source and a target. The restore user may write the named schemas.
func newStory(t *testing.T, schemas ...string) *story {
	return newStoryWith(t, mysqltest.Options{GTID: true, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true}, schemas...)
}

func newStoryWith(t *testing.T, target mysqltest.Options, schemas ...string) *story {
	t.Helper()
	s := &story{T: t, source: mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true}), dest: mysqltest.Take(t, target),
		spool: t.TempDir(), clock: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	user, err := s.dest.CreateRestoreUser(t.Context(), schemas...)
	s.must(err)
	s.from, s.into = s.open(s.source, mysqltest.Root, server.Source), s.open(s.dest, user, server.Target)
	bucket, err := file.Open(t.TempDir(), file.Options{})
	s.must(err)
	t.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			t.Error(err)
		}
	})
	s.catalog = catalog.New(storage.Bucket(bucket))
	s.must(s.catalog.EnsureInstance(t.Context(), catalog.Instance{Name: instance}))
	return s
}

func (s *story) open(m *mysqltest.Server, u mysqltest.User, role server.Role) *server.Server {
	s.Helper()
	a, err := server.ParseURL(m.URL(u))
	s.must(err)
	a.Password = server.NewSecret(u.Password)
	srv, err := server.Open(s.Context(), a, role)
	s.must(err)
	s.Cleanup(func() {
		if err := srv.Close(); err != nil {
			s.Error(err)
		}
	})
	return srv
}

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// on runs statements on the source, on one connection.
func (s *story) on(statements ...string) {
	s.Helper()
	mysqltest.Exec(s.T, s.source, statements...)
}

// position is the end of the source's log now.
func (s *story) position() binlog.Position {
	s.Helper()
	conn, err := s.from.Conn(s.Context())
	s.must(err)
	defer conn.Close()
	var file, do, ignore, set string
	var pos uint64
	s.must(conn.QueryRowContext(s.Context(), s.from.Facts().BinlogStatus()).Scan(&file, &pos, &do, &ignore, &set))
	return binlog.Position{Timeline: binlog.Timeline(s.from.Facts().ServerUUID), File: file, Pos: pos}
}

// archive puts everything that the source has into the archive.
func (s *story) archive() {
	s.Helper()
	_, err := archive.Run(s.Context(), archive.Config{
		Server: s.from, Catalog: s.catalog, Instance: instance, SpoolDir: s.spool, UntilIdle: true, FromOldest: true,
	})
	s.must(err)
}

// backup is a manifest in the making.
type backup struct {
	*story
	catalog.Manifest
}

// begin begins a backup whose floor is here.
func (s *story) begin() *backup {
	s.Helper()
	s.clock = s.clock.Add(time.Hour)
	b := &backup{story: s, Manifest: catalog.Manifest{
		Version: catalog.ManifestVersion, ID: catalog.NewBackupID(s.clock), Instance: instance, Compression: "zstd",
		Source: catalog.SourceFacts{ServerUUID: s.from.Facts().ServerUUID, Version: s.from.Facts().Version, Flavor: "mysql", GTIDMode: true},
	}}
	b.Floor.Position = s.position()
	return b
}

// schema reads a schema with a window of nothing.
func (b *backup) schema(name string) {
	b.Helper()
	base := catalog.SchemaBase{Name: name, Exists: true, Window: b.here()}
	row := b.row("SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='" + name + "'")
	base.Charset, base.Collation = row[0], row[1]
	b.Schemas = append(b.Schemas, base)
}

func (b *backup) here() binlog.Window {
	p := b.position()
	return binlog.Window{Low: p, High: p}
}

// row returns the only row of a query on the source.
func (s *story) row(query string) []string {
	s.Helper()
	rows := s.query(s.source.Root(), query)
	if len(rows) != 1 {
		s.Fatalf("%s: %d rows", query, len(rows))
	}
	return rows[0]
}

func (s *story) query(db *sql.DB, query string) [][]string {
	s.Helper()
	rows, err := db.QueryContext(s.Context(), query)
	s.must(err)
	defer rows.Close()
	columns, err := rows.Columns()
	s.must(err)
	var list [][]string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		s.must(rows.Scan(into...))
		row := make([]string, len(columns))
		for i, v := range values {
			if row[i] = v.String; !v.Valid {
				row[i] = "NULL"
			}
		}
		list = append(list, row)
	}
	s.must(rows.Err())
	return list
}

// table reads a table: definition and rows. The windows are (here, here]; the test may widen
// them. between runs, when given, between the chunks below and from key at on.
func (b *backup) table(name string, at string, between ...string) *catalog.NameBase {
	b.Helper()
	schemaName, tableName, _ := strings.Cut(name, ".")
	return b.tableOf(schema.Name{Schema: schemaName, Name: tableName}, at, between...)
}

// tableOf is table for any name.
func (b *backup) tableOf(n schema.Name, at string, between ...string) *catalog.NameBase {
	b.Helper()
	window := b.here()
	show := b.row("SHOW CREATE TABLE " + n.Quoted())[1]
	def, err := ddl.ParseCreateTable(show, n.Schema)
	b.must(err)
	base := catalog.NameBase{
		Name: n, Base: catalog.BaseRead, Class: string(def.Class()), Statements: window, Definition: window, Rows: window,
		Load: chunk.LoadStatement(def).String(), SchemaKey: catalog.SchemaKey("table", n),
	}
	b.must(b.catalog.PutSchemaObject(b.Context(), instance, b.ID, base.SchemaKey, []byte(show)))
	parts := []string{""}
	if at != "" {
		parts = []string{" WHERE " + at, " WHERE NOT " + at}
	}
	for i, where := range parts {
		if i > 0 {
			b.on(between...)
		}
		base.Chunks = append(base.Chunks, b.chunk(&base, def, uint64(i), where))
	}
	b.Names = append(b.Names, base)
	return &b.Names[len(b.Names)-1]
}

func (b *backup) chunk(base *catalog.NameBase, def *schema.Table, n uint64, where string) catalog.Chunk {
	b.Helper()
	raw, err := b.from.RawConn(b.Context())
	b.must(err)
	defer func() { b.must(raw.Close()) }()
	writer, err := chunk.NewWriter(chunk.NewTranscoder(def), "zstd")
	b.must(err)
	defer func() { b.must(writer.Close()) }()
	expressions, _ := chunk.Select(def)
	_, err = raw.Query(b.Context(), "SELECT "+strings.Join(expressions, ",")+" FROM "+def.Name.Quoted()+where, func(packet []byte) error {
		_, err := writer.Row(packet)
		return err
	})
	b.must(err)
	key := catalog.ChunkKey(base.Name, n, "zstd")
	sum, err := writer.Put(b.Context(), b.catalog.Bucket(), catalog.BackupKey(instance, b.ID, key))
	b.must(err)
	base.RowCount += sum.Rows
	base.Bytes += sum.Bytes
	return catalog.Chunk{Key: key, Rows: sum.Rows, Bytes: sum.Bytes, BytesStored: sum.BytesStored, StoredSHA256: sum.StoredSHA256, TextSHA256: sum.TextSHA256, ZeroEnum: sum.ZeroEnum}
}

// object reads a view, routine, trigger or event.
func (b *backup) object(kind catalog.ObjectKind, name, table string) *catalog.Object {
	b.Helper()
	schemaName, objectName, _ := strings.Cut(name, ".")
	o := catalog.Object{Name: schema.Name{Schema: schemaName, Name: objectName}, Kind: kind, Table: table, Window: b.here()}
	row := b.row("SHOW CREATE " + strings.ToUpper(string(kind)) + " " + o.Quoted())
	switch kind {
	case catalog.KindView:
		o.Create, o.CharacterSetClient, o.CollationConnection = row[1], row[2], row[3]
	case catalog.KindEvent:
		o.SQLMode, o.TimeZone, o.Create, o.CharacterSetClient, o.CollationConnection, o.DatabaseCollation = row[1], row[2], row[3], row[4], row[5], row[6]
	default:
		o.SQLMode, o.Create, o.CharacterSetClient, o.CollationConnection, o.DatabaseCollation = row[1], row[2], row[3], row[4], row[5]
	}
	b.Objects = append(b.Objects, o)
	return &b.Objects[len(b.Objects)-1]
}

// end writes the manifest: recoverable from the greatest high.
func (b *backup) end() string {
	b.Helper()
	last := b.Floor.Position
	for _, n := range b.Names {
		for _, p := range []binlog.Position{n.Rows.High, n.Statements.High, n.Definition.High, n.AtEnd} {
			last = binlog.Later(last, p)
		}
	}
	for _, o := range b.Objects {
		last = binlog.Later(last, o.Window.High)
	}
	b.RecoverableFrom.Position, b.End.Position = last, last
	b.must(b.catalog.PutManifest(b.Context(), &b.Manifest))
	return b.ID
}

// restore plans and runs.
func (s *story) restore(w Wish) (*Plan, *Result, error) {
	s.Helper()
	return s.restoreWith(0, w)
}

// restoreWith is restore with so many bytes of memory, the default for 0.
func (s *story) restoreWith(memory int64, w Wish) (*Plan, *Result, error) {
	s.Helper()
	s.archive()
	w.Instance = instance
	c := Config{Catalog: s.catalog, Target: s.into, Program: "test", Memory: memory}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	plan, err := MakePlan(ctx, c, w)
	if err != nil {
		return nil, nil, err
	}
	result, err := Run(ctx, c, plan)
	return plan, result, err
}

// contents is what a server holds in some schemas: definitions and rows, byte by byte.
func (s *story) contents(m *mysqltest.Server, schemas ...string) []string {
	s.Helper()
	// The default schema decides whether SHOW CREATE VIEW qualifies names.
	db := m.Connect(mysqltest.Root, "mysql")
	defer func() { s.must(db.Close()) }()
	var list []string
	for _, name := range schemas {
		for _, d := range s.query(db, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='"+name+"'") {
			list = append(list, "schema "+name+" "+strings.Join(d, " "))
		}
		for _, row := range s.query(db, "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA='"+name+"' ORDER BY 1") {
			n := schema.Name{Schema: name, Name: row[0]}
			if row[1] == "VIEW" {
				list = append(list, "view "+n.String()+" "+s.show(db, "VIEW", n, 1, 2, 3))
				continue
			}
			list = append(list, "table "+n.String()+" "+s.show(db, "TABLE", n, 1))
			list = append(list, s.tableRows(db, n)...)
		}
		for _, row := range s.query(db, "SELECT ROUTINE_NAME, ROUTINE_TYPE FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='"+name+"' ORDER BY 2, 1") {
			list = append(list, row[1]+" "+row[0]+" "+s.show(db, row[1], schema.Name{Schema: name, Name: row[0]}, 1, 2, 3, 4, 5))
		}
		for _, row := range s.query(db, "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_ORDER FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='"+name+"' ORDER BY 1") {
			list = append(list, "trigger "+row[0]+" on "+row[1]+" "+row[2]+" "+s.show(db, "TRIGGER", schema.Name{Schema: name, Name: row[0]}, 1, 2, 3, 4, 5))
		}
		for _, row := range s.query(db, "SELECT EVENT_NAME, STATUS, IFNULL(STARTS,''), IFNULL(ENDS,'') FROM information_schema.EVENTS WHERE EVENT_SCHEMA='"+name+"' ORDER BY 1") {
			list = append(list, "event "+strings.Join(row, " ")+" "+s.show(db, "EVENT", schema.Name{Schema: name, Name: row[0]}, 1, 2, 3, 4, 5, 6))
		}
	}
	return list
}

// show returns columns of SHOW CREATE, without what a restore may not keep: definers.
func (s *story) show(db *sql.DB, kind string, n schema.Name, columns ...int) string {
	s.Helper()
	row := s.query(db, "SHOW CREATE "+kind+" "+n.Quoted())[0]
	var list []string
	for _, c := range columns {
		text := row[c]
		if i := strings.Index(text, "DEFINER="); i >= 0 {
			end := i + strings.IndexByte(text[i:], ' ')
			text = text[:i] + text[end+1:]
		}
		list = append(list, text)
	}
	return strings.Join(list, " | ")
}

func (s *story) tableRows(db *sql.DB, n schema.Name) []string {
	s.Helper()
	var columns []string
	for _, c := range s.query(db, "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='"+n.Schema+"' AND TABLE_NAME='"+n.Name+"' ORDER BY ORDINAL_POSITION") {
		switch c[1] {
		case "float":
			columns = append(columns, schema.Quote(c[0])+"*1e0")
		case "enum", "set":
			columns = append(columns, "CAST("+schema.Quote(c[0])+" AS UNSIGNED)")
		default:
			columns = append(columns, "HEX(CAST("+schema.Quote(c[0])+" AS BINARY))")
		}
	}
	var list []string
	for _, row := range s.query(db, "SELECT "+strings.Join(columns, ",")+" FROM "+n.Quoted()) {
		list = append(list, n.String()+": "+strings.Join(row, "|"))
	}
	slices.Sort(list)
	return list
}

// same compares the target with the source as it is now.
func (s *story) same(schemas ...string) {
	s.Helper()
	s.equal(s.contents(s.source, schemas...), schemas...)
}

// equal compares the target with what the source once held.
func (s *story) equal(want []string, schemas ...string) {
	s.Helper()
	got := s.contents(s.dest, schemas...)
	for _, w := range want {
		if !slices.Contains(got, w) {
			s.Errorf("missing on the target: %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			s.Errorf("only on the target: %s", g)
		}
	}
	if len(got) != len(want) {
		s.Errorf("%d things on the target, %d on the source", len(got), len(want))
	}
}

// wantFault checks code, kind and a part of message or hint.
func (s *story) wantFault(err error, code int, kind fault.Kind, part string) {
	s.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		s.Fatalf("no fault: %v", err)
	}
	f = fault.Of(err)
	if f.Code != code || f.Kind != kind || !strings.Contains(f.Error()+" "+f.Hint, part) {
		s.Errorf("fault %d %s: %s (hint: %s); want %d %s with %q", f.Code, f.Kind, f.Error(), f.Hint, code, kind, part)
	}
	if f.Hint == "" {
		s.Errorf("no hint: %v", err)
	}
}

func stopAt(p binlog.Position) binlog.StopPoint {
	return binlog.StopPoint{Kind: binlog.StopPosition, Position: p}
}
