package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// oldShop is what a MySQL 5.6 holds that later servers write otherwise or have no more: unsigned
// numbers that its log shows as signed ones, utf8, display widths, TIMESTAMPs that are what they are
// only because nobody spelled it, zero dates, removed sql_modes.
var oldShop = []string{
	"CREATE DATABASE shop DEFAULT CHARACTER SET utf8", "USE shop",
	"SET SESSION sql_mode='NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00'",
	`CREATE TABLE shop.live (id INT(10) UNSIGNED NOT NULL AUTO_INCREMENT, n BIGINT(20) UNSIGNED ZEROFILL DEFAULT NULL, v VARCHAR(30) NOT NULL DEFAULT '',
		u VARCHAR(10) CHARACTER SET utf8mb4 DEFAULT NULL, d DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00', ts TIMESTAMP, PRIMARY KEY (id), KEY v (v))`,
	"CREATE TABLE shop.keyless (a TINYINT UNSIGNED, b VARCHAR(20) COLLATE utf8_bin)",
	"CREATE TABLE shop.parent (id INT PRIMARY KEY)", "CREATE TABLE shop.child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))",
	"CREATE TABLE shop.parts (id INT, t TEXT CHARACTER SET latin1) ROW_FORMAT=COMPACT PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (100), PARTITION b VALUES LESS THAN MAXVALUE)",
	"CREATE TABLE shop.four (a VARCHAR(5), UNIQUE KEY (a), id INT PRIMARY KEY) DEFAULT CHARSET=utf8mb4",
	`CREATE TABLE shop.typed (id SMALLINT UNSIGNED PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED, mi MEDIUMINT, mu MEDIUMINT UNSIGNED, iu INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED,
		de DECIMAL(65,30), du DECIMAL(10,2) UNSIGNED, fl FLOAT, db DOUBLE UNSIGNED, bt BIT(64), y YEAR(4), da DATE, tm TIME(6), t0 TIME, dt DATETIME(3), ts TIMESTAMP(6) NULL,
		ch CHAR(10) CHARACTER SET latin1, vc VARCHAR(40) CHARACTER SET utf8mb4, u16 VARCHAR(10) CHARACTER SET utf16, gb TEXT CHARACTER SET gbk, bn BINARY(6), bl LONGBLOB,
		en ENUM('b','2','1','ä'), se SET('x','2','1'), ge GEOMETRY)`,
	`INSERT INTO shop.typed VALUES (65535, -128, 255, -8388608, 16777215, 4294967295, -9223372036854775808, 18446744073709551615, -1234567890123.000000000000000000000000000001, 1.25,
		1.6777216e7, 1e300, 18446744073709551615, 2155, '2026-02-28', '-838:59:59.000000', '838:59:59', '9999-12-31 23:59:59.999', '2026-10-25 01:30:00.123456',
		x'e9', 'é', x'0061', x'd6d0', 'a', REPEAT(x'00ff', 500), 4, 5, GeomFromText('POINT(1 2)')), (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
		'0000-00-00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL)`,
	"INSERT INTO shop.parts VALUES (1, x'e9'), (200, 'b')", "INSERT INTO shop.four VALUES ('a ', 1), (NULL, 2)",
	"INSERT INTO shop.parent VALUES (1), (2)", "INSERT INTO shop.child VALUES (1, 1), (2, NULL)",
	"INSERT INTO shop.keyless VALUES (255, 'a'), (255, 'a'), (NULL, NULL)",
	"INSERT INTO shop.live (id, n, v) VALUES (4294967290, 18446744073709551615, 'greatest')",
	"CREATE VIEW shop.latest AS SELECT id, n, v FROM shop.live WHERE id > 10",
	"CREATE PROCEDURE shop.p(IN x VARCHAR(10)) SELECT x", "CREATE FUNCTION shop.f(a INT) RETURNS VARCHAR(5) DETERMINISTIC RETURN 'x'",
	"CREATE TRIGGER shop.g BEFORE INSERT ON shop.four FOR EACH ROW SET NEW.a = CONCAT(NEW.a, 'x')",
	"CREATE EVENT shop.e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1",
}

