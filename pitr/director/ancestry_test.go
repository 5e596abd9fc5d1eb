package director

import (
	"errors"
	"testing"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// hiding is a backup of a source that hides cascades, with tables of the schema d that were read.
func hiding(flavor, version string, tables ...string) *catalog.Manifest {
	m := &catalog.Manifest{Source: catalog.SourceFacts{Flavor: flavor, Version: version}}
	m.Floor.Position, m.RecoverableFrom.Position = at(100), at(400)
	w := between(150, 400)
	for _, n := range tables {
		m.Names = append(m.Names, catalog.NameBase{Name: schema.Name{Schema: "d", Name: n}, Base: catalog.BaseRead, Class: "keyed", Statements: w, Definition: w, Rows: w, RecoverableFrom: at(400)})
	}
	m.Schemas = []catalog.SchemaBase{{Name: "d", Exists: true, Charset: "utf8mb4", Collation: "utf8mb4_bin", Window: w, RecoverableFrom: at(400)}}
	return m
}

// follows lets a director see statements, from 500 on.
func follows(t *testing.T, d *Director, statements ...string) {
	t.Helper()
	for i, sql := range statements {
		if _, err := d.Entry(&event.Entry{Kind: event.Statement, Start: at(uint64(500 + 100*i))}, &event.Query{SQL: []byte(sql), Schema: "d"}); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func changes(d *Director, table string, action event.Action, pos uint64) error {
	return d.HiddenCascades(&event.Entry{Start: at(pos)}, &event.Rows{Table: &event.TableMap{Name: schema.Name{Schema: "d", Name: table}}, Action: action})
}

// A table whose rows the log does not hold refers to its parents as any other: what is below it, and restored without it, is refused.
func TestHiddenCascadesThroughTablesThatAreNotInTheLog(t *testing.T) {
	for _, c := range []struct{ flavor, version, sql string }{
		{"mysql", "5.6.51", "CREATE TABLE m (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)"},
		{"mysql", "5.6.51", "CREATE TABLE m (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE) DATA DIRECTORY='/x'"},
		{"mysql", "5.6.51", "CREATE TABLE m (PRIMARY KEY (id), FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE) SELECT id, p FROM x"},
		{"mariadb", "10.11.6", "CREATE TABLE m (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE) WITH SYSTEM VERSIONING"},
	} {
		m := hiding(c.flavor, c.version, "p")
		scope := Scope{Selection: catalog.Selection{Exclude: []string{"d.m"}}}
		log := []string{c.sql, "CREATE TABLE g (id INT PRIMARY KEY, m INT, FOREIGN KEY (m) REFERENCES m (id) ON DELETE CASCADE)"}
		s, err := NewSurvey(m, scope)
		if err != nil {
			t.Fatal(err)
		}
		follows(t, s.Director, log...)
		part, err := s.PartAt(at(900))
		if err != nil {
			t.Fatal(err)
		}
		d, err := New(m, scope, part)
		if err != nil {
			t.Fatal(err)
		}
		d.ReadsDefinitions(func(schema.Name) (*schema.Table, error) {
			return ddl.ParseCreateTable("CREATE TABLE `p` (`id` int NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB", "d")
		})
		follows(t, d, log...)
		if _, restored := d.RowTable(schema.Name{Schema: "d", Name: "g"}); !restored {
			t.Fatal("g is not restored")
		}
		if err := changes(d, "p", event.Delete, 800); !errors.Is(err, ErrCascades) {
			t.Errorf("%s: %v", c.sql, err)
		}
	}
}

// A parent that a statement has dropped refers to nothing, also where the backup does not hold all tables.
func TestHiddenCascadesOfATableThatIsGone(t *testing.T) {
	m := hiding("mysql", "5.6.51", "p", "c", "x")
	m.Selection = catalog.Selection{Databases: []string{"d"}}
	d, err := New(m, Scope{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.ReadsDefinitions(func(n schema.Name) (*schema.Table, error) {
		if n.Name == "c" {
			return ddl.ParseCreateTable("CREATE TABLE `c` (`id` int NOT NULL, `p` int DEFAULT NULL, PRIMARY KEY (`id`), KEY `p` (`p`), CONSTRAINT `c_p` FOREIGN KEY (`p`) REFERENCES `p` (`id`) ON DELETE CASCADE) ENGINE=InnoDB", "d")
		}
		return ddl.ParseCreateTable("CREATE TABLE `"+n.Name+"` (`id` int NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB", "d")
	})
	if err := changes(d, "x", event.Update, 450); err != nil {
		t.Fatal(err)
	}
	follows(t, d, "CREATE TABLE _p_new (id INT PRIMARY KEY)", "DROP TABLE p")
	if err := changes(d, "x", event.Update, 700); err != nil {
		t.Errorf("p is gone: %v", err)
	}
	follows(t, d, "RENAME TABLE _p_new TO p")
	if err := changes(d, "x", event.Update, 900); err != nil {
		t.Errorf("p is back: %v", err)
	}
}
