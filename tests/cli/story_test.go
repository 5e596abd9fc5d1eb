package cli

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/program"
	"github.com/tripod-db/tripod/tests/truth"
)

const (
	instance   = "shop"
	shopSchema = "shop"
	oddSchema  = "od`d.na*me"
)

var schemas = []string{shopSchema, oddSchema}

// moment is a place in the story where nothing was being written, with what the source held.
type moment struct {
	time  time.Time // the source's clock, behind the last commit, to the microsecond
	gtids string    // gtid_executed
	last  string    // the GTID of the last transaction
	file  string
	pos   uint64
	truth *truth.Truth
}

// position renders the moment as --to-position takes it, without a timeline.
func (m moment) position() string { return fmt.Sprintf("%s:%d", m.file, m.pos) }

// at renders the moment's time to the microsecond.
func (m moment) at() string { return m.time.Format(microseconds) }

const microseconds = "2006-01-02T15:04:05.000000Z"

// story is a store whose source is gone: an archive that begins before the only backup, a
// backup, and changes behind it in several binlog files, each file in several segments.
type story struct {
	store    string // folder; copy it before damaging it
	timeline string // the source's server_uuid
	backup   string
	moments  map[string]moment
	commits  map[string]time.Time // commit time of each GTID
	began    time.Time            // the source's clock before the last archive run
}

