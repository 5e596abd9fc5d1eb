package ddl

import "testing"

// TestPromise9_StatementsAreShownWithoutPasswords: whatever a message, a log or a manifest quotes of a statement holds no password.
func TestPromise9_StatementsAreShownWithoutPasswords(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION='mysql://u:pw@h/d/t'":      "CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION='***'",
		"CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION  \"mysql://u:p\\\"w@h/d/t": "CREATE TABLE f (a INT) ENGINE=FEDERATED CONNECTION  '***'",
		"CREATE SERVER s OPTIONS (USER 'u', PASSWORD 'it''s', HOST 'h')":               "CREATE SERVER s OPTIONS (USER 'u', PASSWORD '***', HOST 'h')",
		"create table t (a int) comment='srv \"x\", Password \"y\"'":                   "create table t (a int) comment='***'",
		"CREATE TABLE t (a INT COMMENT 'plain') COMMENT='words'":                       "CREATE TABLE t (a INT COMMENT 'plain') COMMENT='words'",
		"ALTER USER u IDENTIFIED WITH x AS 'hash'":                                     "ALTER USER u IDENTIFIED WITH x AS '***'",
		"CREATE VIEW v AS SELECT 'a' AS 'b'":                                           "CREATE VIEW v AS SELECT 'a' AS 'b'",
		"CREATE TABLE t (password INT) OPTION_LIST='User=u,Password=p'":                "CREATE TABLE t (password INT) OPTION_LIST='***'",
	} {
		if got := Redacted(text); got != want {
			t.Errorf("%s\nis shown as %s\nwant        %s", text, got, want)
		}
	}
}
