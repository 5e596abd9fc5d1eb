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
)

// mariaShop is what a MariaDB holds that MySQL has not, writes otherwise, or logs in its own way.
var mariaShop = []string{
	"CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_ai_ci", "USE shop", "SET SESSION time_zone='+00:00'",
	`CREATE TABLE live (id INT(10) UNSIGNED NOT NULL AUTO_INCREMENT, n BIGINT(20) UNSIGNED ZEROFILL DEFAULT NULL, v VARCHAR(30) NOT NULL DEFAULT '',
		u VARCHAR(10) CHARACTER SET utf8mb3 DEFAULT NULL, d DATETIME NOT NULL DEFAULT (CURRENT_TIMESTAMP + INTERVAL 1 DAY), ts TIMESTAMP, PRIMARY KEY (id), KEY v (v), KEY up (v DESC))`,
	"CREATE TABLE keyless (a TINYINT UNSIGNED, b VARCHAR(20) COLLATE utf8mb4_nopad_bin)",
	"CREATE TABLE parent (id INT PRIMARY KEY)", "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))",
	"CREATE TABLE parts (id INT, t TEXT CHARACTER SET latin1) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (100), PARTITION b VALUES LESS THAN MAXVALUE)",
	"CREATE TABLE four (a VARCHAR(5) COLLATE utf8mb4_croatian_ci, UNIQUE KEY (a), id INT PRIMARY KEY, x INT INVISIBLE DEFAULT 3, CHECK (id > 0)) DEFAULT CHARSET=utf8mb4",
	"CREATE TABLE isam (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=MyISAM",
	"CREATE TABLE documents (id INT PRIMARY KEY, j JSON, e VARCHAR(10) AS (JSON_VALUE(j, '$.a')) VIRTUAL, s INT AS (id + 1) PERSISTENT, KEY (e))",
	`CREATE TABLE typed (id SMALLINT UNSIGNED PRIMARY KEY, ti TINYINT, tu TINYINT UNSIGNED, mi MEDIUMINT, mu MEDIUMINT UNSIGNED, iu INT UNSIGNED, bi BIGINT, bu BIGINT UNSIGNED,
		de DECIMAL(65,30), du DECIMAL(10,2) UNSIGNED, fl FLOAT, db DOUBLE UNSIGNED, bt BIT(64), y YEAR(4), da DATE, tm TIME(6), t0 TIME, dt DATETIME(3), ts TIMESTAMP(6) NULL,
		ch CHAR(10) CHARACTER SET latin1, vc VARCHAR(40) CHARACTER SET utf8mb4, u16 VARCHAR(10) CHARACTER SET utf16, gb TEXT CHARACTER SET gbk, bn BINARY(6), bl LONGBLOB,
		en ENUM('b','2','1','ä'), se SET('x','2','1'), ge GEOMETRY, po POINT)`,
	`INSERT INTO typed VALUES (65535, -128, 255, -8388608, 16777215, 4294967295, -9223372036854775808, 18446744073709551615, -1234567890123.000000000000000000000000000001, 1.25,
		1.6777216e7, 1e300, 18446744073709551615, 2155, '2026-02-28', '-838:59:59.000000', '838:59:59', '9999-12-31 23:59:59.999', '2026-10-25 01:30:00.123456',
		x'e9', 'é', x'0061', x'd6d0', 'a', REPEAT(x'00ff', 500), 4, 5, ST_GeomFromText('POINT(1 2)'), POINT(3, 4))`,
	"SET SESSION sql_mode=''", "INSERT INTO typed (id, da, en) VALUES (0, '0000-00-00', 0)", "SET SESSION sql_mode=DEFAULT",
	"INSERT INTO parts VALUES (1, x'e9'), (200, 'b')", "INSERT INTO four (a, id) VALUES ('a ', 1), (NULL, 2)", "INSERT INTO isam SELECT seq, CONCAT('i', seq) FROM seq_1_to_200",
	"INSERT INTO documents (id, j) VALUES (1, '{\"a\": \"b\"}'), (2, '[1, 2.50,  3]'), (3, NULL)",
	"INSERT INTO parent VALUES (1), (2)", "INSERT INTO child VALUES (1, 1), (2, NULL)",
	"INSERT INTO keyless VALUES (255, 'a'), (255, 'a'), (NULL, NULL)",
	"INSERT INTO live (id, n, v) VALUES (4294967290, 18446744073709551615, 'greatest')", "INSERT INTO live (id, v) SELECT seq + 1000, seq FROM seq_1_to_3000",
	"CREATE VIEW latest AS SELECT id, n, v FROM live WHERE id > 10",
	"CREATE PROCEDURE p(IN x VARCHAR(10)) SELECT x", "CREATE FUNCTION f(a INT) RETURNS VARCHAR(5) DETERMINISTIC RETURN 'x'", "CREATE AGGREGATE FUNCTION agg(x INT) RETURNS INT DETERMINISTIC BEGIN DECLARE s INT DEFAULT 0; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END",
	"CREATE TRIGGER g BEFORE INSERT ON four FOR EACH ROW SET NEW.a = CONCAT(NEW.a, 'x')",
	"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1",
}

