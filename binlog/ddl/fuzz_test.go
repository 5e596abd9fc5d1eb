package ddl

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/tripod-db/tripod/internal/schema"
)

func addSeeds(f *testing.F) {
	f.Helper()
	for _, s := range slices.Concat(testSteps(f, "statements.sql"), testSteps(f, "mariadb_statements.sql"), testTables(f)) {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(3))
	}
	for _, s := range []string{"", "/*!", "/*!50000", "/*!99999 x /* y */ z */ w", "`", "'\\", "$$x$$", "0x", "1e", ".5", "a.1b", "--", "-- ", "#",
		"drop table", "rename table a to", "alter table t add (", "create table t (a int as (", "create definer=", "set statement for", "((((",
		"delete from `a`.`b`", "alter table t rename", "with x as (", "create trigger t before", "/*M! x */", "create table t (key ((", "create table a (b enum(",
		"CREATE DEFINER=`\xc3\xa9`@`h` PROCEDURE `p\xc3\xa9`(x enum('\xe9'))\n    COMMENT '\xc3\xa9'\nselect '\xe9'", "CREATE DEFINER=`a` FUNCTION `\xc3\xa9`(\xe9",
		"CREATE ALGORITHM=UNDEFINED DEFINER=`r`@`l` SQL SECURITY DEFINER VIEW `v\xc3\xa9` AS select '\xe9'"} {
		f.Add([]byte(s), uint8(1))
	}
}

func fuzzSession(how uint8) Session {
	s := Session{Schema: "d", Flavor: "mysql", Version: "9.7.4"}
	if how&1 != 0 {
		s.SQLMode |= modeANSIQuotes
	}
	if how&2 != 0 {
		s.SQLMode |= modeNoBackslashEscapes
	}
	if how&4 != 0 {
		s.Flavor, s.Version = "mariadb", "10.11.19-MariaDB"
	}
	if how&8 != 0 {
		s.LowerCaseTableNames = 1
	}
	s.ClientCharset = []uint16{0, 28, 8, 63}[how>>4&3]
	return s
}

// No text makes Parse or a rewrite panic, and what they say holds together: tokens are in
// order, names stand where they are said to stand, a rewrite to the same names reads the same.
func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, sql []byte, how uint8) {
		ctx := fuzzSession(how)
		s, err := Parse(sql, ctx)
		if err != nil {
			t.Fatalf("these character sets can be converted: %v", err)
		}
		checkLexed(t, s.lex)
		same := func(n schema.Name) schema.Name { return n }
		again := s.Edited(s.NameEdits(same)...)
		s.Edited(slices.Concat(s.DefinerEdits("`a`@`b`"), s.ServerNoteEdits())...)
		s.Edited(s.SchemaEdits("x")...)
		s.Definer()
		if _, err := s.Subset(func(n schema.Name) bool { return n.Name < "m" }); err != nil && len(s.Tables) == 0 {
			t.Errorf("%q: %v", sql, err)
		}
		if edits, _, err := s.ElementEdits(Elements{ForeignKeys: true, Index: func(schema.Key) bool { return true }}); err == nil {
			s.Edited(edits...)
		}
		if s.Uncertain || len(s.Tables) == 0 || !utf8.ValidString(s.Text) || strings.Contains(s.Text, "/*") {
			return
		}
		// A quoted name can join with what follows it in a broken text only.
		r := parseText(again, Session{Schema: "d", SQLMode: ctx.SQLMode, Flavor: ctx.Flavor, Version: ctx.Version, LowerCaseTableNames: ctx.LowerCaseTableNames})
		if len(r.Tables) != len(s.Tables) {
			t.Fatalf("%q: %d tables, rewritten %q: %d", s.Text, len(s.Tables), again, len(r.Tables))
		}
		for i := range r.Tables {
			if r.Tables[i].Name != s.Tables[i].Name || r.Tables[i].Role != s.Tables[i].Role {
				t.Fatalf("%q: %v, rewritten %q: %v", s.Text, s.Tables[i], again, r.Tables[i])
			}
		}
	})
}

func checkLexed(t *testing.T, l *lexed) {
	t.Helper()
	at := 0
	for _, tok := range l.tokens {
		if tok.start < at || tok.end <= tok.start || tok.end > len(l.text) {
			t.Fatalf("token [%d,%d) behind %d in %q", tok.start, tok.end, at, l.text)
		}
		at = tok.end
	}
}

func FuzzParseCreateTable(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text []byte, _ uint8) {
		table, err := ParseCreateTable(string(text), "d")
		if (table == nil) == (err == nil) {
			t.Fatalf("%q: table %v and error %v", text, table, err)
		}
		HexLiterals(string(text), 0)
	})
}

// Reading stays linear: texts of 64 KiB that make a careless tokenizer quadratic.
func TestParseIsLinear(t *testing.T) {
	const size = 1 << 16
	for name, unit := range map[string]string{
		"comments": "/*!99999 /* */", "open comments": "/*", "quotes": "'", "backticks": "`a`", "dollars": "$a$b$c", "parentheses": "(", "closing": ")",
		"names": "a.b,", "numbers": "1e", "dashes": "--", "versioned": "/*!50000 a */", "set": "set statement a=1 for ", "with": "with a as (", "clauses": "add key (a),",
	} {
		for _, head := range []string{"", "alter table t ", "create table t (a int, ", "drop table a, ", "update ", "rename table a to b, ", "with "} {
			text := head + strings.Repeat(unit, size/len(unit))
			took := threadTime(t, func() {
				parseFor(t, text, session97)
				if _, err := ParseCreateTable(text, "d"); err == nil {
					t.Errorf("%s%s: read as a table", head, name)
				}
			})
			// This takes some 100 ms under the race detector. Quadratic work that took 20 s for four times the text, the
			// bound of old, is met here too.
			if took > 1250*time.Millisecond {
				t.Errorf("%s%s: %v", head, name, took)
			}
		}
	}
}

// threadTime returns how long a CPU was busy with do: other than the time on the clock it does not grow with the load.
func threadTime(t *testing.T, do func()) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	now := func() time.Duration {
		var used unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used); err != nil {
			t.Fatal(err)
		}
		return time.Duration(used.Nano())
	}
	begin := now()
	do()
	return now() - begin
}
