package cli

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// TestMariaDBCommentsOfSchemas: a schema has the comment that it had at the stop point, and no option that stands in one. A MySQL has
// no comments of schemas: that is told.
func TestMariaDBCommentsOfSchemas(t *testing.T) {
	source, target := mariaSchemas(t)
	mysqltest.Exec(t, source, "SET NAMES utf8mb4", `CREATE DATABASE shop CHARACTER SET utf8mb4 COMMENT 'it\'s é CHARSET latin1 \\'`, "CREATE DATABASE `od``d.na*me` COMMENT 'goes'",
		"CREATE TABLE shop.t (v VARCHAR(9) PRIMARY KEY)")
	d := newDesk(t)
	d.works(d.source("backup", source)...)
	moments := []moment{takeHere(t, source)}
	comments := [][2]string{schemaComments(t, source)}
	for _, statements := range [][]string{
		{"ALTER DATABASE `od``d.na*me` COLLATE utf8mb4_bin", `ALTER DATABASE shop COMMENT 'it\'s CHARSET latin1, later'`, "CREATE TABLE shop.u (v VARCHAR(9) PRIMARY KEY)"},
		{"CREATE OR REPLACE DATABASE `od``d.na*me`", "SET sql_mode='NO_BACKSLASH_ESCAPES'", `ALTER DATABASE shop COMMENT 'a\'`},
		{"ALTER DATABASE shop COMMENT ''"},
	} {
		mysqltest.Exec(t, source, statements...)
		moments, comments = append(moments, takeHere(t, source)), append(comments, schemaComments(t, source))
	}
	d.works(d.source("archive", source, "--until-idle")...)
	for i, m := range moments {
		emptyTarget(t, target)
		d.works(d.restore(target, "--to-position", m.position())...)
		m.equals(t, target, m.position())
		if got := schemaComments(t, target); got != comments[i] {
			t.Errorf("at %s: comments %q, want %q", m.position(), got, comments[i])
		}
	}
	mysql := mysqltest.Target(t)
	if _, err := mysql.CreateRestoreUser(t.Context(), schemas...); err != nil {
		t.Fatal(err)
	}
	var result struct{ Warnings []string }
	d.must(&result, d.restore(mysql, "--to-position", moments[1].position())...)
	if told := strings.Join(result.Warnings, "\n"); !strings.Contains(told, "schema shop has a comment, of which the target knows nothing: it's CHARSET latin1, later") {
		t.Errorf("warnings %s", told)
	}
}

func schemaComments(t *testing.T, s *mysqltest.Server) (comments [2]string) {
	t.Helper()
	for i, name := range []string{"shop", "od`d.na*me"} {
		comments[i] = onlyValue(t, s, "SELECT HEX(SCHEMA_COMMENT) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '"+name+"'")
	}
	return comments
}
