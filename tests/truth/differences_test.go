package truth

import (
	"strings"
	"testing"
)

// The rules for counters and definers have to pass for what is right and to tell each way to be
// wrong.
func TestCounterDifferences(t *testing.T) {
	source := &Truth{counters: map[string]Counter{"d.t": {Next: 20, Greatest: 9}}}
	for _, c := range []struct {
		restored Counter
		atLeast  uint64
		exact    bool
		want     string
	}{
		{Counter{20, 9}, 15, true, ""},
		{Counter{12, 9}, 12, false, ""}, // what was rolled back left no trace
		{Counter{19, 9}, 0, true, "exactly 20"},
		{Counter{21, 9}, 0, false, "beyond the source's 20"},
		{Counter{9, 9}, 0, false, "not behind its row 9"},
		{Counter{14, 9}, 15, false, "values up to 14"},
		{Counter{20, 9}, 30, false, "the source itself"},
	} {
		restored := &Truth{counters: map[string]Counter{"d.t": c.restored}}
		got := source.CounterDifferences(restored, map[string]uint64{"d.t": c.atLeast}, map[string]bool{"d.t": c.exact})
		wantOne(t, got, c.want)
	}
}

// A counter that was set back may come back as high as it was, but not too low; others are judged as ever.
func TestCountersThatFell(t *testing.T) {
	source := &Truth{counters: map[string]Counter{"d.fell": {Next: 20, Greatest: 9}, "d.t": {Next: 20, Greatest: 9}}}
	open := source.CountersFell(func(table string) bool { return table == "d.fell" })
	for table, wants := range map[string]map[Counter]string{
		"d.fell": {{21, 9}: "", {14, 9}: "values up to 14"},
		"d.t":    {{21, 9}: "beyond the source's 20", {14, 9}: "values up to 14"},
	} {
		for counter, want := range wants {
			restored := &Truth{counters: map[string]Counter{table: counter}}
			wantOne(t, open.CounterDifferences(restored, map[string]uint64{table: 15}, nil), want)
		}
	}
}

func TestDefinerDifferences(t *testing.T) {
	for _, c := range []struct {
		source, restored string
		mayAll           bool
		changed          []string
		want             string
	}{
		{"app@%", "app@%", true, nil, ""},
		{"app@%", "app@%", false, nil, ""},
		{"app@%", "me@%", false, []string{"view d.v: app@%"}, ""},
		{"app@%", "me@%", false, nil, "and not told"},
		{"app@%", "me@%", false, []string{"view d.v: root@%"}, "told to have been root@%"},
		{"app@%", "me@%", true, []string{"view d.v: app@%"}, "the source has app@%"},
		{"app@%", "other@%", false, []string{"view d.v: app@%"}, "the source has app@%"},
		{"app@%", "app@%", false, []string{"view d.v: app@%"}, "kept, but told"},
		{"app@%", "me@%", false, []string{"view d.v: app@%", "view d.v: app@%"}, "told twice"},
		{"app@%", "app@%", false, []string{"view d.other: app@%"}, "no such object"},
	} {
		source := &Truth{definers: map[string]string{"view d.v": c.source}}
		restored := &Truth{definers: map[string]string{"view d.v": c.restored}}
		wantOne(t, source.DefinerDifferences(restored, "me@%", c.mayAll, c.changed), c.want)
	}
}