// whileMariaShopIsBackedUp writes to the shop until stop: rows of every kind of transaction that MariaDB logs, from a
// domain of its own, and DDL, logged at once and in two phases.
func whileMariaShopIsBackedUp(t *testing.T, source *mysqltest.Server, seed, domain uint64, stop *atomic.Bool) {
	random := rand.New(rand.NewPCG(seed, domain))
	db := source.Connect(mysqltest.Root, "shop")
	defer db.Close()
	ctx := context.WithoutCancel(t.Context())
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	exec := func(statement string) bool {
		_, err := conn.ExecContext(ctx, statement)
		// A deadlock or a wait that ended, a lock that is being waited for, a transaction rolled back with its XA.
		if err != nil && !mysqltest.IsError(err, 1213) && !mysqltest.IsError(err, 1205) && !mysqltest.IsError(err, 1614) && !mysqltest.IsError(err, 1020) {
			t.Errorf("%s: %v", statement, err)
		}
		return err == nil
	}
	exec(fmt.Sprintf("SET SESSION gtid_domain_id = %d, lock_wait_timeout = 5", domain))
	pace := time.NewTicker(3 * time.Millisecond) // a table without a key has to meet a moment without writes
	defer pace.Stop()
	for n := 0; !stop.Load(); n++ {
		<-pace.C
		id := random.IntN(60)
		switch random.IntN(11) {
		case 0, 1:
			exec(fmt.Sprintf("SET STATEMENT binlog_row_image = FULL FOR REPLACE INTO live (id, n, v, u) VALUES (%d, %d, 'v%d', 'é')", id+1, ^uint64(0)-random.Uint64N(9), n))
		case 2:
			exec(fmt.Sprintf("UPDATE live SET n = n - 1, v = CONCAT(LEFT(v, 9), 'u') WHERE id < %d", id))
		case 3:
			exec(fmt.Sprintf("DELETE FROM live WHERE id = %d", id))
		case 4:
			x := fmt.Sprintf("'x%d.%d'", domain, n)
			for _, part := range []string{"XA START " + x, fmt.Sprintf("UPDATE parts SET t = 'xa%d'", n), "XA END " + x, "XA PREPARE " + x} {
				if !exec(part) {
					_, _ = conn.ExecContext(ctx, "XA END "+x) // it may be rolled back, or not
					_, _ = conn.ExecContext(ctx, "XA ROLLBACK "+x)
					break
				}
				if strings.HasPrefix(part, "XA PREPARE") {
					exec([]string{"XA COMMIT ", "XA ROLLBACK "}[random.IntN(2)] + x)
				}
			}
		case 5:
			exec(fmt.Sprintf("START TRANSACTION; UPDATE typed SET bu = bu - 1, mu = mu - 1, tu = (tu + 255) MOD 256 WHERE id = 65535; SAVEPOINT s; DELETE FROM child; ROLLBACK TO s; SET STATEMENT binlog_row_image = FULL FOR REPLACE INTO four (a, id) VALUES ('%d', %d); COMMIT", id, id+10))
			exec("ROLLBACK")
		case 6:
			exec(fmt.Sprintf("CREATE TEMPORARY TABLE four%d_%d (a INT); DROP TEMPORARY TABLE four%d_%d; INSERT INTO parts VALUES (%d, 'n')", domain, n, domain, n, id))
		case 7:
			exec("SET SESSION binlog_row_image = " + []string{"MINIMAL", "NOBLOB", "FULL"}[random.IntN(3)])
		case 8:
			exec(fmt.Sprintf("SET STATEMENT binlog_row_image = FULL FOR REPLACE INTO isam VALUES (%d, 'm%d'); UPDATE documents SET j = JSON_SET(IFNULL(j, '{}'), '$.a', '%d') WHERE id < 3", id, n, n))
		case 9:
			if random.IntN(10) == 0 {
				exec(fmt.Sprintf("SET SESSION binlog_alter_two_phase = %d", random.IntN(2)))
				exec([]string{"ALTER TABLE parts COMMENT 'c'", "ALTER TABLE four ADD COLUMN IF NOT EXISTS w INT DEFAULT 4", "ALTER TABLE four DROP COLUMN IF EXISTS w", "ALTER TABLE live FORCE, ALGORITHM=INPLACE",
					"ALTER TABLE IF EXISTS nowhere ADD x INT", "TRUNCATE TABLE child"}[random.IntN(6)])
			}
		case 10:
			if random.IntN(10) == 0 {
				exec(fmt.Sprintf("CREATE OR REPLACE TABLE made%d (id INT PRIMARY KEY) SELECT id FROM four", domain))
			}
		}
	}
}

