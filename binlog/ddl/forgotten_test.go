package ddl

import "testing"

func TestForgottenEdits(t *testing.T) {
	old := Session{Flavor: "mysql", Version: "5.6.24", Schema: "d"}
	for text, want := range map[string]string{
		"CREATE TABLE t (a INT CHECK (a > 0), b INT)":                                                   "CREATE TABLE t (a INT, b INT)",
		"CREATE TABLE t (CHECK (a > (1)), CONSTRAINT c CHECK (b <> ','), a INT)":                        "CREATE TABLE t (  a INT)",
		"CREATE TABLE t (a INT, CONSTRAINT `c` CHECK (a > 0), CONSTRAINT CHECK (a > 1), KEY (a))":       "CREATE TABLE t (a INT, KEY (a))",
		"CREATE TABLE t (a INT, CHECK (a > 0)) ENGINE=InnoDB":                                           "CREATE TABLE t (a INT) ENGINE=InnoDB",
		"CREATE TABLE t (`check` INT, v VARCHAR(9) DEFAULT 'check (a)')":                                "CREATE TABLE t (`check` INT, v VARCHAR(9) DEFAULT 'check (a)')",
		"ALTER TABLE t ADD CHECK (a > 0)":                                                               "ALTER TABLE t",
		"ALTER TABLE t ADD CHECK (a > 0), ADD CONSTRAINT c CHECK (a > 1), ADD b INT":                    "ALTER TABLE t   ADD b INT",
		"ALTER TABLE t ADD b INT, ADD CONSTRAINT CHECK (a > 1)":                                         "ALTER TABLE t ADD b INT",
		"ALTER TABLE t ADD (b INT REFERENCES p (id) ON DELETE SET NULL, CHECK (b > 0), c INT)":          "ALTER TABLE t ADD (b INT, c INT)",
		"ALTER TABLE t ADD b INT REFERENCES d.p (id) MATCH FULL ON UPDATE CASCADE FIRST, ENGINE=InnoDB": "ALTER TABLE t ADD b INT FIRST, ENGINE=InnoDB",
		"ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY i (a) REFERENCES p (id) ON DELETE CASCADE":          "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY i (a) REFERENCES p (id) ON DELETE CASCADE",
		"CREATE TABLE t (a INT REFERENCES p (id), PRIMARY KEY (a DESC), KEY k (b(3) desc, a ASC))":      "CREATE TABLE t (a INT, PRIMARY KEY (a), KEY k (b(3), a ASC))",
		"CREATE INDEX i ON t (a DESC, b)":                                                               "CREATE INDEX i ON t (a, b)",
		"ALTER TABLE t ADD KEY (a DESC), ORDER BY a DESC":                                               "ALTER TABLE t ADD KEY (a), ORDER BY a DESC",
		"CREATE TABLE t (SELECT a, (SELECT b FROM u ORDER BY c DESC) FROM u ORDER BY a DESC)":           "CREATE TABLE t (SELECT a, (SELECT b FROM u ORDER BY c DESC) FROM u ORDER BY a DESC)",
		"CREATE TABLE t (a INT CHECK (a > 0)NOT NULL, b INT REFERENCES p (id)PRIMARY KEY)":              "CREATE TABLE t (a INT NOT NULL, b INT PRIMARY KEY)",
		"ALTER TABLE t CHECK PARTITION p":                                                               "ALTER TABLE t CHECK PARTITION p",
		"CREATE VIEW v AS SELECT 1 FROM t WHERE a IN (SELECT a FROM u) WITH CHECK OPTION":               "CREATE VIEW v AS SELECT 1 FROM t WHERE a IN (SELECT a FROM u) WITH CHECK OPTION",
	} {
		s := parseFor(t, text, old)
		if got := s.Edited(s.ForgottenEdits()...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
		if edits := parseFor(t, text, session97).ForgottenEdits(); len(edits) > 0 {
			t.Errorf("%s: 9.7 forgets nothing of it: %v", text, edits)
		}
	}
	text := "CREATE TABLE t (a INT CHECK (a > 0) REFERENCES p (id), PRIMARY KEY (a DESC))"
	for version, want := range map[string]string{
		"8.0.15": "CREATE TABLE t (a INT, PRIMARY KEY (a DESC))", "8.4.3": "CREATE TABLE t (a INT CHECK (a > 0), PRIMARY KEY (a DESC))", "": text,
	} {
		s := parseFor(t, text, Session{Flavor: "mysql", Version: version, Schema: "d"})
		if got := s.Edited(s.ForgottenEdits()...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", version, got, want)
		}
	}
	s := parseFor(t, text, Session{Flavor: "mariadb", Version: "10.6.1-MariaDB", Schema: "d"})
	if got, want := s.Edited(s.ForgottenEdits()...), "CREATE TABLE t (a INT CHECK (a > 0) REFERENCES p (id), PRIMARY KEY (a))"; got != want {
		t.Errorf("MariaDB:\n got %s\nwant %s", got, want)
	}
}