// tell returns the story, made by the first test that asks for it.
func tell(t *testing.T) *story {
	t.Helper()
	tripod := newDesk(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.story == nil && shared.err == nil {
		source := sourceServer(t)
		teller := &teller{program: tripod.Program, server: source,
			story: &story{store: filepath.Join(shared.folder, "story"), moments: map[string]moment{}, commits: map[string]time.Time{}}}
		if err := teller.all(t.Context(), filepath.Join(shared.folder, "spool")); err != nil {
			shared.err = fmt.Errorf("prepare the store that the tests share: %w", err)
		}
		shared.story = teller.story
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.story
}

// sourceServer returns a source with the backup user.
func sourceServer(t *testing.T) *mysqltest.Server {
	t.Helper()
	s := mysqltest.Take(t, mysqltest.Options{GTID: true, Relaxed: true})
	if _, err := s.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// targetServer returns an empty target with a user who has rights on the story's schemas only.
func targetServer(t *testing.T) *mysqltest.Server {
	t.Helper()
	s := mysqltest.Target(t)
	if _, err := s.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	return s
}

// emptyTarget drops the story's schemas from a target.
func emptyTarget(t *testing.T, target *mysqltest.Server) {
	t.Helper()
	mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS shop", "DROP DATABASE IF EXISTS `od``d.na*me`")
}

// equals compares a target with a moment of the story.
func (m moment) equals(t *testing.T, target *mysqltest.Server, what string) {
	t.Helper()
	got, err := truth.Take(t.Context(), target.Root(), schemas...)
	if err != nil {
		t.Fatal(err)
	}
	if d := m.truth.Differences(got); len(d) > 0 {
		t.Errorf("%s: the target differs from the source:\n%s", what, strings.Join(d[:min(len(d), 12)], "\n"))
	}
}

type teller struct {
	*story
	program program.Program
	server  *mysqltest.Server
	args    []string
}

func (s *teller) exec(ctx context.Context, statements ...string) error {
	return s.server.Exec(ctx, statements...)
}

func (s *teller) archive(ctx context.Context) error {
	var any struct{}
	_, err := s.program.Must(ctx, &any, append([]string{"archive"}, append(s.args, "--until-idle")...)...)
	return err
}

// all tells the story from its beginning to its end.
func (s *teller) all(ctx context.Context, spool string) error {
	s.args = []string{"--source", s.server.URL(mysqltest.BackupUser), "--store", "file://" + s.store, "--instance", instance, "--spool", spool}
	for _, part := range []func(context.Context) error{s.opening, s.backUp, s.changes, s.second, s.ending} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// opening makes the tables, with an archive that begins before them.
func (s *teller) opening(ctx context.Context) error {
	if err := s.server.Root().QueryRowContext(ctx, "SELECT @@server_uuid").Scan(&s.timeline); err != nil {
		return err
	}
	if err := s.archive(ctx); err != nil {
		return err
	}
	if err := s.exec(ctx,
		"CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4", "CREATE DATABASE `od``d.na*me`",
		"USE shop",
		"CREATE TABLE customers (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, email VARCHAR(60) NOT NULL UNIQUE, profile JSON, joined DATETIME(6))",
		"CREATE TABLE orders (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, customer INT UNSIGNED, total DECIMAL(12,2), state ENUM('open','paid') DEFAULT 'open', KEY (customer))",
		"CREATE TABLE visits (at DATETIME(3), page VARCHAR(40), agent VARBINARY(20))",
		"CREATE TABLE doomed (id INT PRIMARY KEY, v VARCHAR(20))",
		"CREATE TABLE `od``d.na*me`.`we``ird,ta?ble` (`co``l` INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET latin1)",
		"CREATE TABLE `od``d.na*me`.`weXird.taXble` (id INT PRIMARY KEY)",
		"CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'open'",
		"CREATE FUNCTION vat(x DECIMAL(12,2)) RETURNS DECIMAL(12,2) DETERMINISTIC RETURN x * 0.19",
		"CREATE PROCEDURE pay(IN i BIGINT) UPDATE orders SET state = 'paid' WHERE id = i",
		"CREATE TRIGGER customers_bi BEFORE INSERT ON customers FOR EACH ROW SET NEW.joined = IFNULL(NEW.joined, NOW(6))",
		"CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO DELETE FROM visits",
		"INSERT INTO customers (email, profile) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT CONCAT('c', i, '@example.org'), JSON_OBJECT('n', i) FROM n",
		"INSERT INTO orders (customer, total) SELECT id, id * 1.5 FROM customers",
		"INSERT INTO visits SELECT '2026-01-01' + INTERVAL id SECOND, CONCAT('/p/', id), UNHEX(LEFT(SHA2(id, 256), 40)) FROM customers LIMIT 50",
		"INSERT INTO doomed VALUES (1, 'one'), (2, 'two')",
		"INSERT INTO `od``d.na*me`.`we``ird,ta?ble` VALUES (1, 'é'), (2, NULL)",
		"INSERT INTO `od``d.na*me`.`weXird.taXble` VALUES (7)",
	); err != nil {
		return err
	}
	return errors.Join(s.archive(ctx), s.note(ctx, "before the backup"))
}

func (s *teller) backUp(ctx context.Context) error {
	var result struct {
		ID string `json:"backup_id"`
	}
	if err := s.exec(ctx, "INSERT INTO shop.orders (customer, total) VALUES (1, 99.99)"); err != nil {
		return err
	}
	if _, err := s.program.Must(ctx, &result, append([]string{"backup"}, s.args...)...); err != nil {
		return err
	}
	s.backup = result.ID
	return s.note(ctx, "backup")
}

// changes are transactions and DDL behind the backup, in three binlog files.
func (s *teller) changes(ctx context.Context) error {
	for _, step := range []struct {
		name       string
		statements []string
	}{
		{"first", []string{"BEGIN", "INSERT INTO shop.orders (customer, total) VALUES (2, 10), (3, 20)", "UPDATE shop.customers SET email = 'new@example.org' WHERE id = 5", "COMMIT"}},
		{"second file", []string{"FLUSH BINARY LOGS", "DELETE FROM shop.orders WHERE id < 20", "INSERT INTO shop.visits VALUES (NOW(3), '/late', x'00ff')"}},
		{"altered", []string{"ALTER TABLE shop.orders ADD COLUMN note VARCHAR(20) DEFAULT 'n' AFTER id", "UPDATE shop.orders SET note = 'x' WHERE id = 40"}},
		{"passing", []string{"CREATE TABLE shop.passing (id INT PRIMARY KEY)", "INSERT INTO shop.passing VALUES (1)"}},
		{"dropped", []string{"DROP TABLE shop.passing", "DROP TABLE shop.doomed", "FLUSH BINARY LOGS"}},
		{"odd", []string{"UPDATE `od``d.na*me`.`we``ird,ta?ble` SET v = 'ü' WHERE `co``l` = 2"}},
	} {
		if err := errors.Join(s.exec(ctx, step.statements...), s.note(ctx, step.name), s.archive(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// second commits two transactions inside one second of the source's clock, of which nothing
// earlier was committed, and one after it.
func (s *teller) second(ctx context.Context) error {
	for try := range 20 {
		earlier, err := s.clock(ctx)
		if err != nil {
			return err
		}
		for now := earlier; now.Unix() == earlier.Unix() || now.Nanosecond() < 1e7 || now.Nanosecond() > 25e7; {
			if now, err = s.clock(ctx); err != nil {
				return err
			}
		}
		if err := s.exec(ctx, fmt.Sprintf("INSERT INTO shop.orders (customer, total) VALUES (%d, 0.01)", 1000+try)); err != nil {
			return err
		}
		if err := s.note(ctx, "in the second"); err != nil {
			return err
		}
		if err := s.exec(ctx, fmt.Sprintf("INSERT INTO shop.orders (customer, total) VALUES (%d, 0.02)", 1000+try)); err != nil {
			return err
		}
		if err := s.note(ctx, "end of the second"); err != nil {
			return err
		}
		first, last := s.moments["in the second"].time, s.moments["end of the second"].time
		for now := last; now.Unix() == last.Unix(); {
			var err error
			if now, err = s.clock(ctx); err != nil {
				return err
			}
		}
		if err := s.exec(ctx, "INSERT INTO shop.orders (customer, total) VALUES (2000, 0.03)"); err != nil {
			return err
		}
		if first.Unix() == last.Unix() {
			return s.note(ctx, "behind the second")
		}
	}
	return errors.New("two transactions never came into one second of the source")
}

func (s *teller) ending(ctx context.Context) error {
	if err := errors.Join(s.exec(ctx, "INSERT INTO shop.customers (email) VALUES ('last@example.org')"), s.note(ctx, "end")); err != nil {
		return err
	}
	var err error
	if s.began, err = s.clock(ctx); err != nil {
		return err
	}
	if err := s.archive(ctx); err != nil {
		return err
	}
	return s.readCommits(ctx)
}

func (s *teller) clock(ctx context.Context) (time.Time, error) {
	var text string
	if err := s.server.Root().QueryRowContext(ctx, "SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')").Scan(&text); err != nil {
		return time.Time{}, err
	}
	return time.Parse(microseconds, text)
}

// note takes a moment. Nothing writes meanwhile.
func (s *teller) note(ctx context.Context, name string) error {
	m, err := takeMoment(ctx, s.server.Root())
	if err != nil {
		return fmt.Errorf("note the moment %q: %w", name, err)
	}
	s.moments[name] = m
	return nil
}

func takeMoment(ctx context.Context, db *sql.DB) (m moment, err error) {
	var at, a, b, c string
	const clock = "SELECT DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ'), "
	err = db.QueryRowContext(ctx, clock+"REPLACE(@@GLOBAL.gtid_executed, '\n', '')").Scan(&at, &m.gtids)
	mariadb := mysqltest.IsError(err, 1193)
	if mariadb {
		err = db.QueryRowContext(ctx, clock+"@@GLOBAL.gtid_binlog_pos").Scan(&at, &m.gtids)
	}
	if err != nil {
		return m, err
	}
	if m.time, err = time.Parse(microseconds, at); err != nil {
		return m, err
	}
	if mariadb {
		if err = db.QueryRowContext(ctx, "SHOW MASTER STATUS").Scan(&m.file, &m.pos, &a, &b); err == nil {
			m.truth, err = truth.Take(ctx, db, schemas...)
		}
		return m, err
	}
	err = db.QueryRowContext(ctx, "SHOW BINARY LOG STATUS").Scan(&m.file, &m.pos, &a, &b, &c)
	if mysqltest.IsError(err, 1064) { // servers before 8.2
		err = db.QueryRowContext(ctx, "SHOW MASTER STATUS").Scan(&m.file, &m.pos, &a, &b, &c)
	}
	if err != nil {
		return m, err
	}
	m.last = lastOf(m.gtids)
	m.truth, err = truth.Take(ctx, db, schemas...)
	return m, err
}

// lastOf returns the last GTID of one server that was never restored into: of uuid:1-N.
func lastOf(gtids string) string {
	uuid, interval, _ := strings.Cut(gtids, ":")
	return uuid + ":" + interval[strings.LastIndexByte(interval, '-')+1:]
}