// behindTheMariaBackup are statements that only the archive holds.
var behindTheMariaBackup = [][]string{
	{
		"FLUSH BINARY LOGS", "SET SESSION binlog_alter_two_phase = 1", "ALTER TABLE live ADD w INT UNSIGNED NOT NULL DEFAULT '7' AFTER n, ADD t2 TIMESTAMP",
		"UPDATE live SET w = 4294967295 WHERE id < 30", "SET SESSION binlog_row_image = MINIMAL", "INSERT INTO typed (id, vc) VALUES (9, 'é')", "UPDATE typed SET bu = 1 WHERE id = 0",
		"INSERT INTO live (u) VALUES ('x')", "SET SESSION binlog_row_image = FULL", "CREATE TABLE copied SELECT id, n, ts FROM live",
		"SET SESSION explicit_defaults_for_timestamp = 0", "CREATE TABLE implicit (id INT UNSIGNED PRIMARY KEY, a TIMESTAMP, b TIMESTAMP, e VARCHAR(3)) CHARSET utf8mb4", "INSERT INTO implicit VALUES (4000000000, '2026-01-01', '2026-01-02', 'é')",
		"SET SESSION explicit_defaults_for_timestamp = 1", "CREATE TABLE explicit (id INT UNSIGNED PRIMARY KEY, a TIMESTAMP, b TIMESTAMP)", "CREATE OR REPLACE TABLE made1 (id INT PRIMARY KEY, v VARCHAR(9) DEFAULT (CONCAT('a', 'b')))", "INSERT INTO made1 (id) VALUES (1)",
		"SET NAMES latin1", "ALTER TABLE made1 ADD c VARCHAR(9) DEFAULT '\xe9' COMMENT '\xe9'", "INSERT INTO made1 VALUES (2, '\xe9', '\xe8')", "SET NAMES utf8mb4",
		"SET NAMES utf8mb4 COLLATE utf8mb4_uca1400_as_cs", "CREATE VIEW cased AS SELECT id FROM live WHERE v = 'V1' OR 'a' = 'A'", "SET NAMES utf8mb4", "SET GLOBAL log_bin_compress = ON, log_bin_compress_min_len = 20", "UPDATE typed SET bl = REPEAT('compressed', 100) WHERE id = 9",
	},
	{
		"SET GLOBAL log_bin_compress = OFF", "SET SESSION collation_server = utf8mb4_uca1400_as_ci", "CREATE DATABASE `od``d.na*me`", "CREATE TABLE `od``d.na*me`.t (v VARCHAR(5) PRIMARY KEY)", "SET SESSION collation_server = DEFAULT", "DELETE FROM keyless WHERE a = 255 LIMIT 1", "UPDATE keyless SET a = 254 WHERE a IS NULL", "CREATE TABLE like_live LIKE live",
		"RENAME TABLE IF EXISTS live TO old, like_live TO live", "INSERT INTO live (v) VALUES ('first')", "ALTER TABLE parts DROP PARTITION IF EXISTS a",
		"DROP VIEW latest", "CREATE OR REPLACE VIEW latest AS SELECT id, w FROM old", "ALTER EVENT e COMMENT 'changed'", "DROP TABLE IF EXISTS child, nothing", "CREATE OR REPLACE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a", "CREATE OR REPLACE TRIGGER g AFTER INSERT ON four FOR EACH ROW SET @x = 1",
		"ALTER TABLE typed RENAME COLUMN vc TO renamed, RENAME INDEX IF EXISTS nothing TO something", "ALTER TABLE isam ENGINE=InnoDB", "INSERT INTO isam VALUES (1000, 'inno')", "UPDATE typed SET renamed = 'r'",
		"ALTER DATABASE shop CHARACTER SET latin1", "CREATE TABLE late (a VARCHAR(5) PRIMARY KEY)", "INSERT INTO late VALUES (x'e9')", "SET sql_mode='ORACLE'", "CREATE TABLE oracle (a VARCHAR2(5) PRIMARY KEY, b NUMBER(5))", "SET sql_mode=DEFAULT", "SET sql_mode='EMPTY_STRING_IS_NULL,ANSI_QUOTES'", "CREATE TABLE \"quoted\" (a INT PRIMARY KEY, v VARCHAR(3) DEFAULT '')", "SET sql_mode=DEFAULT",
	},
}