// What one server spells and another does not is left out of definitions, and nothing else is.
func TestUnspelled(t *testing.T) {
	source := newTruth()
	for text, want := range map[string]string{
		"  `a` varchar(9) CHARACTER SET latin1 COLLATE latin1_bin NOT NULL,": "  `a` varchar(9) NOT NULL,",
		"  `e` enum('x)','m''x') COLLATE utf8mb4_bin DEFAULT 'x)',":          "  `e` enum('x)','m''x') DEFAULT 'x)',",
		"  `t` text COLLATE utf8mb4_bin COMMENT 'COLLATE b'":                 "  `t` text COMMENT 'COLLATE b'",
		"  `n` int NOT NULL,":          "  `n` int NOT NULL,",
		"  KEY `k` (`v`(191)),":        "  KEY `k` (`v`),",
		"  KEY `k` (`v`(5)),":          "  KEY `k` (`v`(5)),",
		"  UNIQUE KEY `k` (`v`(191)),": "  UNIQUE KEY `k` (`v`(191)),",
		") ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin": ") ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_bin",
	} {
		source.objects["table d.t"] = text
		if got := source.Unspelled().objects["table d.t"]; got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
	restored := newTruth()
	source.objects["table d.t"], source.collations["d.t"] = "same", "a latin1 latin1_bin\n"
	restored.objects["table d.t"], restored.collations["d.t"] = "same", "a latin1 latin1_swedish_ci\n"
	wantOne(t, source.Differences(restored), "collations of d.t")
}

func TestTriggersByTheirNames(t *testing.T) {
	for text, want := range map[string]string{
		"CREATE TRIGGER `s`.`a``b` AFTER INSERT ON `t` FOR EACH ROW SET @x = 1":      "CREATE TRIGGER `a``b` AFTER INSERT ON `t` FOR EACH ROW SET @x = 1",
		"CREATE TRIGGER tr BEFORE UPDATE ON `Ängste-2`.`t` FOR EACH ROW SET NEW.a=1": "CREATE TRIGGER `tr` BEFORE UPDATE ON `t` FOR EACH ROW SET NEW.a=1",
	} {
		if got := triggerNames.ReplaceAllString(text, "CREATE TRIGGER `$1$2` $3 ON `$4$5` FOR"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// wantOne wants no difference, or one with the wanted words.
func wantOne(t *testing.T, got []string, want string) {
	t.Helper()
	if want == "" && len(got) == 0 {
		return
	}
	if want == "" || len(got) != 1 || !strings.Contains(got[0], want) {
		t.Errorf("got %q, want one with %q", got, want)
	}
}

// A table with another name has its checks in another order, where some have names that follow.
func TestRenamedChecks(t *testing.T) {
	text := "CREATE TABLE `a` (\n  `n` int,\n  CONSTRAINT `a_chk_1` CHECK ((`n` > 0)),\n  CONSTRAINT `Z` CHECK ((`n` > 1)),\n  CONSTRAINT `late` CHECK ((`n` > 2))\n) ENGINE=InnoDB"
	want := "CREATE TABLE `moved` (\n  `n` int,\n  CONSTRAINT `late` CHECK ((`n` > 2)),\n  CONSTRAINT `moved_chk_1` CHECK ((`n` > 0)),\n  CONSTRAINT `Z` CHECK ((`n` > 1))\n) ENGINE=InnoDB"
	if got := renamedText(text, map[string]string{"d.a": "d.moved"}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// MySQL prints the checks of a table that was altered otherwise than those of a new one; nothing else may differ.
func TestPreparedChecks(t *testing.T) {
	created := "CREATE TABLE `a` (\n  `n` bigint DEFAULT '-(5)',\n  CONSTRAINT `a_chk_1` CHECK (((`n` > -(5)) and (`n` <> _utf8mb4'7')))\n) ENGINE=InnoDB"
	altered := "CREATE TABLE `a` (\n  `n` bigint DEFAULT '-(5)',\n  CONSTRAINT `a_chk_1` CHECK (((`n` > -5) and (`n` <> 7)))\n) ENGINE=InnoDB"
	if got := preparedChecks(created); got != altered {
		t.Errorf("got\n%s\nwant\n%s", got, altered)
	}
	for _, other := range []string{strings.ReplaceAll(altered, "-5", "-6"), strings.Replace(altered, "'-(5)'", "'-5'", 1), strings.Replace(created, "bigint", "varchar(5)", 1)} {
		if preparedChecks(other) == altered {
			t.Errorf("%s\nis as good as\n%s", other, altered)
		}
	}
}

// Privileges on tables that are gone are not compared. A server that folds names calls schemas as it folds them.
func TestAccountsOfTables(t *testing.T) {
	source := newTruth()
	source.called["Ängste"], source.rows["Ängste.t"] = "ängste", nil
	kept := "GRANT SELECT ON *.* TO `u`@`%`\nGRANT SELECT ON `ängste`.`t` TO `u`@`%`\n"
	got := Accounts{"'u'@'%'": kept + "GRANT SELECT (`a`) ON `ängste`.`gone` TO `u`@`%`\n"}.OfTables(source)["'u'@'%'"]
	if got != kept {
		t.Errorf("%q", got)
	}
}
