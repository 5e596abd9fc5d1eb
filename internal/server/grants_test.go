package server_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/internal/server"
)

// grantsOf makes a user, runs the statements as root, and returns what the user may do.
func grantsOf(t *testing.T, s *mysqltest.Server, statements ...string) server.Grants {
	t.Helper()
	u := mysqltest.User{Name: "g", Password: "p"}
	mysqltest.Exec(t, s, append([]string{"DROP USER IF EXISTS g", "CREATE USER g IDENTIFIED BY 'p'"}, statements...)...)
	srv := open(t, address(t, s, u, ""), server.Source)
	g, err := srv.Grants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGrants(t *testing.T) {
	s := mysqltest.Source(t)
	type has struct {
		privilege, schema string
		want              bool
	}
	for name, c := range map[string]struct {
		statements []string
		want       []has
	}{
		"nothing": {nil, []has{{"SELECT", "a", false}, {"SELECT", "", false}, {"REPLICATION CLIENT", "", false}}},
		"everywhere": {[]string{"GRANT SELECT, SHOW VIEW, REPLICATION CLIENT, SHOW_ROUTINE, BACKUP_ADMIN ON *.* TO g"},
			[]has{{"SELECT", "", true}, {"SELECT", "a", true}, {"SHOW VIEW", "a", true}, {"REPLICATION CLIENT", "", true}, {"SHOW_ROUTINE", "", true},
				{"BACKUP_ADMIN", "", true}, {"TRIGGER", "", false}, {"REPLICATION SLAVE", "", false}}},
		"all": {[]string{"GRANT ALL ON *.* TO g WITH GRANT OPTION"},
			[]has{{"SELECT", "", true}, {"TRIGGER", "x", true}, {"SUPER", "", true}, {"XA_RECOVER_ADMIN", "", true}}},
		"all on a schema": {[]string{"GRANT ALL ON `a``b`.* TO g"},
			[]has{{"SELECT", "a`b", true}, {"TRIGGER", "a`b", true}, {"SELECT", "a", false}, {"SELECT", "", false}, {"SHOW_ROUTINE", "a`b", false}}},
		"wildcards": {[]string{"GRANT SELECT ON `app%`.* TO g", "GRANT EVENT ON `x\\_y`.* TO g", "GRANT TRIGGER ON `m_n`.* TO g"},
			[]has{{"SELECT", "app", true}, {"SELECT", "app_1", true}, {"SELECT", "ap", false}, {"EVENT", "x_y", true}, {"EVENT", "xzy", false},
				{"TRIGGER", "m_n", true}, {"TRIGGER", "mün", true}, {"TRIGGER", "mn", false}, {"SELECT", "", false}}},
		"columns only": {[]string{"CREATE DATABASE IF NOT EXISTS a", "CREATE TABLE IF NOT EXISTS a.t (id INT, `x, y` INT)", "GRANT SELECT (id, `x, y`), INSERT ON a.t TO g"},
			[]has{{"SELECT", "a", false}}},
		"role, active": {[]string{"DROP ROLE IF EXISTS r1, r2", "CREATE ROLE r1, r2", "GRANT SELECT ON *.* TO r1", "GRANT r1 TO r2", "GRANT EVENT ON a.* TO r2",
			"GRANT r2 TO g", "SET DEFAULT ROLE ALL TO g"},
			[]has{{"SELECT", "", true}, {"EVENT", "a", true}, {"EVENT", "", false}}},
		"role, not active": {[]string{"DROP ROLE IF EXISTS r3", "CREATE ROLE r3", "GRANT SELECT ON *.* TO r3", "GRANT r3 TO g"}, []has{{"SELECT", "", false}}},
		"routine and proxy": {[]string{"CREATE DATABASE IF NOT EXISTS a", "DROP PROCEDURE IF EXISTS a.p", "CREATE PROCEDURE a.p() SELECT 1",
			"GRANT EXECUTE ON PROCEDURE a.p TO g", "GRANT PROXY ON root TO g"}, []has{{"EXECUTE", "a", false}}},
	} {
		t.Run(name, func(t *testing.T) {
			g := grantsOf(t, s, c.statements...)
			for _, h := range c.want {
				if got := g.Has(h.privilege, h.schema); got != h.want {
					t.Errorf("%s on %q: %v (%+v)", h.privilege, h.schema, got, g)
				}
			}
			if g.Account != "g@%" {
				t.Errorf("account %q", g.Account)
			}
			if inactive := slices.Equal(g.InactiveRoles, []string{"`r3`@`%`"}); inactive != (name == "role, not active") {
				t.Errorf("inactive roles %q", g.InactiveRoles)
			}
		})
	}
}

func TestPartialRevokes(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "SET GLOBAL partial_revokes=ON", "CREATE DATABASE a", "CREATE DATABASE a_b")
	g := grantsOf(t, s, "GRANT SELECT, EVENT ON *.* TO g", "REVOKE SELECT ON mysql.* FROM g", "REVOKE EVENT ON a_b.* FROM g")
	for _, h := range []struct {
		privilege, schema string
		want              bool
	}{
		{"SELECT", "", true}, // what is taken off belongs to the server, which tripod never reads
		{"SELECT", "mysql", false}, {"SELECT", "a", true}, {"EVENT", "a", true}, {"EVENT", "a_b", false}, {"EVENT", "axb", true}, {"EVENT", "", false},
	} {
		if got := g.Has(h.privilege, h.schema); got != h.want {
			t.Errorf("%s on %q: %v", h.privilege, h.schema, got)
		}
	}
}

