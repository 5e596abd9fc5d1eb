package ddl

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// Names in DDL stand in the client's character set, and the server stores them in UTF-8 (fact
// 14.1): with second bytes that are a backslash or a backtick in ASCII too.
func TestClientCharsetsAgainstServer(t *testing.T) {
	server := mysqltest.Take(t, mysqltest.Options{Relaxed: true})
	db := server.Root()
	mysqltest.Exec(t, server, "CREATE DATABASE r")
	log := &logReader{server: server}
	log.next(t)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i, c := range []struct{ charset, name, comment string }{
		{"utf8mb4", "中ä", "é"}, {"utf8mb3", "中ä", "é"}, {"binary", "中ä", "é"}, {"latin1", "Größe€", "é"}, {"latin1", "caf\u0081", "\u008d"},
		{"gbk", "中運乗", "誠"}, {"gb18030", "中運乗", "ÿ"}, {"gb2312", "中国", "国"}, {"big5", "功能許", "蓋"}, {"sjis", "表ソ能", "構"}, {"cp932", "表ソ①", "－～"},
		{"ujis", "日本ｱ", "構"}, {"eucjpms", "日本①", "構"}, {"euckr", "한글똠", "방"}, {"cp1251", "таблица", "ё"}, {"koi8r", "таблица", "ё"}, {"koi8u", "їжак", "ґ"},
		{"cp866", "таблица", "ё"}, {"latin2", "żółć", "ł"}, {"latin5", "ığş", "İ"}, {"latin7", "ąčę", "ž"}, {"cp1250", "žluť", "ř"}, {"cp1256", "جدول", "پ"},
		{"cp1257", "ąčę", "ž"}, {"greek", "πίνακας", "Ω"}, {"hebrew", "טבלה", "ש"}, {"tis620", "ตาราง", "ก"}, {"cp850", "Größe", "é"}, {"cp852", "żółć", "ł"}, {"ascii", "plain", "x"},
		{"macroman", "Größe", "é"}, {"macce", "żółć", "ł"}, {"dec8", "Größe", "é"}, {"hp8", "Größe", "é"}, {"keybcs2", "žluť", "ř"}, {"geostd8", "ცხრილი", "ა"},
	} {
		id := collationOf(t, c.charset)
		n := schema.Name{Schema: "r", Name: fmt.Sprint(c.name, i)}
		text, err := EncodeText("CREATE TABLE "+n.Quoted()+" (a int COMMENT '"+c.comment+"')", id)
		if err != nil {
			t.Fatal(err)
		}
		execRaw(t, conn, "SET NAMES "+c.charset)
		execRaw(t, conn, string(text))
		events := log.next(t)
		if len(events) == 0 {
			t.Fatalf("%s: nothing was logged", c.charset)
		}
		s, err := Parse(events[len(events)-1].sql, events[len(events)-1].session)
		if err != nil {
			t.Fatal(err)
		}
		if s.Lossy || len(s.Tables) != 1 || s.Tables[0].Name != n {
			t.Errorf("%s: read %q: lossy=%v %v, want %v", c.charset, s.Text, s.Lossy, s.Tables, n)
		}
		rows := queryRows(t, db, "SELECT table_name, column_comment FROM information_schema.columns WHERE table_schema = 'r' AND table_name = ?", n.Name)
		if len(rows) != 1 || rows[0][0] != n.Name || rows[0][1] != c.comment {
			t.Errorf("%s: the server made %v of %q", c.charset, rows, n.Name)
		}
	}
}

