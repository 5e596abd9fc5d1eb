package ddl

import (
	"strings"
	"testing"
)

func tokensOf(text string, ctx Session) string {
	l := lex(text, ctx)
	var out []string
	for _, t := range l.tokens {
		out = append(out, l.text[t.start:t.end])
	}
	return strings.Join(out, "|")
}

func TestTokens(t *testing.T) {
	ansi := Session{SQLMode: modeANSIQuotes, Flavor: "mysql", Version: "9.7.4"}
	plain := Session{SQLMode: modeNoBackslashEscapes, Flavor: "mysql", Version: "9.7.4"}
	old := Session{Flavor: "mysql", Version: "5.6.24-log"}
	maria := Session{Flavor: "mariadb", Version: "10.11.19-MariaDB-log"}
	for _, c := range []struct {
		text string
		ctx  Session
		want string
	}{
		{"a.b, `c``d`", session97, "a|.|b|,|`c``d`"},
		{`'it''s' 'a\'b' "x\"y" "p""q"`, session97, `'it''s'|'a\'b'|"x\"y"|"p""q"`},
		{`'a\' "b\"`, plain, `'a\'|"b\"`},
		{`"a""b" 'c'`, ansi, `"a""b"|'c'`},
		{"a -- b\nc --d\n# e\n--\tf", session97, "a|c|-|-|d"},
		{"a /* b */ c /* d * / e */ f", session97, "a|c|f"},
		{"a /*! b */ c", session97, "a|b|c"},
		{"a /*!80023 b */ c /*!99999 d */ e", session97, "a|b|c|e"},
		{"a /*!080023 b */ c", session97, "a|b|c"},
		{"a /*!90705 b */ /*!90704 c */", session97, "a|c"},
		{"a /*!99999 b /* c */ d */ e", session97, "a|e"},
		{"a /*!50000 b /* c */ d */ e", session97, "a|b|d|e"},
		{"a /*!50601 b */ /*!506011 c */ d", old, "a|b|1|c|d"},
		{"a /*M! b */ c /*M!100100 d */ e", session97, "a|c|e"},
		{"a /*M! b */ c /*M!100100 d */ /*M!110000 e */", maria, "a|b|c|d"},
		{"a /*!50701 b */ /*!50601 c */ /*!100100 d */ /*!99999 e */", maria, "a|c|d"},
		{"a /*+ MAX_EXECUTION_TIME(1) */ b", session97, "a|b"},
		{"x'1f' X'1F' b'01' N'a' _latin1'b' 0x1f 0b01 0X1f", session97, "x'1f'|X'1F'|b'01'|N'a'|_latin1|'b'|0x1f|0b01|0X1f"},
		{"1 1.5 .5 1e3 1.5e-3 1e 1a 0xg 1.e2", session97, "1|1.5|.5|1e3|1.5e-3|1e|1a|0xg|1.e2"},
		{"a.1b a.1 1a.2b `a`.5c", session97, "a|.|1b|a|.|1|1a|.|2b|`a`|.|5c"},
		{"$a a$b größe 中", session97, "$a|a$b|größe|中"},
		{"$$ ' -- $$ b", session97, "$$ ' -- $$|b"},
		{"$t$ $$ $t$ b", session97, "$t$ $$ $t$|b"},
		{"$$ ' $$'", old, "$$|' $$'"},
		{"@a @@b.c @`d` u@'h'", session97, "@|a|@|@|b|.|c|@|`d`|u|@|'h'"},
		{"a\x00b\x7f", session97, "a|\x00|b|\x7f"},
		{"a:=b->>'$.x'<=>c", session97, "a|:|=|b|-|>|>|'$.x'|<|=|>|c"},
		{"a*/b", session97, "a|*|/|b"},
	} {
		if got := tokensOf(c.text, c.ctx); got != c.want {
			t.Errorf("%q under %s: got %q, want %q", c.text, c.ctx.Version, got, c.want)
		}
	}
	for _, text := range []string{"'a", "`a", "/* a", "/*!99999 a", `"a\"`, "'a''"} {
		if l := lex(text, session97); !l.broken {
			t.Errorf("%q: not seen as broken", text)
		}
	}
}

