package rewriter

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// TestR8RenamePairByPair: for every pair of sides what DESIGN section 5 says, left to right.
func TestR8RenamePairByPair(t *testing.T) {
	name := func(s string) schema.Name { return schema.Name{Schema: "d", Name: s} }
	for _, c := range []struct {
		pairs string // from>to:sides, sides of skip, inside, After as s, i, A
		want  []string
		err   error
	}{
		{"a>b:AA", []string{"RENAME TABLE `d`.`a` TO `d`.`b`"}, nil},
		{"a>b:ss", nil, nil},
		{"a>b:As", []string{"DROP TABLE `d`.`a`"}, nil},
		{"a>b:sA", nil, ErrFlow},
		{"a>b:iA", nil, ErrInWindow},
		{"a>b:Ai", nil, ErrInWindow},
		// gh-ost: one statement as long as all pairs execute
		{"t>_t_del:AA _t_gho>t:AA", []string{"RENAME TABLE `d`.`t` TO `d`.`_t_del`, `d`.`_t_gho` TO `d`.`t`"}, nil},
		// the old table was read under its new name: it goes, and the order stays
		{"t>_t_del:As _t_gho>t:AA", []string{"DROP TABLE `d`.`t`", "RENAME TABLE `d`.`_t_gho` TO `d`.`t`"}, nil},
		{"a>x:AA b>a:As x>b:AA", []string{"RENAME TABLE `d`.`a` TO `d`.`x`", "DROP TABLE `d`.`b`", "RENAME TABLE `d`.`x` TO `d`.`b`"}, nil},
	} {
		sides := map[[2]schema.Name][2]binlog.Side{}
		var pairs [][2]schema.Name
		letters := map[byte]binlog.Side{'s': binlog.Skip, 'i': binlog.Inside, 'A': binlog.After}
		for _, p := range strings.Fields(c.pairs) {
			names, s, _ := strings.Cut(p, ":")
			from, to, _ := strings.Cut(names, ">")
			pair := [2]schema.Name{name(from), name(to)}
			pairs = append(pairs, pair)
			sides[pair] = [2]binlog.Side{letters[s[0]], letters[s[1]]}
		}
		steps, err := Rename(pairs, func(from, to schema.Name) (binlog.Side, binlog.Side) {
			s := sides[[2]schema.Name{from, to}]
			return s[0], s[1]
		})
		var got []string
		for _, s := range steps {
			got = append(got, s.SQL)
		}
		if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v; want %q, %v", c.pairs, got, err, c.want, c.err)
		}
	}
}

