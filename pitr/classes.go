package pitr

import (
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
)

// classes follows, for a plan, which classes the tables of a restore are of, as far as engines decide that. A table that the log
// makes without one is of InnoDB, as on the target: what default_storage_engine was, no log says.
type classes struct {
	fold func(schema.Name) schema.Name
	list map[schema.Name]schema.Class // by the folded name on the target
}

func (c *classes) get(onTarget schema.Name) schema.Class { return c.list[c.fold(onTarget)] }

func (c *classes) set(onTarget schema.Name, class schema.Class) { c.list[c.fold(onTarget)] = class }

// executed takes a statement of the log that is carried out, as tableSet.apply does.
func (c *classes) executed(x *director.Execution) {
	for _, n := range x.Dropped {
		delete(c.list, c.fold(n))
	}
	for _, p := range x.Renamed {
		class := c.get(p[0])
		delete(c.list, c.fold(p[0]))
		c.set(p[1], class)
	}
	engine := ""
	if list := x.Statement.Demands().Engines; len(list) > 0 && len(x.Created)+len(x.Altered)+len(x.Renamed) > 0 {
		engine = list[len(list)-1]
	}
	for _, n := range x.Created {
		switch {
		case x.Copied:
			c.set(n, c.get(x.Source))
		case engine == "":
			c.set(n, classOf(defaultEngine))
		default:
			c.set(n, classOf(engine))
		}
	}
	if engine == "" {
		return
	}
	for _, n := range x.Altered {
		c.set(n, classOf(engine))
	}
	for _, p := range x.Renamed { // ALTER TABLE .. RENAME
		c.set(p[1], classOf(engine))
	}
}

const defaultEngine = "InnoDB"

func classOf(engine string) schema.Class { return (&schema.Table{Engine: engine}).Class() }
