package pitr

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tripod-db/tripod/internal/fault"
	"github.com/tripod-db/tripod/internal/server"
	"github.com/tripod-db/tripod/storage/catalog"
)

// TestPlanFollowsEngines: where a limit holds for tables without transactions alone, the plan knows them as the log stands, and
// refuses what the replay would refuse, before anything is loaded.
func TestPlanFollowsEngines(t *testing.T) {
	s := newStory(t, "d")
	s.on("CREATE DATABASE d", "CREATE TABLE d.turned (a INT)", "CREATE TABLE d.back (a INT) ENGINE=MyISAM", "CREATE TABLE d.former (a INT) ENGINE=MyISAM",
		"CREATE TABLE d.x (a INT) ENGINE=MyISAM", "CREATE TABLE d.y (a INT)", "CREATE TABLE d.hole (a INT) ENGINE=BLACKHOLE")
	b := s.begin()
	b.schema("d")
	for _, n := range []string{"turned", "back", "former", "x", "y", "hole"} {
		b.table("d."+n, "").Keyless = true
	}
	b.end()
	s.on("CREATE TABLE d.made (a INT) ENGINE=MEMORY", "CREATE TABLE d.plain (a INT)", "CREATE TABLE d.copied LIKE d.former", "ALTER TABLE d.turned ENGINE=MyISAM", "ALTER TABLE d.back ENGINE = InnoDB",
		"RENAME TABLE d.former TO d.moved", "RENAME TABLE d.x TO d.z, d.y TO d.x, d.z TO d.y", "CREATE TABLE d.both (a INT)", "ALTER TABLE d.both ENGINE=MyISAM, RENAME TO d.both2")
	s.archive()
	wants := map[string]bool{"d.turned": true, "d.back": false, "d.moved": true, "d.x": false, "d.y": true, "d.hole": false, "d.made": true, "d.plain": false, "d.copied": true, "d.both2": true}
	conn, err := s.source.Root().Conn(t.Context())
	s.must(err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "SET SESSION binlog_row_image=MINIMAL")
	s.must(err)
	var all []string
	for n := range wants {
		all = append(all, n)
		if _, err := conn.ExecContext(t.Context(), "INSERT INTO "+n+" () VALUES (), ()"); err != nil && server.ErrorNumber(err) != 1534 {
			t.Fatal(err)
		}
	}
	s.archive()
	for n, refused := range wants {
		others := slices.DeleteFunc(slices.Clone(all), func(o string) bool { return o == n })
		for kind, w := range map[string]Wish{
			"whole": {Selection: catalog.Selection{Exclude: others}}, "part": {Selection: catalog.Selection{Tables: []string{n}}},
		} {
			w.Instance = instance
			_, err := MakePlan(t.Context(), Config{Catalog: s.catalog, Target: s.into, Program: "test"}, w)
			switch {
			case refused:
				s.wantFault(err, fault.CodeRange, fault.KindStatement, n)
			case err != nil:
				t.Errorf("%s, %s: %v", n, kind, err)
			}
			if t.Failed() {
				t.Fatalf("%s, %s", n, kind)
			}
		}
	}
}

// TestPlanFollowsKeys: AUTO_INCREMENT for rows without a key ends a range; for the rows of a table that has one by then, by a statement or
// because it is another table, it does not.
func TestPlanFollowsKeys(t *testing.T) {
	s := newStory(t, "d")
	tables := []string{"bare", "again", "anew", "former", "gets", "gives", "keeps", "source"}
	s.on("CREATE DATABASE d", "CREATE TABLE d.gives (a INT NOT NULL PRIMARY KEY)", "CREATE TABLE d.keeps (a INT NOT NULL PRIMARY KEY, u INT NOT NULL UNIQUE)")
	for _, n := range []string{"bare", "again", "anew", "former", "gets", "source"} {
		s.on("CREATE TABLE d." + n + " (a INT NOT NULL)")
	}
	for i, n := range tables {
		if n != "keeps" {
			s.on(fmt.Sprintf("INSERT INTO d.%s (a) VALUES (%d),(%d)", n, i+1, i+2))
		}
	}
	b := s.begin()
	b.schema("d")
	for _, n := range tables {
		b.table("d."+n, "").Keyless = n != "gives" && n != "keeps"
	}
	b.end()
	s.on("DROP TABLE d.again", "CREATE TABLE d.again (a INT NOT NULL PRIMARY KEY) ENGINE=MyISAM", "INSERT INTO d.again VALUES (1),(2)",
		"RENAME TABLE d.former TO d.latter", "CREATE TABLE d.former (a INT NOT NULL PRIMARY KEY)", "ALTER TABLE d.gets ADD PRIMARY KEY (a)",
		"ALTER TABLE d.gives DROP PRIMARY KEY", "ALTER TABLE d.keeps DROP PRIMARY KEY",
		"DROP TABLE d.anew", "CREATE TABLE d.anew (v INT)", "INSERT INTO d.anew VALUES (1),(1)")
	s.archive()
	for n, refused := range map[string]bool{"bare": true, "anew": true, "again": false, "former": false, "latter": true, "gets": false, "gives": true, "keeps": false} {
		s.on("ALTER TABLE d." + n + " ADD COLUMN n INT NOT NULL AUTO_INCREMENT, ADD KEY (n)")
		s.archive()
		w := Wish{Instance: instance, Selection: catalog.Selection{Exclude: []string{"d.bare", "d.anew", "d.latter", "d.gives"}}}
		if refused {
			w.Selection.Exclude = slices.DeleteFunc(w.Selection.Exclude, func(e string) bool { return e == "d."+n })
		}
		_, err := MakePlan(t.Context(), Config{Catalog: s.catalog, Target: s.into, Program: "test"}, w)
		switch {
		case refused:
			s.wantFault(err, fault.CodeRange, fault.KindStatement, "d."+n)
		case err != nil:
			t.Errorf("%s: %v", n, err)
		}
	}
	_, _, err := s.restore(Wish{Selection: catalog.Selection{Exclude: []string{"d.bare", "d.anew", "d.latter", "d.gives"}}})
	s.must(err)
}