// TestMariaDBIsBackedUpWhileItIsWrittenTo: a MariaDB under load, restored into another to several stop points: rows equal
// byte by byte, definitions as the server prints them.
func TestMariaDBIsBackedUpWhileItIsWrittenTo(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, slices.Concat([]string{"SET GLOBAL max_binlog_size=65536"}, mariaShop)...)
	d := newDesk(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var stop atomic.Bool
	var writers sync.WaitGroup
	for n := range uint64(3) {
		writers.Go(func() { whileMariaShopIsBackedUp(t, source, seed, n, &stop) })
	}
	o := d.run(d.source("backup", source, "--snapshot-tries", "200", "--ddl-tries", "200", "--log-level", "debug")...)
	stop.Store(true)
	writers.Wait()
	if o.Code != 0 {
		t.Fatal(o)
	}
	moments := []moment{takeHere(t, source)}
	for _, statements := range behindTheMariaBackup {
		nextSecond(t, source)
		mysqltest.Exec(t, source, slices.Concat([]string{"SET SESSION time_zone='+00:00'", "USE shop"}, statements)...)
		moments = append(moments, takeHere(t, source))
	}
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
	if _, err := target.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	for i, m := range moments {
		emptyTarget(t, target)
		// Commit times are whole seconds there.
		stop := [][]string{{"--to-time", m.time.Truncate(time.Second).Format(time.RFC3339)}, {"--to-position", m.position()}, nil}[i]
		d.works(d.restore(target, append(stop, "--verify", "chunks")...)...)
		m.equals(t, target, fmt.Sprintf("moment %d", i))
	}
}
