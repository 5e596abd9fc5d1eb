package cli

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/pitr"
	"github.com/tripod-db/tripod/tests/program"
)

// accountsOf prints what a server says of its accounts and their privileges, but for those that tripod works with.
func accountsOf(t *testing.T, s *mysqltest.Server) map[string]string {
	t.Helper()
	conn, err := s.Root().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	list := func(query string) (all []string) {
		rows, err := conn.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var text sql.NullString
			if err := rows.Scan(&text); err != nil {
				t.Fatal(err)
			}
			all = append(all, text.String)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if _, err := conn.ExecContext(t.Context(), "SET print_identified_with_as_hex=ON"); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range list("SELECT CONCAT(QUOTE(user),'@',QUOTE(host)) FROM mysql.user WHERE user NOT LIKE 'mysql.%' AND user NOT IN ('root','tripod_restore')") {
		told := append(list("SHOW CREATE USER "+name), list("SHOW GRANTS FOR "+name)...)
		found[name] = strings.Join(told, "\n")
	}
	found["second passwords"] = strings.Join(list("SELECT CONCAT(user,'@',host,JSON_EXTRACT(user_attributes,'$.additional_password')) FROM mysql.user"+
		" WHERE JSON_CONTAINS_PATH(user_attributes,'one','$.additional_password') ORDER BY 1"), "\n")
	return found
}

// Users and roles of the stop point: what the backup read, and what the log says behind it, with the definers
// that they are. Promise 9: no hash of a password is told to anybody but the store's object.
func TestUsersAndGrants(t *testing.T) {
	source, target := sourceServer(t), mysqltest.Target(t)
	if _, err := target.CreateRestoreUser(t.Context(), shopSchema); err != nil {
		t.Fatal(err)
	}
	mysqltest.Exec(t, source, "CREATE DATABASE shop", "USE shop", "CREATE TABLE t (a INT PRIMARY KEY, b INT)", "CREATE TABLE gone (a INT PRIMARY KEY)",
		"CREATE ROLE r1, 'r2'@'h', r3", "GRANT SELECT ON shop.* TO r1", "CREATE USER u1 IDENTIFIED BY 'old'", "ALTER USER u1 IDENTIFIED BY 'new' RETAIN CURRENT PASSWORD",
		"GRANT INSERT ON *.* TO u1 WITH GRANT OPTION", "GRANT BACKUP_ADMIN ON *.* TO u1", "GRANT SELECT (a), UPDATE (b) ON t TO u1", "GRANT r1 TO u1 WITH ADMIN OPTION",
		"ALTER USER u1 DEFAULT ROLE r1", "GRANT SELECT ON gone TO u1", "GRANT CREATE ROUTINE, SELECT ON shop.* TO u1",
		"CREATE DEFINER=u1 PROCEDURE p() SET @a=1", "CREATE DEFINER=u1 PROCEDURE again() SET @a=1", "CREATE DEFINER=u1 VIEW v AS SELECT a FROM t", "CREATE DEFINER=u1 VIEW w AS SELECT a FROM v",
		"CREATE USER 'ü''ser'@'10.0.%' IDENTIFIED BY 'x' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 5 PASSWORD EXPIRE INTERVAL 5 DAY FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 2 COMMENT 'it''s'",
		"GRANT EXECUTE ON PROCEDURE p TO 'ü''ser'@'10.0.%'", "GRANT EXECUTE ON PROCEDURE again TO 'ü''ser'@'10.0.%'", "GRANT SELECT ON v TO 'ü''ser'@'10.0.%'", "GRANT PROXY ON u1 TO 'ü''ser'@'10.0.%'",
		"CREATE USER leaves IDENTIFIED BY 'y'", "CREATE USER moves ACCOUNT LOCK PASSWORD EXPIRE", "GRANT EXECUTE ON PROCEDURE p TO moves", "GRANT r3 TO moves",
		"CREATE USER lost", "GRANT SELECT, SHOW VIEW ON v TO lost", "GRANT EXECUTE ON PROCEDURE p TO lost",
		"CREATE TABLE narrow (a INT PRIMARY KEY, b INT)", "GRANT SELECT (b) ON narrow TO lost", "GRANT INSERT ON narrow TO moves",
		// Of an expired password the server does not show how long the next one lasts.
		"CREATE USER days IDENTIFIED BY 'o' PASSWORD EXPIRE INTERVAL 5 DAY", "ALTER USER days PASSWORD EXPIRE",
		"CREATE USER never IDENTIFIED BY 'o' PASSWORD EXPIRE NEVER", "ALTER USER never IDENTIFIED BY 'n' RETAIN CURRENT PASSWORD", "ALTER USER never PASSWORD EXPIRE",
		"CREATE USER 'both'@'h' IDENTIFIED BY 'o' PASSWORD EXPIRE", "ALTER USER 'both'@'h' IDENTIFIED BY 'n' RETAIN CURRENT PASSWORD PASSWORD EXPIRE",
		// A hash of which every byte can be printed, and some have to be escaped.
		"CREATE USER plain IDENTIFIED BY 'o'", `ALTER USER plain IDENTIFIED WITH caching_sha2_password AS '$A$005$ab''c"d\\efghijklmnopq`+strings.Repeat("x", 43)+`' RETAIN CURRENT PASSWORD`)
	d := newDesk(t)
	lacks := d.run(d.source("backup", source, "--users", "--json")...)
	if lacks.Code != 0 { // SELECT on everything holds what is needed
		t.Fatal(lacks)
	}
	mysqltest.Exec(t, source, "USE shop", "CREATE USER later IDENTIFIED BY 'z' DEFAULT ROLE r1", "RENAME USER moves TO moved", "DROP USER leaves", "DROP ROLE r3",
		"SET PASSWORD FOR later='zz'", "REVOKE INSERT ON *.* FROM u1", "GRANT DELETE ON t TO later, u1", "CREATE VIEW x AS SELECT 1 AS one", "GRANT SELECT ON x TO later WITH GRANT OPTION",
		"REVOKE SELECT ON v FROM 'ü''ser'@'10.0.%'", "SET PASSWORD FOR days='n'", "SET PASSWORD FOR never='m'", "DROP PROCEDURE again", "CREATE DEFINER=later PROCEDURE again() SET @a=2", "CREATE USER IF NOT EXISTS later", "GRANT SELECT ON shop.* TO root@localhost, later",
		"ALTER USER u1 ACCOUNT LOCK", "DROP TABLE gone", "CREATE USER short IDENTIFIED BY 'q'", "DROP USER short",
		// On the target these come before the view and the procedure, and would find nothing.
		"ALTER TABLE narrow DROP COLUMN b", "GRANT DELETE ON narrow TO later", "REVOKE IF EXISTS SELECT ON v FROM lost", "REVOKE IF EXISTS EXECUTE ON PROCEDURE p FROM lost IGNORE UNKNOWN USER")
	d.works(d.source("archive", source, "--until-idle")...)

	refused := d.run(d.restore(target, "--dry-run")...)
	if refused.Code != 1 || !strings.Contains(refused.String(), "CREATE USER") || !strings.Contains(refused.String(), "WITH GRANT OPTION") && !strings.Contains(refused.String(), "GRANT OPTION") {
		t.Errorf("an account that may not make users: %s", refused)
	}
	mysqltest.Exec(t, target, "GRANT ALL ON *.* TO tripod_restore WITH GRANT OPTION", "GRANT PROXY ON ''@'' TO tripod_restore WITH GRANT OPTION", "CREATE USER moved IDENTIFIED BY 'other'")
	refused = d.run(d.restore(target)...)
	if refused.Code != 1 || !strings.Contains(refused.String(), "`moved`@`%`") {
		t.Errorf("a user that is there already: %s", refused)
	}
	var result pitr.Result
	done := d.must(&result, d.restore(target, "--force")...)

	want, got := accountsOf(t, source), accountsOf(t, target)
	if !strings.Contains(want["second passwords"], "u1@%") {
		t.Error("u1 has one password")
	}
	for name, text := range want {
		text = strings.ReplaceAll(text, "GRANT SELECT ON `shop`.`gone` TO `u1`@`%`\n", "")
		text = strings.ReplaceAll(text, "GRANT SELECT (`b`) ON `shop`.`narrow` TO `lost`@`%`\n", "")
		if got[name] != text {
			t.Errorf("%s:\n%s\nwant\n%s", name, got[name], text)
		}
	}
	for name := range got {
		if want[name] == "" {
			t.Errorf("%s is on the target alone", name)
		}
	}
	if len(result.DefinersChanged) > 0 {
		t.Errorf("definers changed: %q", result.DefinersChanged)
	}
	if !slices.ContainsFunc(result.Warnings, func(w string) bool { return strings.Contains(w, "`u1`@`%` on shop.gone") }) {
		t.Errorf("warnings: %q", result.Warnings)
	}
	for _, o := range []program.Outcome{lacks, refused, done} {
		if strings.Contains(o.String(), "244124") || strings.Contains(o.String(), "$A$") {
			t.Errorf("a hash of a password is told: %s", o)
		}
	}
	// Without the users the same account needs none of that, and the definers are its own or what it may set.
	emptyTarget(t, target)
	mysqltest.Exec(t, target, "REVOKE ALL PRIVILEGES, GRANT OPTION FROM tripod_restore", "GRANT ALL ON shop.* TO tripod_restore")
	d.works(d.restore(target, "--users", "omit")...)
}
