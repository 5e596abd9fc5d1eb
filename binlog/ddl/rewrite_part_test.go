package ddl

import (
	"strings"
	"testing"
)

func TestConstraintEdits(t *testing.T) {
	rename := func(name string) string { return strings.Replace(name, "t_", "w_", 1) }
	for text, want := range map[string]string{
		"CREATE TABLE t (t_chk_1 INT, CONSTRAINT `t_chk_1` CHECK (t_chk_1 > 0), CONSTRAINT t_ibfk_1 FOREIGN KEY t_idx (t_chk_1) REFERENCES t_p (id))": "CREATE TABLE t (t_chk_1 INT, CONSTRAINT `w_chk_1` CHECK (t_chk_1 > 0), CONSTRAINT `w_ibfk_1` FOREIGN KEY t_idx (t_chk_1) REFERENCES t_p (id))",
		"ALTER TABLE t DROP FOREIGN KEY t_ibfk_1, DROP CHECK t_chk_1, ALTER CHECK t_chk_2 NOT ENFORCED, DROP CONSTRAINT t_x":                          "ALTER TABLE t DROP FOREIGN KEY `w_ibfk_1`, DROP CHECK `w_chk_1`, ALTER CHECK `w_chk_2` NOT ENFORCED, DROP CONSTRAINT `w_x`",
		"ALTER TABLE t ADD CONSTRAINT FOREIGN KEY (a) REFERENCES p (id), ADD CHECK (t_a > 't_b')":                                                     "ALTER TABLE t ADD CONSTRAINT FOREIGN KEY (a) REFERENCES p (id), ADD CHECK (t_a > 't_b')",
		"ALTER TABLE t ADD FOREIGN KEY t_idx (a) REFERENCES p (id), DROP KEY t_idx":                                                                   "ALTER TABLE t ADD FOREIGN KEY t_idx (a) REFERENCES p (id), DROP KEY t_idx",
		"ALTER TABLE t DROP FOREIGN KEY IF EXISTS t_f, DROP CONSTRAINT IF EXISTS t_g, ADD CONSTRAINT IF NOT EXISTS t_h CHECK (t_a > 1)":               "ALTER TABLE t DROP FOREIGN KEY IF EXISTS `w_f`, DROP CONSTRAINT IF EXISTS `w_g`, ADD CONSTRAINT IF NOT EXISTS `w_h` CHECK (t_a > 1)",
	} {
		s := parseFor(t, text, session97)
		if got := s.Edited(s.ConstraintEdits(rename)...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestCollationEdits(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE TABLE t (a INT) ENGINE=InnoDB":                               "CREATE TABLE t (a INT) COLLATE=`c` ENGINE=InnoDB",
		"CREATE TABLE t (a VARCHAR(5) CHARSET latin1 COLLATE latin1_bin)":    "CREATE TABLE t (a VARCHAR(5) CHARSET latin1 COLLATE latin1_bin) COLLATE=`c`",
		"CREATE TABLE t (a INT) COMMENT='COLLATE' PARTITION BY KEY (a)":      "CREATE TABLE t (a INT) COLLATE=`c` COMMENT='COLLATE' PARTITION BY KEY (a)",
		"CREATE TABLE t (a INT) DEFAULT CHARACTER SET utf8mb4":               "CREATE TABLE t (a INT) DEFAULT CHARACTER SET utf8mb4",
		"CREATE TABLE t (a INT) collate latin1_bin":                          "CREATE TABLE t (a INT) collate latin1_bin",
		"CREATE TABLE t LIKE u":                                              "CREATE TABLE t LIKE u",
		"CREATE TABLE `t` (\n `a` int\n) START TRANSACTION":                  "CREATE TABLE `t` (\n `a` int\n) COLLATE=`c` START TRANSACTION",
		"CREATE TABLE `t` (\n `a` int\n) START TRANSACTION COMMENT='x'":      "CREATE TABLE `t` (\n `a` int\n) COLLATE=`c` START TRANSACTION COMMENT='x'",
		"ALTER TABLE t ADD COLUMN a VARCHAR(5)":                              "ALTER TABLE t ADD COLUMN a VARCHAR(5)",
		"CREATE TABLE t (PRIMARY KEY (a), a INT DEFAULT (CONCAT('a', ')')))": "CREATE TABLE t (PRIMARY KEY (a), a INT DEFAULT (CONCAT('a', ')'))) COLLATE=`c`",
	} {
		s := parseFor(t, text, session97)
		if got := s.Edited(s.CollationEdits("c")...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
		// In front of the notes of the server, which begin where a collation goes.
		want = strings.Replace(want, " START TRANSACTION", "", 1)
		if got := s.Edited(append(s.CollationEdits("c"), s.ServerNoteEdits()...)...); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	s := parseFor(t, "CREATE PROCEDURE p() BEGIN /* no.t */ SELECT x.`y` FROM `a`.t WHERE f(1) = 'a.t u'; END", session97)
	text := func(strings bool) (list []string) {
		for _, w := range s.Identifiers(strings) {
			n := w.Name
			if w.Qualifier != "" {
				n = w.Qualifier + "." + n
			}
			if w.Qualifies {
				n += "."
			}
			if w.Called {
				n += "("
			}
			if w.InString {
				n = "'" + n
			}
			list = append(list, n)
		}
		return list
	}
	if got, want := strings.Join(text(false), " "), "CREATE PROCEDURE p( BEGIN SELECT x. x.y FROM a. a.t WHERE f( END"; got != want {
		t.Errorf("got %s", got)
	}
	if got, want := strings.Join(text(true), " "), "CREATE PROCEDURE p( BEGIN SELECT x. x.y FROM a. a.t WHERE f( 'a. 'a.t 'u END"; got != want {
		t.Errorf("got %s", got)
	}
}
