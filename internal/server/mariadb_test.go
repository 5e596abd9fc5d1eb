package server_test

import (
	"fmt"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/server"
)

func mariadb(t *testing.T, arguments ...string) *mysqltest.Server {
	t.Helper()
	return mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011, ExtraArgs: arguments})
}

func TestMariaDBFacts(t *testing.T) {
	s := mariadb(t, "--binlog-expire-logs-seconds=3600", "--log-slave-updates=ON", "--old-mode=")
	f := open(t, address(t, s, backupUser(t, s), ""), server.Source).Facts()
	want := server.Facts{Flavor: server.FlavorMariaDB, Major: 10, Minor: 11}
	if f.Flavor != want.Flavor || f.Major != want.Major || f.Minor != want.Minor || f.AtLeast(11, 0, 0) || !f.LogBin || f.BinlogFormat != "ROW" ||
		f.RowImage != "FULL" || f.RowMetadata != "NO_LOG" || f.BinlogExpire != 3600 || !f.LogReplicaUpdates || f.OldMode != "" ||
		f.EncryptBinlog || f.Cluster || f.SecureTimestamp != "NO" || f.BinlogStatus() != "SHOW MASTER STATUS" || !f.ExplicitTimestamps {
		t.Errorf("%+v", f)
	}
	var hostname string
	if err := s.Root().QueryRowContext(t.Context(), "SELECT @@hostname").Scan(&hostname); err != nil {
		t.Fatal(err)
	}
	if id := fmt.Sprintf("%d@%s:%d", f.ServerID, hostname, f.ServerID); f.ServerUUID != id { // the tests' server ids are their ports
		t.Errorf("the identity is %s, want %s", f.ServerUUID, id)
	}
}

// Every connection names the server that answers, by the expression that the reads take along (W6).
func TestW6_MariaDBIdentity(t *testing.T) {
	s := mariadb(t)
	srv := open(t, address(t, s, backupUser(t, s), ""), server.Source)
	c := rawConn(t, srv)
	rows, err := c.Rows(t.Context(), "SELECT "+c.Identity())
	if err != nil || len(rows) != 1 || rows[0][0] != c.ServerUUID() || c.ServerUUID() != srv.Facts().ServerUUID {
		t.Errorf("%q, %v, want %s", rows, err, srv.Facts().ServerUUID)
	}
}

// The settings of MariaDB that change what a session reads or writes.
func TestMariaDBSessions(t *testing.T) {
	s := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011})
	mysqltest.Exec(t, s, "CREATE DATABASE a", "CREATE TABLE a.t (id INT PRIMARY KEY, c CHAR(5) CHARACTER SET latin1, CHECK (id < 10))",
		"INSERT INTO a.t VALUES (1, _latin1 x'e9'), (2, 'b'), (3, 'c')")
	u := backupUser(t, s)
	for _, g := range []string{
		"sql_select_limit=2", "tx_isolation='READ-UNCOMMITTED'", "init_connect='SET autocommit=0'", "sql_mode='ORACLE'", "max_statement_time=0.001",
		"completion_type='CHAIN'", "sql_if_exists=ON", "old_mode=''", "tx_read_only=1", "character_set_connection='utf16'", "check_constraint_checks=ON",
	} {
		mysqltest.Exec(t, s, "SET GLOBAL "+g)
	}
	rows, err := rawConn(t, open(t, address(t, s, u, ""), server.Source)).Rows(t.Context(), "SELECT id, c, SLEEP(0.01) FROM a.t ORDER BY id")
	if err != nil || joinRows(rows) != "1,\xe9,0 2,b,0 3,c,0" {
		t.Errorf("%q, %v", rows, err)
	}
	target := open(t, address(t, s, mysqltest.Root, ""), server.Target)
	c := rawConn(t, target)
	for _, statement := range []string{"INSERT INTO a.t VALUES (99, 'x')", "CREATE TABLE a.u (c CHAR(1) CHARACTER SET utf8)"} {
		if _, err := c.Query(t.Context(), statement, nil); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	if _, err := c.Query(t.Context(), "DROP TABLE a.nothere", nil); server.ErrorNumber(err) == 0 {
		t.Error("DROP TABLE of a name that is not there says nothing")
	}
	rows, err = c.Rows(t.Context(), "SELECT character_set_name FROM information_schema.columns WHERE table_name='u'")
	if err != nil || joinRows(rows) != "utf8mb3" {
		t.Errorf("utf8 is %q, %v", rows, err)
	}
}

func TestMariaDBGrants(t *testing.T) {
	s := mariadb(t)
	type has struct {
		privilege, schema string
		want              bool
	}
	for name, c := range map[string]struct {
		statements []string
		want       []has
		inactive   int
	}{
		"nothing": {nil, []has{{"SELECT", "a", false}, {"BINLOG MONITOR", "", false}}, 0},
		"everywhere": {[]string{"GRANT SELECT, SHOW VIEW, REPLICATION CLIENT, REPLICA MONITOR, REPLICATION SLAVE ON *.* TO g"},
			[]has{{"SELECT", "a", true}, {"BINLOG MONITOR", "", true}, {"SLAVE MONITOR", "", true}, {"REPLICATION SLAVE", "", true}, {"TRIGGER", "", false}}, 0},
		"all": {[]string{"GRANT ALL ON *.* TO g WITH GRANT OPTION"}, []has{{"SELECT", "", true}, {"BINLOG MONITOR", "", true}, {"SET USER", "", true}}, 0},
		"role, active, with its own": {[]string{"CREATE OR REPLACE ROLE r1", "GRANT SELECT ON *.* TO r1", "CREATE OR REPLACE ROLE r2", "GRANT r1 TO r2",
			"GRANT EVENT ON a.* TO r2", "GRANT r2 TO g", "SET DEFAULT ROLE r2 FOR g"}, []has{{"SELECT", "", true}, {"EVENT", "a", true}, {"EVENT", "", false}}, 0},
		"role, not active": {[]string{"CREATE OR REPLACE ROLE r3", "GRANT SELECT ON *.* TO r3", "GRANT r3 TO g"}, []has{{"SELECT", "", false}}, 1},
		"public":           {[]string{"GRANT SHOW VIEW ON `p_`.* TO PUBLIC"}, []has{{"SHOW VIEW", "p1", true}, {"SHOW VIEW", "q", false}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			g := grantsOf(t, s, c.statements...)
			for _, h := range c.want {
				if got := g.Has(h.privilege, h.schema); got != h.want {
					t.Errorf("%s on %q: %v (%+v)", h.privilege, h.schema, got, g)
				}
			}
			if len(g.InactiveRoles) != c.inactive {
				t.Errorf("inactive roles %q", g.InactiveRoles)
			}
		})
	}
}