// whileBackedUp writes to the shop until stop: rows of every kind of transaction that 5.6 logs.
func whileBackedUp(t *testing.T, source *mysqltest.Server, seed uint64, stop *atomic.Bool) {
	random := rand.New(rand.NewPCG(seed, 0))
	db := source.Connect(mysqltest.Root, "shop")
	defer db.Close()
	ctx := context.WithoutCancel(t.Context())
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	pace := time.NewTicker(3 * time.Millisecond) // a table without a key has to meet a moment without writes
	defer pace.Stop()
	for n := 0; !stop.Load(); n++ {
		<-pace.C
		id := random.IntN(60)
		var statement string
		switch random.IntN(8) {
		case 0, 1:
			statement = fmt.Sprintf("REPLACE INTO live (id, n, v, u) VALUES (%d, %d, 'v%d', '😀')", id+1, ^uint64(0)-random.Uint64N(9), n)
		case 2:
			statement = fmt.Sprintf("UPDATE live SET n = n - 1, v = CONCAT(LEFT(v, 9), 'u') WHERE id < %d", id)
		case 3:
			statement = fmt.Sprintf("DELETE FROM live WHERE id = %d", id)
		case 4:
			statement = fmt.Sprintf("XA START 'x%d.%d'; UPDATE parts SET t = 'xa%d'; XA END 'x%d.%d'; XA PREPARE 'x%d.%d'; XA COMMIT 'x%d.%d'", seed, n, n, seed, n, seed, n, seed, n)
		case 5:
			statement = fmt.Sprintf("START TRANSACTION; UPDATE typed SET bu = bu - 1, mu = mu - 1, tu = (tu + 255) MOD 256 WHERE id = 65535; SAVEPOINT s; DELETE FROM child; ROLLBACK TO s; REPLACE INTO four VALUES ('%d', %d); COMMIT", id, id+10)
		case 6:
			statement = fmt.Sprintf("CREATE TEMPORARY TABLE four%d_%d (a INT); DROP TEMPORARY TABLE four%d_%d; INSERT INTO parts VALUES (%d, 'n')", seed, n, seed, n, id)
		case 7:
			statement = "SET SESSION binlog_row_image = " + []string{"MINIMAL", "NOBLOB", "FULL"}[random.IntN(3)]
		}
		if _, err := conn.ExecContext(ctx, statement); err != nil && !mysqltest.IsError(err, 1213) && !mysqltest.IsError(err, 1205) {
			t.Errorf("%s: %v", statement, err)
			return
		}
	}
}

// behindTheBackup are statements that only the archive holds.
var behindTheBackup = [][]string{
	{
		"FLUSH BINARY LOGS", "ALTER TABLE shop.live ADD w INT UNSIGNED NOT NULL DEFAULT '7' AFTER n, ADD t2 TIMESTAMP",
		"UPDATE shop.live SET w = 4294967295 WHERE id < 30", "SET SESSION binlog_row_image = MINIMAL", "INSERT INTO shop.typed (id, vc) VALUES (9, 'é')", "UPDATE shop.typed SET bu = 1 WHERE id = 0",
		"INSERT INTO shop.live (u) VALUES ('x')", "SET SESSION binlog_row_image = FULL", "CREATE TABLE shop.copied SELECT id, n, ts FROM shop.live",
		"CREATE TABLE shop.implicit (id INT UNSIGNED PRIMARY KEY, a TIMESTAMP, b TIMESTAMP, e VARCHAR(3)) CHARSET utf8mb4", "INSERT INTO shop.implicit VALUES (4000000000, '2026-01-01', 0, 'é')",
		// What 5.6 reads over, and later servers do not.
		"CREATE TABLE shop.forgotten (id INT NOT NULL CHECK (id > 0), a INT, p INT REFERENCES parent (id), PRIMARY KEY (id DESC), KEY k (a DESC, p), CONSTRAINT c CHECK (a > 5))",
		"INSERT INTO shop.forgotten VALUES (-1, 1, 77)", "ALTER TABLE shop.forgotten ADD CHECK (a < 0), ADD q INT REFERENCES parent (id), ADD KEY k2 (a DESC)",
		"CREATE INDEX k3 ON shop.forgotten (p DESC)", "INSERT INTO shop.forgotten VALUES (-2, 2, 78, 79)",
	},
	{
		"DELETE FROM shop.keyless WHERE a = 255 LIMIT 1", "UPDATE shop.keyless SET a = 254 WHERE a IS NULL", "CREATE TABLE shop.like_live LIKE shop.live",
		"RENAME TABLE shop.live TO shop.old, shop.like_live TO shop.live", "INSERT INTO shop.live (v) VALUES ('first')", "ALTER TABLE shop.parts DROP PARTITION a",
		"DROP VIEW shop.latest", "CREATE VIEW shop.latest AS SELECT id, w FROM shop.old", "ALTER EVENT shop.e COMMENT 'changed'", "DROP TABLE shop.child",
		"ALTER DATABASE shop CHARACTER SET latin1", "CREATE TABLE shop.late (a VARCHAR(5) PRIMARY KEY)", "INSERT INTO shop.late VALUES (x'e9')",
	},
}

