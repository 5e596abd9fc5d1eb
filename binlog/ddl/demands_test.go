package ddl

import (
	"slices"
	"testing"
)

func TestDemandsOfStatements(t *testing.T) {
	for _, c := range []struct {
		sql                  string
		adds, drops          bool
		charsets, collations []string
	}{
		{"CREATE TABLE t (a INT)", false, false, nil, nil},
		{"CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, b))", true, false, nil, nil},
		{"CREATE TABLE t (a INT, CONSTRAINT x PRIMARY KEY (a))", true, false, nil, nil},
		{"CREATE TABLE t (a INT KEY, b INT)", true, false, nil, nil},
		{"CREATE TABLE t (a INT NOT NULL AUTO_INCREMENT KEY)", true, false, nil, nil},
		{"CREATE TABLE t (a INT UNIQUE KEY, KEY (a), KEY k (a), UNIQUE KEY u (a), FULLTEXT KEY f (b), FOREIGN KEY (a) REFERENCES p (a))", false, false, nil, nil},
		{"CREATE TABLE t (a INT) PARTITION BY KEY (a) PARTITIONS 2", false, false, nil, nil},
		{"CREATE TABLE t (a INT COMMENT 'PRIMARY KEY', `KEY` INT)", false, false, nil, nil},
		{"CREATE TABLE t (a INT) SELECT 1 AS a", false, false, nil, nil},
		{"ALTER TABLE t DROP PRIMARY KEY", false, true, nil, nil},
		{"ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (b)", true, true, nil, nil},
		{"ALTER TABLE t ADD b INT KEY", true, false, nil, nil},
		{"ALTER TABLE t ADD COLUMN (b INT KEY, c INT)", true, false, nil, nil},
		{"ALTER TABLE t ADD KEY (b), DROP KEY c, RENAME KEY d TO e, ADD UNIQUE KEY (f)", false, false, nil, nil},
		{"CREATE TABLE t (a TEXT CHARACTER SET latin1, b TEXT COLLATE utf8mb4_bin, c TEXT CHARSET 'ASCII') DEFAULT CHARSET=UTF8MB4 COLLATE `utf8mb4_0900_ai_ci`",
			false, false, []string{"latin1", "ascii", "utf8mb4"}, []string{"utf8mb4_bin", "utf8mb4_0900_ai_ci"}},
		{"ALTER TABLE t CONVERT TO CHARACTER SET gbk COLLATE gbk_bin, DEFAULT CHARACTER SET = gbk", false, false, []string{"gbk"}, []string{"gbk_bin"}},
		{"ALTER TABLE t CONVERT TO CHARACTER SET DEFAULT", false, false, nil, nil},
		{"ALTER TABLE t COMMENT 'COLLATE x'", false, false, nil, nil},
	} {
		s, err := Parse([]byte(c.sql), Session{Schema: "d"})
		if err != nil {
			t.Fatal(err)
		}
		d := s.Demands()
		if d.AddsPrimaryKey != c.adds || d.DropsPrimaryKey != c.drops || !slices.Equal(d.Charsets, c.charsets) || !slices.Equal(d.Collations, c.collations) {
			t.Errorf("%s: %+v", c.sql, d)
		}
	}
}
