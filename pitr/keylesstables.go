package pitr

import (
	"regexp"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/pitr/director"
)

// keylessTables follows, for a plan, which tables of a restore have no identity. Of a table that has a unique key by the log it does not
// say so: whether that is one, only the target's definition tells, to the replay.
type keylessTables struct {
	fold func(schema.Name) schema.Name
	list map[schema.Name]keys // by the folded name on the target
}

// keys are the identities of a table.
type keys struct{ primary, other bool }

// uniqueWord may give a table an identity.
var uniqueWord = regexp.MustCompile(`(?i)\b(UNIQUE|SERIAL)\b`)

func (k *keylessTables) loaded(t *schema.Table, onTarget schema.Name) {
	var of keys
	for _, key := range t.Identities() {
		of.primary, of.other = of.primary || key.Primary, of.other || !key.Primary
	}
	k.list[k.fold(onTarget)] = of
}

func (k *keylessTables) has(onTarget schema.Name) bool {
	of, known := k.list[k.fold(onTarget)]
	return known && !of.primary && !of.other
}

// executed takes a statement of the log that is carried out, as tableSet.apply does.
func (k *keylessTables) executed(x *director.Execution) {
	for _, n := range x.Dropped {
		delete(k.list, k.fold(n))
	}
	for _, p := range x.Renamed {
		of, known := k.list[k.fold(p[0])]
		delete(k.list, k.fold(p[0]))
		if known {
			k.list[k.fold(p[1])] = of
		}
	}
	asks := x.Statement.Demands()
	unique := x.Statement.Verb != ddl.RenameTable && uniqueWord.MatchString(x.Text)
	for _, n := range x.Created {
		of, known := keys{primary: asks.AddsPrimaryKey, other: unique}, true
		if x.Copied {
			of, known = k.list[k.fold(x.Source)]
		}
		delete(k.list, k.fold(n))
		if known {
			k.list[k.fold(n)] = of
		}
	}
	changed := x.Altered
	for _, p := range x.Renamed { // ALTER TABLE .. RENAME
		changed = append(changed[:len(changed):len(changed)], p[1])
	}
	for _, n := range changed {
		of, known := k.list[k.fold(n)]
		if !known {
			continue
		}
		if asks.DropsPrimaryKey {
			of.primary = false
		}
		of.primary = of.primary || asks.AddsPrimaryKey
		of.other = of.other || unique
		k.list[k.fold(n)] = of
	}
}
