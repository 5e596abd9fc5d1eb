package dumper

import (
	"strings"
	"testing"

	"github.com/tripod-db/tripod/dumper/bases"
	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// TestR3ForeignKeysFitTheirParents: a foreign key and its parent that were read on two sides of a statement make no pair that a target
// would take; the older one is read again.
func TestR3ForeignKeysFitTheirParents(t *testing.T) {
	for name, ddl := range map[string][]string{
		"rename column": {"ALTER TABLE d.P RENAME COLUMN id TO pid"},
		"change type": {"ALTER TABLE d.m DROP FOREIGN KEY f", "ALTER TABLE d.P MODIFY id BIGINT", "ALTER TABLE d.m MODIFY p BIGINT",
			"ALTER TABLE d.m ADD CONSTRAINT f FOREIGN KEY (p) REFERENCES d.P (id)"},
		"drop key": {"ALTER TABLE d.m DROP FOREIGN KEY f", "ALTER TABLE d.P DROP PRIMARY KEY, ADD PRIMARY KEY (v)"},
	} {
		for _, parent := range []string{"a", "z"} { // read first, and last
			t.Run(name+" of "+parent, func(t *testing.T) {
				s := newSite(t, mysqltest.Options{GTID: true, Relaxed: true})
				s.exec("CREATE DATABASE d", "CREATE TABLE d."+parent+" (id INT PRIMARY KEY, v INT)", "CREATE TABLE d.m (id INT PRIMARY KEY, p INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES d."+parent+" (id))",
					"INSERT INTO d."+parent+" VALUES (1,1)", "INSERT INTO d.m VALUES (1,1)")
				w := s.throughWire()
				var first string
				done := false
				mysqltest.FailpointCall(t, "dumper/behindDefinition", func(n schema.Name) {
					switch {
					case first == "":
						first = n.Name
					case n.Name != first && !done:
						// The first one is read; this one is read again behind all of it.
						done = true
						w.on("UTC_TIMESTAMP(6)", counted)
						mysqltest.Eventually(t, func() bool { return w.met() > 3 }, "ticks of the clock behind the first one's window")
						for _, statement := range ddl {
							s.exec(strings.ReplaceAll(statement, "d.P", "d."+parent))
						}
						s.exec("ALTER TABLE d." + n.Name + " ADD COLUMN extra INT")
					}
				})
				_, m := s.backUp(func(c *Config) { c.Threads = 1 })
				if !done {
					t.Fatal("nothing was changed")
				}
				again := 0
				for i := range m.Names {
					for _, a := range m.Names[i].ReadAgain {
						if strings.HasPrefix(a.Reason, bases.ReasonForeignKey) {
							again++
						}
					}
				}
				// A parent that has its key yet fits a child without the foreign key: the log takes the key away.
				asItWas := parent == "a" && name == "drop key"
				if (again > 0) == asItWas {
					t.Errorf("%s was first, and %d were read again for the foreign key", first, again)
				}
				target := mysqltest.Target(t)
				s.load(target, m)
				if !asItWas {
					s.equal(target, "d")
				}
			})
		}
	}
}