// What the server writes into a text is UTF-8, what it copies is the client's: one event holds
// both, and both are read.
func TestMixedCharsetsAgainstServer(t *testing.T) {
	server := mysqltest.Take(t, mysqltest.Options{Relaxed: true, TrustFunctionCreators: true})
	db := server.Root()
	log := &logReader{server: server}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for charset, n := range map[string]string{"latin1": "é(", "gbk": "中運", "sjis": "表ソ能", "big5": "功能許", "cp1251": "таблица", "utf8mb4": "中é", "gb18030": "ÿ中"} {
		t.Run(charset, func(t *testing.T) {
			id := collationOf(t, charset)
			mysqltest.Exec(t, server, "DROP DATABASE IF EXISTS r", "CREATE DATABASE r")
			execRaw(t, conn, "USE r")
			execRaw(t, conn, "SET NAMES "+charset)
			log.next(t)
			for _, step := range []struct{ text, tables, objects string }{
				{"create table `N` (`N` int comment 'N', s varchar(9) default 'N') comment 'N'", "r.N", ""},
				{"create table `cN` select *, 'N' as `xN`, _binary 'N' as y from `N`", "r.cN", ""},
				{"create table `oN` engine=innodb comment='N' select *, 'N' as `xN` from `N`", "r.oN", ""},
				{"create definer = `uN`@`h` sql security invoker view `vN` (`aN`, b) as select 'N', 1 as `N` from `N` where 'N' <> s", "", "r.vN"},
				{"create or replace view r.`vN` as select '2N' as `N`", "", "r.vN"},
				{"alter view `vN` as select '3N' as `N`", "", "r.vN"},
				{"create procedure `pN`(in `xN` enum('N', ')'), y varchar(5)) comment 'N' begin select 'N', `xN`; end", "", "r.pN"},
				{"create function `fN`(`N` int) returns enum('N', 'x') deterministic comment 'N' sql security invoker return 'N'", "", "r.fN"},
				{"create definer = `uN`@`h` trigger `tN` before insert on `N` for each row set @x = 'N'", "", "r.tN"},
				{"create event `eN` on schedule every 1 day comment 'N' do select 'N'", "", "r.eN"},
				{"alter event `eN` rename to `e2N`", "", "r.eN"},
				{"drop table `cN`", "r.cN", ""},
			} {
				fill := func(text string) string { return strings.ReplaceAll(text, "N", n) }
				text, err := EncodeText(fill(step.text), id)
				if err != nil {
					t.Fatal(err)
				}
				execRaw(t, conn, string(text))
				s := lastDDL(t, log)
				if got := describeNames(s); got != fill(step.tables+"|"+step.objects) || s.Lossy || s.Uncertain {
					t.Errorf("%s: read %q: %s (lossy %v, uncertain %v)", step.text, s.Text, got, s.Lossy, s.Uncertain)
				}
				if strings.Count(s.Text, n) < strings.Count(step.text, "N")-1 && !s.StartTransaction {
					t.Errorf("%s: read %q", step.text, s.Text)
				}
			}
		})
	}
}

// The definition that LIKE takes from a temporary table is spelled by the server, and cannot be
// told from one that a client sent.
func TestLikeTemporaryIsDoubtful(t *testing.T) {
	const own = "CREATE TABLE `é` (\n  `a` int DEFAULT NULL\n) ENGINE=InnoDB"
	for text, doubt := range map[string]bool{own: true, own + " DEFAULT CHARSET=latin1": false, "create table `é` (\n  `a` int)": false, strings.ReplaceAll(own, "é", "e"): false, own + ";": false} {
		s := parseFor(t, text, Session{Schema: "d", ClientCharset: 8, Flavor: "mysql", Version: "9.7.4"})
		if s.Uncertain != doubt || doubt && len(s.Touches(schema.Name{Schema: "d", Name: "é"})) == 0 {
			t.Errorf("%q: uncertain %v, want %v", text, s.Uncertain, doubt)
		}
		if s := parseFor(t, text, Session{Schema: "d", ClientCharset: 45}); s.Uncertain {
			t.Errorf("%q: uncertain under utf8mb4", text)
		}
	}
}

// lastDDL parses the last statement of the log that is no BEGIN.
func lastDDL(t *testing.T, log *logReader) *Statement {
	t.Helper()
	var last *Statement
	for _, e := range log.next(t) {
		s, err := Parse(e.sql, e.session)
		if err != nil {
			t.Fatal(err)
		}
		if s.Kind != TransactionControl {
			last = s
		}
	}
	if last == nil {
		t.Fatal("nothing was logged")
	}
	return last
}

// describeNames prints the tables and objects of a statement.
func describeNames(s *Statement) string {
	var tables, objects []string
	for _, ref := range s.Tables {
		tables = append(tables, ref.Name.String())
	}
	for _, o := range s.Objects {
		objects = append(objects, o.Name.String())
	}
	return strings.Join(tables, " ") + "|" + strings.Join(objects, " ")
}

func execRaw(t *testing.T, conn *sql.Conn, text string) {
	t.Helper()
	if _, err := conn.ExecContext(t.Context(), text); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
}

// Bytes that are no characters make a text lossy: it names tables, and is not sent.
func TestLossy(t *testing.T) {
	gbk := Session{Schema: "d", ClientCharset: 28}
	s := parseFor(t, "drop table `\xd6\xd0` /* \xff */", gbk)
	if !s.Lossy || s.Tables[0].Name.Name != "中" {
		t.Errorf("lossy=%v, %v", s.Lossy, s.Tables)
	}
	if s := parseFor(t, "drop table `\xd6\xd0` /* \xd6\xd0 */", gbk); s.Lossy {
		t.Errorf("%q is lossy", s.Text)
	}
	// Under utf8mb4 and binary the bytes stay what they are.
	for _, id := range []uint16{0, 45, 63, 255} {
		if s := parseFor(t, "drop table a /* \xff \uFFFD */", Session{ClientCharset: id}); s.Lossy || s.Text != "drop table a /* \xff \uFFFD */" {
			t.Errorf("collation %d: lossy=%v %q", id, s.Lossy, s.Text)
		}
	}
}