// What MariaDB and older servers log in their own forms.
func TestStatementsOfOtherServers(t *testing.T) {
	maria := Session{Schema: "d", Flavor: "mariadb", Version: "10.11.19-MariaDB-log"}
	checkStatements(t, maria, []statementCase{
		{"CREATE OR REPLACE TABLE `t` (\n  `a` int(11) DEFAULT NULL\n)", "CREATE TABLE: meaning; hard; or replace; created d.t!"},
		{"ALTER TABLE IF EXISTS t WAIT 5 ADD COLUMN IF NOT EXISTS a INT", "ALTER TABLE: meaning; if exists; altered d.t"},
		{"ALTER TABLE t NOWAIT ADD COLUMN IF NOT EXISTS a INT", "ALTER TABLE: meaning; altered d.t"},
		{"ALTER ONLINE IGNORE TABLE t ADD UNIQUE (a)", "ALTER TABLE: meaning; hard; altered d.t!"},
		{"ALTER TABLE t ADD a UUID DEFAULT uuid()", "ALTER TABLE: not in the log; hard; altered d.t!"},
		{"ALTER TABLE t ADD a INT DEFAULT nextval(s)", "ALTER TABLE: not in the log; hard; altered d.t!"},
		{"ALTER TABLE p CONVERT PARTITION p0 TO TABLE o.t", "ALTER TABLE: not in the log; hard; exchanged d.p!; exchanged o.t"},
		{"ALTER TABLE p CONVERT TABLE t TO PARTITION p9 VALUES LESS THAN (9)", "ALTER TABLE: not in the log; hard; exchanged d.p!; exchanged d.t"},
		{"ALTER TABLE t DROP FOREIGN KEY IF EXISTS f", "ALTER TABLE: meaning; altered d.t"},
		{"ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY IF NOT EXISTS (a) REFERENCES p (a), ADD UNIQUE KEY IF NOT EXISTS u (a)", "ALTER TABLE: meaning; altered d.t; parent d.p"},
		{"ANALYZE FORMAT=JSON UPDATE t SET a = 1", "ANALYZE FORMAT: not in the log; by triggers; written d.t; uncertain in d"},
		{"ALTER TABLE t ADD CHECK (sequence = 0)", "ALTER TABLE: meaning; hard; altered d.t!"},
		{"ALTER TABLE t ADD SYSTEM VERSIONING", "ALTER TABLE: not in the log; hard; altered d.t!"},
		{"CREATE TABLE t (a INT) WITH SYSTEM VERSIONING", "CREATE TABLE: not in the log; hard; created d.t!"},
		{"RENAME TABLE IF EXISTS a WAIT 3 TO b, c NOWAIT TO d", "RENAME TABLE: meaning; hard; if exists; renamed from d.a!; renamed to d.b!; renamed from d.c!; renamed to d.d!; d.a -> d.b; d.c -> d.d"},
		{"DROP TABLE IF EXISTS a, b WAIT 3", "DROP TABLE: meaning; hard; if exists; dropped d.a!; dropped d.b!"},
		{"TRUNCATE TABLE t WAIT 1", "TRUNCATE TABLE: meaning; hard; truncated d.t!"},
		{"DROP INDEX IF EXISTS i ON t", "DROP INDEX: meaning; if exists; altered d.t"},
		{"CREATE SEQUENCE s", "CREATE SEQUENCE: not in the log; created d.s"},
		{"ALTER SEQUENCE IF EXISTS s RESTART 5", "ALTER SEQUENCE: not in the log; if exists; altered d.s"},
		{"DROP SEQUENCE s, o.s2", "DROP SEQUENCE: meaning; dropped d.s; dropped o.s2"},
		{"CREATE OR REPLACE DATABASE x", "CREATE DATABASE: schema; hard; or replace; schema x"},
		{"ALTER DATABASE COMMENT 'x'", "ALTER DATABASE: schema; schema d"},
		{"CREATE DEFINER=`a`@`%` PACKAGE BODY pk AS END", "CREATE OBJECT: other object; package body d.pk"},
		{"CREATE OR REPLACE DEFINER=`a`@`%` AGGREGATE FUNCTION f(x INT) RETURNS INT RETURN 1", "CREATE OBJECT: other object; or replace; function d.f"},
		{"CREATE /*M! OR REPLACE */ VIEW v AS SELECT 1", "CREATE OBJECT: other object; or replace; view d.v"},
		{"SET STATEMENT max_statement_time=1, lock_wait_timeout=(2) FOR ALTER TABLE t COMMENT 'FOR'", "ALTER TABLE: definition only; hard; altered d.t!"},
		{"# Dum", ": none"},
		{"DELETE FROM `d`.`m`", "TRUNCATE TABLE: meaning; truncated d.m"},
	})
	checkStatements(t, session97, []statementCase{
		{"create table `t😀𝄞é` (a int)", "CREATE TABLE: meaning; hard; created d.t??é!"},
		{"drop view `s😀`.`v😀`", "DROP OBJECT: other object; view s?.v?"},
	})
	checkStatements(t, Session{Schema: "D", LowerCaseTableNames: 1, UpdatedSchemas: []string{"Z"}}, []statementCase{
		{"RENAME TABLE A TO O.B", "RENAME TABLE: meaning; hard; renamed from d.a!; renamed to o.b!; d.a -> o.b"},
		{"DROP DATABASE X", "DROP DATABASE: schema; hard; schema x"},
		{"CALL P()", "CALL: not in the log; uncertain in z,d"},
	})
	// pt-table-checksum: one schema is written, and the event says so.
	checkStatements(t, Session{Schema: "d", UpdatedSchemas: []string{"percona"}}, []statementCase{
		{"REPLACE INTO `percona`.`checksums` (db, tbl) SELECT 'd', COUNT(*) FROM `d`.`t` FORCE INDEX(`PRIMARY`) WHERE ((`id` >= 1))",
			"REPLACE: not in the log; by triggers; written percona.checksums; selected from d.t; uncertain in percona"},
	})
}