func TestMissingGrants(t *testing.T) {
	s := mysqltest.Source(t)
	mysqltest.Exec(t, s, "CREATE DATABASE a_b", "CREATE TABLE a_b.t (id INT)", "CREATE TABLE a_b.u (id INT)")
	g := grantsOf(t, s, "GRANT SELECT ON a_b.t TO g", "GRANT REPLICATION CLIENT ON *.* TO g")
	table := func(name string) string { return server.TableScope(schema.Name{Schema: "a_b", Name: name}) }
	missing := g.Missing(
		server.Need{Privilege: "SELECT", On: server.Everywhere},
		server.Need{Privilege: "SHOW VIEW", On: server.Everywhere},
		server.Need{Privilege: "REPLICATION CLIENT", On: server.Everywhere},
		server.Need{Privilege: "TRIGGER", On: server.SchemaScope("a_b")},
		server.Need{Privilege: "SELECT", On: table("t")},
		server.Need{Privilege: "SELECT", On: table("u")},
	)
	statements := server.GrantStatements(g.Account, missing)
	want := []string{
		"GRANT SELECT, SHOW VIEW ON *.* TO 'g'@'%'",
		"GRANT TRIGGER ON `a\\_b`.* TO 'g'@'%'",
		"GRANT SELECT ON `a_b`.`u` TO 'g'@'%'",
	}
	if !slices.Equal(statements, want) {
		t.Fatalf("got\n%s\nwant\n%s", strings.Join(statements, "\n"), strings.Join(want, "\n"))
	}
	// The statements are what an administrator can run, and then nothing is missing.
	mysqltest.Exec(t, s, statements...)
	srv := open(t, address(t, s, mysqltest.User{Name: "g", Password: "p"}, ""), server.Source)
	if g, err := srv.Grants(t.Context()); err != nil || len(g.Missing(missing...)) > 0 {
		t.Fatalf("after the GRANTs %v are missing (%v)", g.Missing(missing...), err)
	}
	if got := (server.Need{Privilege: "SELECT", On: "*.*"}).GrantStatement(`o'b\x@y@host`); got != `GRANT SELECT ON *.* TO 'o''b\\x@y'@'host'` {
		t.Errorf("got %s", got)
	}
}

func TestMissingNothingForTheBackupUser(t *testing.T) {
	s := mysqltest.Source(t)
	srv := open(t, address(t, s, backupUser(t, s), ""), server.Source)
	g, err := srv.Grants(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, privilege := range mysqltest.BackupGrants {
		if missing := g.Missing(server.Need{Privilege: privilege, On: server.Everywhere}); len(missing) > 0 {
			t.Errorf("%s counts as missing", privilege)
		}
	}
}

func TestSchemasWith(t *testing.T) {
	s := mysqltest.Source(t)
	for name, c := range map[string]struct {
		statements []string
		want       []string
	}{
		"nothing":    {nil, nil},
		"everywhere": {[]string{"GRANT SELECT, INSERT ON *.* TO g", "GRANT ALL ON a.* TO g"}, []string{"*.*"}},
		"together":   {[]string{"GRANT SELECT ON *.* TO g", "GRANT INSERT ON `a_b`.* TO g", "GRANT DELETE ON c.* TO g"}, []string{"`a_b`.*"}},
		"patterns":   {[]string{"GRANT SELECT ON `app%`.* TO g", "GRANT ALL ON `x\\_y`.* TO g", "GRANT INSERT ON `app%`.* TO g"}, []string{"`app%`.*", "`x\\_y`.*"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := grantsOf(t, s, c.statements...).SchemasWith("SELECT", "INSERT"); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