// TestMySQL56IsBackedUpWhileItIsWrittenTo: a 5.6 under load, with GTIDs and without, restored into
// 9.7, MariaDB and another 5.6 to several stop points: rows equal byte by byte, definitions as the target prints them.
func TestMySQL56IsBackedUpWhileItIsWrittenTo(t *testing.T) {
	t.Run("gtid=false", func(t *testing.T) { backUpOldShop(t, false, mysqltest.MySQL97, mysqltest.MySQL56) })
	t.Run("gtid=true", func(t *testing.T) { backUpOldShop(t, true, mysqltest.MySQL56, mysqltest.MariaDB1011) })
}

func backUpOldShop(t *testing.T, gtid bool, targets ...mysqltest.Kind) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MySQL56, GTID: gtid, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, slices.Concat([]string{"SET GLOBAL max_binlog_size=65536"}, oldShop)...)
	d := newDesk(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var stop atomic.Bool
	var writers sync.WaitGroup
	for n := range uint64(3) {
		writers.Go(func() { whileBackedUp(t, source, seed+n, &stop) })
	}
	o := d.run(d.source("backup", source, "--snapshot-tries", "200", "--log-level", "debug")...)
	stop.Store(true)
	writers.Wait()
	if o.Code != 0 {
		t.Fatal(o)
	}
	moments, collations := []moment{takeHere(t, source)}, []string{collationsOf(t, source)}
	for _, statements := range behindTheBackup {
		nextSecond(t, source)
		if gtid { // refused there: CREATE TABLE .. SELECT
			statements = slices.DeleteFunc(slices.Clone(statements), func(s string) bool { return strings.Contains(s, " SELECT id, n, ts") })
		}
		mysqltest.Exec(t, source, slices.Concat([]string{"SET SESSION sql_mode='NO_AUTO_CREATE_USER', time_zone='+00:00'", "USE shop"}, statements)...)
		moments, collations = append(moments, takeHere(t, source)), append(collations, collationsOf(t, source))
	}
	d.works(d.source("archive", source, "--until-idle")...)
	for _, kind := range targets {
		t.Run("into "+kind.String(), func(t *testing.T) {
			target := mysqltest.Take(t, mysqltest.Options{Kind: kind, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
			if _, err := target.CreateRestoreUser(t.Context(), "shop"); err != nil {
				t.Fatal(err)
			}
			for i, m := range moments {
				mysqltest.Exec(t, target, "DROP DATABASE IF EXISTS shop")
				desk := *d
				desk.t = t
				// Commit times are whole seconds there.
				stop := [][]string{{"--to-time", m.time.Truncate(time.Second).Format(time.RFC3339)}, {"--to-position", m.position()}, nil}[i]
				desk.works(desk.restore(target, append(stop, "--verify", "chunks")...)...)
				got, err := truth.Take(t.Context(), target.Root(), "shop")
				if err != nil {
					t.Fatal(err)
				}
				want := m.truth
				if kind != mysqltest.MySQL56 {
					if want, err = m.truth.PrintedBy(t.Context(), target.Root()); err != nil {
						t.Fatal(err)
					}
				}
				if kind == mysqltest.MariaDB1011 {
					want, got = want.Loosely(), got.Loosely()
				}
				if was, is := collations[i], collationsOf(t, target); was != is {
					t.Errorf("moment %d: collations are\n%s, the source has\n%s", i, is, was)
				}
				if list := want.Differences(got); len(list) > 0 {
					t.Errorf("moment %d: the target differs from the source:\n%s", i, strings.Join(list[:min(len(list), 20)], "\n"))
				}
			}
		})
	}
}

// collationsOf lists what collations the shop's columns have, whatever the server's text spells of them.
func collationsOf(t *testing.T, s *mysqltest.Server) string {
	t.Helper()
	var list string
	mysqltest.Exec(t, s, "SET GLOBAL group_concat_max_len = 100000")
	if err := s.Root().QueryRowContext(t.Context(), `SELECT GROUP_CONCAT(table_name, '.', column_name, ' ', REPLACE(collation_name, 'utf8_', 'utf8mb3_') ORDER BY table_name, column_name SEPARATOR '\n')
		FROM information_schema.columns WHERE table_schema = 'shop' AND collation_name IS NOT NULL AND table_name <> 'latest'`).Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

// nextSecond waits until the source's clock shows another second.
func nextSecond(t *testing.T, s *mysqltest.Server) {
	t.Helper()
	now := func() (second int64) {
		if err := s.Root().QueryRowContext(t.Context(), "SELECT UNIX_TIMESTAMP()").Scan(&second); err != nil {
			t.Fatal(err)
		}
		return second
	}
	begun := now()
	mysqltest.Eventually(t, func() bool { return now() > begun }, "the next second")
}

// TestIntoMySQL56: what a 5.6, or a MariaDB, cannot hold is named before anything is done; the rest of a 9.7
// goes there.
func TestIntoMySQL56(t *testing.T) {
	source := sourceServer(t)
	mysqltest.Exec(t, source, "CREATE DATABASE shop CHARACTER SET latin1", "CREATE TABLE shop.t (id INT UNSIGNED PRIMARY KEY, v VARCHAR(20), d DATETIME(6), KEY (v))",
		"INSERT INTO shop.t VALUES (4294967295, x'e9', '2026-01-01 00:00:00.000001'), (1, NULL, NULL)", "CREATE TABLE shop.newer (id INT PRIMARY KEY, j JSON, c INT CHECK (c > 0))")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, "UPDATE shop.t SET v = 'later' WHERE id = 1", "ALTER TABLE shop.t ADD w BIGINT UNSIGNED NOT NULL DEFAULT 18446744073709551615", "INSERT INTO shop.t (id) VALUES (2)")
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MySQL56, Relaxed: true, LocalInfile: true})
	if _, err := target.CreateRestoreUser(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	d.refused(refusal{code: 1, kind: "target", says: []string{"JSON column j of shop.newer", "CHECK of shop.newer"}, hint: []string{"--exclude"}}, d.restore(target)...)
	d.works(d.restore(target, "--exclude", "shop.newer", "--verify", "chunks")...)
	mariadb := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true})
	if _, err := mariadb.CreateRestoreUser(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	// MariaDB knows checks, and takes JSON for text: what its rows mean would be another thing.
	d.refused(refusal{code: 1, kind: "target", says: []string{"MariaDB", "JSON column j of shop.newer"}, hint: []string{"--exclude"}}, d.restore(mariadb)...)
	d.works(d.restore(mariadb, "--exclude", "shop.newer", "--verify", "chunks")...)
	mysqltest.Exec(t, source, "DROP TABLE shop.newer")
	want := rowsOf(t, source)
	for _, got := range []string{rowsOf(t, target), rowsOf(t, mariadb)} {
		if want != got {
			t.Errorf("restored %s, want %s", got, want)
		}
	}
}

func rowsOf(t *testing.T, s *mysqltest.Server) string {
	t.Helper()
	var rows string
	if err := s.Root().QueryRowContext(t.Context(), "SELECT GROUP_CONCAT(id, ' ', IFNULL(HEX(v), 'NULL'), ' ', IFNULL(d, 'NULL'), ' ', w ORDER BY id) FROM shop.t").Scan(&rows); err != nil {
		t.Fatal(err)
	}
	return rows
}