func parse(t *testing.T, sql string) *ddl.Statement {
	t.Helper()
	s, err := ddl.Parse([]byte(sql), ddl.Session{Schema: "d"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTriggerHead(t *testing.T) {
	for _, c := range []struct{ sql, timing, event, follows, precedes, without string }{
		{"CREATE DEFINER=`a`@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @a=1", "BEFORE", "INSERT", "", "",
			"CREATE DEFINER=`a`@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @a=1"},
		{"CREATE TRIGGER `tr` after\nupdate on `d`.`t` for each row FOLLOWS `other one` SET @a=1", "AFTER", "UPDATE", "other one", "",
			"CREATE TRIGGER `tr` after\nupdate on `d`.`t` for each row  SET @a=1"},
		{"CREATE TRIGGER tr AFTER DELETE ON t FOR EACH ROW /* why */ PRECEDES x BEGIN END", "AFTER", "DELETE", "", "x",
			"CREATE TRIGGER tr AFTER DELETE ON t FOR EACH ROW /* why */  BEGIN END"},
	} {
		s := parse(t, c.sql)
		h, ok := ParseTriggerHead(s)
		if !ok || h.Timing != c.timing || h.Event != c.event || h.Follows != c.follows || h.Precedes != c.precedes {
			t.Errorf("%s: %+v %v", c.sql, h, ok)
		}
		if got := s.Edited(h.WithoutOrder()...); got != c.without {
			t.Errorf("without order:\n got %s\nwant %s", got, c.without)
		}
	}
	if _, ok := ParseTriggerHead(parse(t, "CREATE VIEW v AS SELECT 1")); ok {
		t.Error("a view has a trigger's head")
	}
}

func TestDisableEvent(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01' DO SET @a=1", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01' DISABLE DO SET @a=1"},
		{"CREATE EVENT e ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE COMMENT 'it\\'s DO' DO SET @a=1", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE DISABLE COMMENT 'it\\'s DO' DO SET @a=1"},
		{"CREATE EVENT e ON SCHEDULE EVERY 1 DAY COMMENT 'ENABLE' DO SET @a=1", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE COMMENT 'ENABLE' DO SET @a=1"},
		{"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1", "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SET @a=1"},
		{"ALTER EVENT e ENABLE", "ALTER EVENT e DISABLE"},
		{"ALTER EVENT e DO SET @a=2", "ALTER EVENT e DO SET @a=2"},
	} {
		s := parse(t, c.sql)
		if got := s.Edited(DisableEvent(s)...); got != c.want {
			t.Errorf("\n got %s\nwant %s", got, c.want)
		}
	}
}

// TestR10ContextOfMariaDB: it says in its flags, and in bits of its mode, what means something else to others.
func TestR10ContextOfMariaDB(t *testing.T) {
	mode, flags := uint64(1<<9|1<<22|1<<32|1<<34), uint32(1<<24|1<<28)
	q := &event.Query{Timestamp: 1234, Context: event.Context{SQLMode: &mode, Flags2: &flags}}
	context := ContextOf(q, true, UnloggedBy(false, 10, 11, false))
	for target, want := range map[Knows][]string{
		{MariaDB: true}: {"sql_mode='ORACLE,STRICT_ALL_TABLES,EMPTY_STRING_IS_NULL,TIME_ROUND_FRACTIONAL'", "sql_if_exists=1", "explicit_defaults_for_timestamp=1"},
		{Modern: true}:  {"sql_mode='STRICT_ALL_TABLES'", "explicit_defaults_for_timestamp=1", "default_collation_for_utf8mb4=45"},
		{}:              {"sql_mode='ORACLE,STRICT_ALL_TABLES'", "explicit_defaults_for_timestamp=1"},
	} {
		got := ""
		for _, v := range target.Fit(context) {
			got += v.Name + "=" + v.Value + " "
		}
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%+v: %s lacks %s", target, got, w)
			}
		}
		if !target.MariaDB && strings.Contains(got, "sql_if_exists") {
			t.Errorf("%+v: %s", target, got)
		}
	}
}

// TestR10ContextOfAStatement: the variables of the log, completed, and fitted to the target.
func TestR10ContextOfAStatement(t *testing.T) {
	mode, micros, flags := uint64(1<<22|1<<28|1<<2), uint32(7), event.Flags2RelaxedUniqueChecks
	increment := uint16(5)
	q := &event.Query{Timestamp: 1234, Context: event.Context{
		SQLMode: &mode, Micros: &micros, Flags2: &flags, AutoIncrement: &increment, TimeZone: "Europe/Berlin",
		ClientCharset: 28, ConnectionCollation: 8, ServerCollation: 255, DefaultCollationForUTF8MB4: 45,
	}}
	fitted := func(k Knows, variables []Variable) string {
		var list []string
		for _, v := range k.Fit(variables) {
			list = append(list, v.Name+"="+v.Value)
		}
		return strings.Join(list, " ")
	}
	text := func(converted bool) string { return fitted(Knows{Modern: true}, ContextOf(q, converted, Unlogged{})) }
	const common = "sql_mode=4194308 foreign_key_checks=0 unique_checks=0 timestamp=1234.000007 time_zone='Europe/Berlin'" +
		" auto_increment_increment=5 auto_increment_offset=1"
	const tail = " collation_connection=8 collation_server=255 default_collation_for_utf8mb4=45"
	if got := text(false); got != common+" character_set_client=28"+tail {
		t.Error(got)
	}
	if got := text(true); got != common+" character_set_client=255"+tail {
		t.Error(got)
	}
	const old = "sql_mode=272629764 foreign_key_checks=0 unique_checks=0 timestamp=1234.000007 time_zone='Europe/Berlin'" +
		" auto_increment_increment=5 auto_increment_offset=1 character_set_client=45 collation_connection=8"
	if got := fitted(Knows{FixedTimestamps: true}, ContextOf(q, true, UnloggedBy(true, 5, 6, false))); got != old {
		t.Error(got)
	}
	q.Context.DefaultCollationForUTF8MB4, q.Context.ServerCollation = 0, 0
	if got := fitted(Knows{Modern: true}, ContextOf(q, false, UnloggedBy(true, 5, 6, false))); got != common+
		" character_set_client=28 collation_connection=8 explicit_defaults_for_timestamp=0 default_collation_for_utf8mb4=45" {
		t.Error(got)
	}
	connection := []Variable{{variableConnection, "255"}}
	if of, old := (Knows{Modern: true}).FitTable(connection), (Knows{}).FitTable(connection); of[0].Value != "255" || old[0].Value != "45" || (Knows{}).Fit(connection)[0].Value != "255" {
		t.Errorf("the connection's collation becomes %v and %v", of, old)
	}
	for _, c := range []struct {
		modern      bool
		value, want string
	}{
		{true, "'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,ANSI_QUOTES'", "'STRICT_TRANS_TABLES,ANSI_QUOTES'"},
		{false, "'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER,TIME_TRUNCATE_FRACTIONAL'", "'STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER'"},
		{true, "'NO_AUTO_CREATE_USER'", "''"}, {true, "''", "''"},
	} {
		if got := (Knows{Modern: c.modern}).mode(c.value); got != c.want {
			t.Errorf("%s becomes %s, want %s", c.value, got, c.want)
		}
	}
}

func TestTextBatch(t *testing.T) {
	columns := []*schema.Column{{Name: "i", Type: "int"}, {Name: "e", Type: "enum"}, {Name: "s", Type: "varchar"}, {Name: "j", Type: "json"}, {Name: "f", Type: "double"}}
	b := NewTextBatch(schema.Name{Schema: "d", Name: "t"}, columns, true)
	for _, line := range []string{"1\t2\ta\\tb\\\\\t[1]\t1e-7", "\\N\t0\t\t\\N\t-0"} {
		if err := b.Add([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	const want = "REPLACE INTO `d`.`t` (`i`,`e`,`s`,`j`,`f`) VALUES ('1',2,x'6109625c',CAST(_utf8mb4 x'5b315d' AS JSON),'1e-7'),(NULL,0,x'',NULL,'-0')"
	if got := string(b.SQL()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for _, line := range []string{"1", "1\t2\ta\t[1]\t1\t1", "1'\t2\ta\t[1]\t1", "1\t2)\ta\t[1]\t1", "1\t2\ta\\\t[1]\t1"} {
		if err := NewTextBatch(schema.Name{}, columns, false).Add([]byte(line)); err == nil {
			t.Errorf("%q is taken", line)
		}
	}
}

func TestAlterViewCreates(t *testing.T) {
	s := parse(t, "/* why */ ALTER ALGORITHM=UNDEFINED DEFINER=`a`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1")
	const want = "/* why */ CREATE ALGORITHM=UNDEFINED DEFINER=`a`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1"
	if got := s.Edited(CreateInsteadOfAlter(s)...); got != want {
		t.Errorf("got %s", got)
	}
	if edits := CreateInsteadOfAlter(parse(t, "CREATE VIEW v AS SELECT 1")); edits != nil {
		t.Errorf("CREATE is edited: %v", edits)
	}
}
