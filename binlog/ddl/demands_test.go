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

// TestDemandsOfNamesThatAreOptions: ENGINE, TABLESPACE, CHARSET and ENCRYPTION may be names of columns and tables, without
// quotes.
func TestDemandsOfNamesThatAreOptions(t *testing.T) {
	for _, c := range []struct {
		sql                            string
		engines, tablespaces, charsets []string
		encrypted                      bool
	}{
		{sql: "CREATE TABLE t (engine VARCHAR(9), tablespace INT, charset CHAR(3), encryption ENUM('y'))"},
		{sql: "ALTER TABLE t ADD engine VARCHAR(9), ADD COLUMN tablespace INT AFTER engine, ADD charset INT FIRST"},
		{sql: "ALTER TABLE t CHANGE a engine INT, CHANGE COLUMN tablespace charset INT, MODIFY engine INT, ALTER engine SET DEFAULT 1"},
		{sql: "ALTER TABLE t RENAME COLUMN engine TO motor, RENAME COLUMN a TO tablespace, DROP COLUMN engine, DROP tablespace"},
		{sql: "ALTER TABLE engine ADD a INT"},
		{sql: "ALTER TABLE d.tablespace ADD a INT"},
		{sql: "RENAME TABLE tablespace TO engine, engine TO charset"},
		{sql: "ALTER TABLE t ADD KEY engine (engine), ADD INDEX (a, tablespace, charset)"},
		{sql: "CREATE INDEX engine ON cars (engine)"}, {sql: "DROP INDEX charset ON t"}, {sql: "CREATE INDEX tablespace ON t (a)"},
		{sql: "ALTER TABLE t ORDER BY engine DESC"}, {sql: "ALTER TABLE t ADD INDEX engine USING BTREE (engine), ALTER INDEX tablespace INVISIBLE"},
		{sql: "ALTER TABLE t ADD CONSTRAINT charset CHECK (a <> charset AND b > engine)"},
		{sql: "CREATE TABLE t (a INT) ENGINE=InnoDB TABLESPACE=ts CHARSET=latin1 ENCRYPTION='Y'", engines: []string{"innodb"}, tablespaces: []string{"ts"}, charsets: []string{"latin1"}, encrypted: true},
		{sql: "CREATE TABLE t (a INT, b TEXT CHARSET gbk) ENGINE InnoDB, TABLESPACE ts, ENCRYPTION 'y'", engines: []string{"innodb"}, tablespaces: []string{"ts"}, charsets: []string{"gbk"}, encrypted: true},
		{sql: "ALTER TABLE engine ENGINE=MyISAM, TABLESPACE ts, DEFAULT CHARSET latin1", engines: []string{"myisam"}, tablespaces: []string{"ts"}, charsets: []string{"latin1"}},
		{sql: "ALTER TABLE t ADD engine INT, ENGINE MyISAM", engines: []string{"myisam"}},
		{sql: "CREATE TABLE t (a INT) /*!50100 TABLESPACE `ts` */ PARTITION BY RANGE (a) (PARTITION p VALUES LESS THAN (1) TABLESPACE = ts2 ENGINE=InnoDB, PARTITION q VALUES LESS THAN (2) TABLESPACE ts3)", tablespaces: []string{"ts", "ts2", "ts3"}},
	} {
		s, err := Parse([]byte(c.sql), Session{Schema: "d", Version: "9.7.4"})
		if err != nil {
			t.Fatal(err)
		}
		d := s.Demands()
		if !slices.Equal(d.Engines, c.engines) || !slices.Equal(d.Tablespaces, c.tablespaces) || !slices.Equal(d.Charsets, c.charsets) || d.Encrypted != c.encrypted {
			t.Errorf("%s: %+v", c.sql, d)
		}
	}
}
