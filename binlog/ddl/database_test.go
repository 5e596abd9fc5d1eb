package ddl

import "testing"

func TestDatabaseOptions(t *testing.T) {
	for _, c := range []struct{ text, charset, collation, comment string }{
		{"CREATE DATABASE a", "", "", ""},
		{"create database if not exists `charset` default character set = utf8mb4 collate utf8mb4_bin", "utf8mb4", "utf8mb4_bin", ""},
		{"CREATE SCHEMA a CHARSET latin1", "latin1", "", ""},
		{"ALTER DATABASE COLLATE='latin1_bin'", "", "latin1_bin", ""},
		{"ALTER DATABASE a /* CHARSET x */ ENCRYPTION='Y'", "", "", ""},
		{"CREATE DATABASE a /*!40100 DEFAULT CHARACTER SET UTF8MB4 */", "utf8mb4", "", ""},
		{`CREATE DATABASE a COMMENT='it\'s CHARSET latin1 ''\\' COLLATE utf8mb4_bin`, "", "utf8mb4_bin", `it's CHARSET latin1 '\`},
		{"ALTER DATABASE COMMENT 'CHARSET'", "", "", "CHARSET"},
	} {
		got := parseFor(t, c.text, session97).Database
		comment := ""
		if got.Comment != nil {
			comment = *got.Comment
		}
		if got.Charset != c.charset || got.Collation != c.collation || comment != c.comment {
			t.Errorf("%s: %+v, comment %q", c.text, got, comment)
		}
	}
	if o := parseFor(t, "ALTER DATABASE a COMMENT ''", session97).Database; o.Comment == nil || *o.Comment != "" {
		t.Errorf("an empty comment: %+v", o)
	}
}
