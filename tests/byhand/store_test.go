package byhand

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/storage/catalog"
	"github.com/tripod-db/tripod/storage/file"
	"github.com/tripod-db/tripod/tests/program"
	"github.com/tripod-db/tripod/tests/truth"
)

const (
	instance = "shop"
	noise    = "noise" // its only table is written to all the time while a backup runs
	dumper   = "github.com/tripod-db/tripod/dumper"
)

// restored are the schemas of which every table is exact.
var restored = []string{"shop", "od`d.na*me"}

// store is what the tests restore from.
type store struct {
	folder  string
	altered string // a backup with an ALTER TABLE in its time
	zstd    string // one with writers beside it, archive behind it
	gzip    string // a later one in gzip, of a quiet source
	closed  []string
	truth   *truth.Truth
}

var setUp = []string{
	"CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4", "CREATE DATABASE `od``d.na*me` DEFAULT CHARACTER SET latin1", "CREATE DATABASE noise",
	"CREATE TABLE noise.busy (id INT PRIMARY KEY, n INT)", "INSERT INTO noise.busy VALUES (1, 0)",
	"USE shop",
	"CREATE TABLE accounts (id INT PRIMARY KEY, v VARCHAR(20))",
	"INSERT INTO accounts VALUES (1, 'one'), (2, 'two')",
	`CREATE TABLE kinds (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, e ENUM('2','1','ü') NOT NULL, s SET('a','3','c'), j JSON,
		b VARBINARY(40), bits BIT(9), g POINT, d DOUBLE, f FLOAT, n DECIMAL(20,6), t TIMESTAMP(6) NULL, y DATE, x TEXT CHARACTER SET utf16,
		size INT AS (LENGTH(b)) STORED, KEY (size))`,
	"SET sql_mode='ALLOW_INVALID_DATES'",
	"INSERT INTO kinds (e, s, j, b, bits, g, d, f, n, t, y, x) VALUES " +
		`('2', 'a,c', '{"a": [1, "ü\\n", null]}', x'00ff0a090d5c27', b'101010101', ST_GeomFromText('POINT(1 2)'), 1e300, 0.1, -1.000001, '2026-01-01 00:00:00.000001', '2026-02-31', 'ü\t\n\\'),` +
		`('1', '', '"text"', '', b'0', NULL, -0.0, 16777216, 0, NULL, '0000-00-00', ''), ('ü', '3', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),` +
		`('no label', NULL, '[]', x'5c4e', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
	"SET sql_mode=DEFAULT",
	"CREATE TABLE orders (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, account INT, total DECIMAL(12,2), FOREIGN KEY (account) REFERENCES accounts (id))",
	"INSERT INTO orders (account, total) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT 1 + i % 2, i FROM n",
	"CREATE TABLE visits (at DATETIME(3), page VARCHAR(40))",
	"INSERT INTO visits SELECT '2026-01-01' + INTERVAL id SECOND, CONCAT('/p/', id) FROM orders LIMIT 50",
	"CREATE TABLE `od``d.na*me`.`we``ird,ta?b\\le` (`co``l` INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1)",
	"INSERT INTO `od``d.na*me`.`we``ird,ta?b\\le` VALUES (1, 'é'), (2, NULL)",
	"CREATE TABLE `od``d.na*me`.empty (id INT PRIMARY KEY)",
	"CREATE VIEW z_view AS SELECT id, total FROM orders WHERE total > 10",
	"CREATE VIEW a_view AS SELECT id, 'ü' AS u FROM z_view", // built on one that comes later
	"CREATE FUNCTION vat(x DECIMAL(12,2)) RETURNS DECIMAL(12,2) DETERMINISTIC\nBEGIN\n  -- a comment; with 'ü'\n  RETURN x * 0.19;\r\nEND",
	"CREATE DEFINER=shopkeeper@`%` PROCEDURE pay(IN i BIGINT) UPDATE orders SET total = total + vat(1) WHERE id = i",
	"CREATE TRIGGER first BEFORE INSERT ON orders FOR EACH ROW SET NEW.total = NEW.total + 1",
	"CREATE TRIGGER before_first BEFORE INSERT ON orders FOR EACH ROW PRECEDES first SET NEW.total = NEW.total * 2",
	"SET sql_mode='ANSI_QUOTES,PIPES_AS_CONCAT', time_zone='+05:00'",
	`CREATE TRIGGER "visits_bi" BEFORE INSERT ON "visits" FOR EACH ROW SET NEW."page" = NEW."page" || '!'`,
	"CREATE EVENT tidy ON SCHEDULE EVERY 1 SECOND STARTS '2020-01-01 00:00:00' ON COMPLETION PRESERVE DO DELETE FROM orders",
	"ALTER EVENT tidy DISABLE",
	"SET NAMES latin1, sql_mode=DEFAULT, time_zone=DEFAULT",
	"CREATE PROCEDURE `od``d.na*me`.latin() SELECT '\xe9'",
	"SET NAMES utf8mb4",
}

// later is what only the archive holds.
var later = [][]string{
	{"INSERT INTO shop.orders (account, total) VALUES (1, 10), (2, 20)", "UPDATE shop.orders SET id = 1001 WHERE id = 5", "FLUSH BINARY LOGS"},
	{"DELETE FROM shop.orders WHERE id < 20", "INSERT INTO shop.visits VALUES ('2026-01-02', '/late')", "UPDATE shop.kinds SET e = '1', b = x'0a00' WHERE id = 1"},
	{"ALTER TABLE shop.orders ADD COLUMN note VARCHAR(20) DEFAULT 'n' AFTER id", "UPDATE shop.orders SET note = 'x' WHERE id = 40"},
	{"CREATE TABLE shop.fresh (id INT PRIMARY KEY)", "INSERT INTO shop.fresh VALUES (1)", "CREATE TRIGGER shop.late AFTER INSERT ON shop.visits FOR EACH ROW DELETE FROM shop.fresh", "FLUSH BINARY LOGS"},
	{"SET SESSION binlog_transaction_compression = ON", "INSERT INTO shop.visits VALUES ('2026-01-03', '/compressed')", "UPDATE noise.busy SET n = -1 WHERE id = 1", "SET SESSION binlog_transaction_compression = OFF"},
	{"UPDATE shop.orders, shop.accounts SET orders.total = 7, accounts.v = 'two tables' WHERE orders.id = 60 AND accounts.id = 2"},
}

func makeStore(t *testing.T) *store {
	t.Helper()
	folder := t.TempDir()
	binary, err := program.Build(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	source := mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, setUp...)
	m := &maker{t: t, source: source, store: &store{folder: filepath.Join(folder, "store")}}
	m.program = program.Program{Binary: binary, Env: append(os.Environ(), "TRIPOD_SOURCE_PASSWORD="+mysqltest.BackupUser.Password)}
	m.args = []string{"--source", source.URL(mysqltest.BackupUser), "--store", "file://" + m.store.folder, "--instance", instance, "--spool", filepath.Join(folder, "spool")}
	m.archive()
	m.store.altered = m.alteredBackup()
	m.store.zstd = m.busyBackup()
	for _, statements := range later[:3] {
		mysqltest.Exec(t, source, statements...)
		m.archive()
	}
	m.store.gzip = m.backup("--compress", "gzip")
	for _, statements := range later[3:] {
		mysqltest.Exec(t, source, statements...)
		m.archive()
	}
	if m.store.truth, err = truth.Take(t.Context(), source.Root(), restored...); err != nil {
		t.Fatal(err)
	}
	m.keepFiles(filepath.Join(folder, "files"))
	return m.store
}

// maker makes the store.
type maker struct {
	t       *testing.T
	source  *mysqltest.Server
	program program.Program
	args    []string
	store   *store
}

func (m *maker) run(result any, command string, more ...string) {
	m.t.Helper()
	if _, err := m.program.Must(m.t.Context(), result, append(append([]string{command}, m.args...), more...)...); err != nil {
		m.t.Fatal(err)
	}
}

func (m *maker) archive() {
	m.t.Helper()
	var any struct{}
	m.run(&any, "archive", "--until-idle")
}

func (m *maker) backup(more ...string) string {
	m.t.Helper()
	var result struct {
		ID string `json:"backup_id"`
	}
	m.run(&result, "backup", more...)
	return result.ID
}

// backupBeside makes a backup that lasts a second or two while beside runs, until it is over.
// started tells whether the second chunk of shop.orders is in the store.
func (m *maker) backupBeside(beside func(ctx context.Context, started func() bool) error) string {
	m.t.Helper()
	fast := m.program
	m.program = fast.With(fmt.Sprintf("GO_FAILPOINTS=%[1]s/chunkRows=return(50);%[1]s/betweenChunks=sleep(60)", dumper))
	defer func() { m.program = fast }()
	pattern := filepath.Join(m.store.folder, instance, "backups", "*", "data", "shop", "orders", "00000002.tsv.zst")
	chunks := func() int {
		found, err := filepath.Glob(pattern)
		if err != nil {
			panic(err) // the pattern is malformed
		}
		return len(found)
	}
	before := chunks()
	ctx, stop := context.WithCancel(m.t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- beside(ctx, func() bool { return chunks() > before }) }()
	id := m.backup("--threads", "1", "--fresh")
	stop()
	if err := <-ended; err != nil {
		m.t.Fatal(err)
	}
	m.archive()
	return id
}

// alteredBackup is one in whose time a table is altered.
func (m *maker) alteredBackup() string {
	m.t.Helper()
	return m.backupBeside(func(ctx context.Context, started func() bool) error {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for !started() {
			select {
			case <-ctx.Done():
				return errors.New("the backup was over before a table could be altered")
			case <-tick.C:
			}
		}
		return m.source.Exec(ctx, "ALTER TABLE noise.busy ADD COLUMN more INT")
	})
}

// busyBackup backs up while noise.busy is written to all the time, and shop.accounts once, when
// it has been read and the backup is not over.
func (m *maker) busyBackup() string {
	m.t.Helper()
	for range 5 {
		if id := m.backupBeside(m.write); m.wroteBehindWindow(id) {
			return id
		}
	}
	m.t.Fatal("in five backups shop.accounts was never changed between its window and the backup's end")
	return ""
}

// write changes noise.busy until the context ends, and shop.accounts once a later table is read.
func (m *maker) write(ctx context.Context, started func() bool) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	written := false
	for n := 1; ; n++ {
		statements := []string{fmt.Sprintf("UPDATE noise.busy SET n = %d WHERE id = 1", n)}
		if !written && started() {
			statements = append(statements, "INSERT INTO shop.accounts SELECT MAX(id) + 1, 'between' FROM shop.accounts")
			written = true
		}
		if err := m.source.Exec(ctx, statements...); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// wroteBehindWindow tells whether the last event of shop.accounts lies behind what was read of
// it, and in front of the backup's end.
func (m *maker) wroteBehindWindow(id string) bool {
	m.t.Helper()
	bucket, err := file.Open(m.store.folder, file.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() {
		if err := bucket.Close(); err != nil {
			m.t.Error(err)
		}
	}()
	manifest, err := catalog.New(bucket).Manifest(m.t.Context(), instance, id)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, n := range manifest.Names {
		if n.Schema == "shop" && n.Name.Name == "accounts" {
			return n.Rows.High.Before(manifest.End.Position) && m.changedBetween(n.Rows.High, manifest.End.Position)
		}
	}
	return false
}

// changedBetween asks the source's own log for an event of shop.accounts between two positions.
func (m *maker) changedBetween(from, to binlog.Position) bool {
	m.t.Helper()
	if from.File != to.File {
		return false
	}
	rows, err := m.source.Root().QueryContext(m.t.Context(), fmt.Sprintf("SHOW BINLOG EVENTS IN '%s' FROM %d", from.File, from.Pos))
	if err != nil {
		m.t.Fatal(err)
	}
	defer rows.Close()
	found := false
	for rows.Next() {
		var name, kind, info string
		var pos, id, end uint64
		if err := rows.Scan(&name, &pos, &kind, &id, &end, &info); err != nil {
			m.t.Fatal(err)
		}
		found = found || kind == "Table_map" && end <= to.Pos && strings.HasSuffix(info, "(shop.accounts)")
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	return found
}

// keepFiles copies the source's closed binlog files: the server is gone when they are compared.
func (m *maker) keepFiles(folder string) {
	m.t.Helper()
	files, err := m.source.BinlogFiles()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		m.t.Fatal(err)
	}
	for _, path := range files[:len(files)-1] {
		text, err := os.ReadFile(path)
		if err != nil {
			m.t.Fatal(err)
		}
		kept := filepath.Join(folder, filepath.Base(path))
		if err := os.WriteFile(kept, text, 0o600); err != nil {
			m.t.Fatal(err)
		}
		m.store.closed = append(m.store.closed, kept)
	}
}
