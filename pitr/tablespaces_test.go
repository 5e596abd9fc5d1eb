package pitr

import (
	"context"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/mysqltest"
)

// Tables in a tablespace of their own, of the backup and of the log, come back into one of the same name; plan
// tells that the target lacks it, with the statement that makes it. Encryption is told too.
func TestTablespacesOfTheTarget(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE TABLESPACE `of backup` ADD DATAFILE 'of_backup.ibd'", "CREATE TABLESPACE of_log ADD DATAFILE 'of_log.ibd'", "CREATE DATABASE d",
		"CREATE TABLE d.t (id INT PRIMARY KEY, `tablespace` INT COMMENT 'TABLESPACE x') TABLESPACE `of backup`", "INSERT INTO d.t VALUES (1,1)",
		"CREATE TABLE d.own (id INT PRIMARY KEY) TABLESPACE innodb_file_per_table")
	t.Cleanup(func() { // a server's tablespaces outlive its schemas
		for _, server := range []*mysqltest.Server{s.source, s.dest} {
			for _, statement := range []string{"DROP DATABASE IF EXISTS d", "DROP TABLESPACE `of backup`", "DROP TABLESPACE of_log"} {
				if _, err := server.Root().ExecContext(context.Background(), statement); err != nil {
					t.Error(err)
				}
			}
		}
	})
	b := s.begin()
	b.schema("d")
	b.table("d.t", "")
	b.table("d.own", "")
	b.end()
	s.on("CREATE TABLE d.later (id INT PRIMARY KEY) /*!50100 TABLESPACE `of_log` */", "INSERT INTO d.later VALUES (1)", "ALTER TABLE d.own ADD b INT, ENCRYPTION='N'")
	p := s.plan(Wish{})
	for _, part := range []string{"CREATE TABLESPACE `of backup` ADD DATAFILE", "CREATE TABLESPACE `of_log`", "--exclude"} {
		s.wantFault(p.Problem(), fault.CodeFailed, fault.KindTarget, part)
	}
	if f := finding(p, "tablespaces"); f == nil || strings.Contains(f.Message, " x,") || finding(p, "encryption") != nil {
		t.Errorf("findings %+v", p.Findings)
	}
	mysqltest.Exec(t, s.dest, "CREATE TABLESPACE `of backup` ADD DATAFILE 'of_backup.ibd'", "CREATE TABLESPACE of_log ADD DATAFILE 'of_log.ibd'")
	_, _, err := s.restore(Wish{})
	s.must(err)
	s.same("d")
}
