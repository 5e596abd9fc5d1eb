package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/tests/truth"
)

// plainShop is a MariaDB's that a MySQL can hold too.
var plainShop = []string{
	"CREATE DATABASE shop DEFAULT CHARACTER SET utf8mb4", "USE shop", "SET SESSION time_zone='+00:00'",
	`CREATE TABLE live (id INT(10) UNSIGNED NOT NULL AUTO_INCREMENT, n BIGINT(20) UNSIGNED ZEROFILL DEFAULT NULL, v VARCHAR(30) NOT NULL DEFAULT '',
		u VARCHAR(10) CHARACTER SET utf8mb3 DEFAULT NULL, d DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP, e DATE DEFAULT (CURRENT_DATE + INTERVAL 1 DAY), ts TIMESTAMP, PRIMARY KEY (id), KEY v (v), KEY up (v DESC))`,
	"CREATE TABLE keyless (a TINYINT UNSIGNED, b VARCHAR(20) COLLATE utf8mb4_bin)",
	"CREATE TABLE parent (id INT PRIMARY KEY)", "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id))",
	"CREATE TABLE parts (id INT, t TEXT CHARACTER SET latin1) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (100), PARTITION b VALUES LESS THAN MAXVALUE)",
	"CREATE TABLE four (a VARCHAR(5), UNIQUE KEY (a), id INT PRIMARY KEY, x INT INVISIBLE DEFAULT 3, CHECK (id > 0))",
	"CREATE TABLE documents (id INT PRIMARY KEY, j JSON, e VARCHAR(10) AS (CONCAT(id, 'x')) VIRTUAL, s INT AS (id + 1) PERSISTENT, KEY (e))",
	"INSERT INTO live (n, v) SELECT seq, seq FROM seq_1_to_300", "INSERT INTO keyless VALUES (1, 'a'), (1, 'a'), (NULL, NULL)", "INSERT INTO parent VALUES (1)", "INSERT INTO child VALUES (1, 1)",
	"INSERT INTO parts VALUES (1, x'e9'), (200, 'b')", "INSERT INTO four (a, id) VALUES ('a', 1)", "INSERT INTO documents (id, j) VALUES (1, '{\"a\":  1.0}'), (2, NULL)",
	"CREATE VIEW latest AS SELECT id, n, v FROM live WHERE id > 10", "CREATE PROCEDURE p(IN x VARCHAR(10)) SELECT x", "CREATE FUNCTION f(a INT) RETURNS VARCHAR(5) DETERMINISTIC RETURN 'x'",
	"CREATE TRIGGER g BEFORE INSERT ON four FOR EACH ROW SET NEW.a = CONCAT(NEW.a, 'x')", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01 00:00:00' DO SET @x = 1",
}

// behindThePlainBackup are statements that only the archive holds, some as only MariaDB writes them.
var behindThePlainBackup = []string{
	"USE shop", "SET NAMES utf8mb4 COLLATE utf8mb4_uca1400_as_cs", "SET SESSION binlog_alter_two_phase = 1", "ALTER TABLE live ADD w VARCHAR(9) NOT NULL DEFAULT 'é' AFTER n", "UPDATE live SET w = 'è' WHERE id < 30",
	"CREATE TABLE IF NOT EXISTS copied SELECT id, n, ts FROM live", "RENAME TABLE parent TO p2", "SET sql_mode='ORACLE'", "CREATE TABLE oracle (a VARCHAR(5) PRIMARY KEY, b DECIMAL(5))", "SET sql_mode=DEFAULT",
	"SET SESSION explicit_defaults_for_timestamp = 0", "CREATE TABLE implicit (id INT UNSIGNED PRIMARY KEY, a TIMESTAMP, b TIMESTAMP NULL)", "INSERT INTO implicit VALUES (1, '2026-01-01', NULL)", "DELETE FROM keyless WHERE a = 1 LIMIT 1", "UPDATE documents SET j = '[1]'",
	"ALTER DATABASE shop CHARACTER SET latin1", "CREATE TABLE late (a VARCHAR(5) PRIMARY KEY)", "INSERT INTO late VALUES (x'e9')", "CREATE DATABASE IF NOT EXISTS shop",
}

// TestMariaDBIntoMySQL: what of a MariaDB a MySQL cannot hold exactly is named before anything is done; the rest comes back.
func TestMariaDBIntoMySQL(t *testing.T) {
	source := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, Relaxed: true})
	if _, err := source.CreateBackupUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, slices.Concat(plainShop, []string{"CREATE TABLE five (id INT PRIMARY KEY, CHECK (id > 0))", "CREATE TABLE uca (v VARCHAR(5) COLLATE utf8mb4_uca1400_ai_ci PRIMARY KEY)",
		"CREATE TABLE croatian (v VARCHAR(5) COLLATE utf8mb4_croatian_ci PRIMARY KEY)"})...)
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	mysqltest.Exec(t, source, behindThePlainBackup...)
	d.works(d.source("archive", source, "--until-idle")...)
	target := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MySQL97, Relaxed: true, LocalInfile: true, TrustFunctionCreators: true})
	if _, err := target.CreateRestoreUser(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	d.refused(refusal{code: 1, kind: "target", says: []string{"collation utf8mb4_uca1400_ai_ci", "utf8mb4_croatian_ci is another order", "CONSTRAINT_1: shop.five, shop.four"}, hint: []string{"--exclude"}}, d.restore(target)...)
	d.works(d.restore(target, "--exclude", "shop.five,shop.uca,shop.croatian", "--verify", "chunks")...)
	mysqltest.Exec(t, source, "DROP TABLE shop.five, shop.uca, shop.croatian")
	got, err := truth.Take(t.Context(), target.Root(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	want, err := takeHere(t, source).truth.PrintedBy(t.Context(), target.Root())
	if err != nil {
		t.Fatal(err)
	}
	if list := want.Loosely().Differences(got.Loosely()); len(list) > 0 {
		t.Errorf("the target differs from the source:\n%s", strings.Join(list[:min(len(list), 20)], "\n"))
	}
}
