package pitr

import (
	"slices"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// indexesOfForeignKeys returns the clauses of the ALTER TABLE that gives the target's table the indexes that the source has for its foreign
// keys, where it made or dropped one by itself: an index that it has made for a foreign key it drops when another one serves that. On
// the target, where SHOW CREATE made it, it is one that somebody asked for, and serves the next foreign key, too.
func indexesOfForeignKeys(source, target *schema.Table) (clauses []string) {
	lacks := func(t *schema.Table, k schema.Key) bool {
		return !slices.ContainsFunc(t.Keys, func(o schema.Key) bool { return strings.EqualFold(o.Name, k.Name) })
	}
	for _, k := range source.Keys {
		if lacks(target, k) && madeFor(k, source.ForeignKeys) {
			clauses = append(clauses, "ADD INDEX "+schema.Quote(k.Name)+" ("+columnList(k)+")")
		}
	}
	for _, k := range target.Keys {
		if lacks(source, k) && plain(k) && (beginsWithAny(k, target.ForeignKeys) || servedByAnother(k, source)) {
			clauses = append(clauses, "DROP INDEX "+schema.Quote(k.Name))
		}
	}
	return clauses
}

// plain: such as a server makes for a foreign key.
func plain(k schema.Key) bool {
	return !k.Unique && k.Kind == schema.Ordinary && !slices.ContainsFunc(k.Parts, func(p schema.KeyPart) bool { return p.Column == "" || p.Prefix != 0 || p.Descending })
}

// madeFor tells whether the index is of just the columns of a foreign key.
func madeFor(k schema.Key, foreign []schema.ForeignKey) bool {
	return plain(k) && slices.ContainsFunc(foreign, func(f schema.ForeignKey) bool { return len(f.Columns) == len(k.Parts) && beginsWith(k, f.Columns) })
}

func beginsWithAny(k schema.Key, foreign []schema.ForeignKey) bool {
	return slices.ContainsFunc(foreign, func(f schema.ForeignKey) bool { return beginsWith(k, f.Columns) })
}

// servedByAnother: the index may have been made for a foreign key that is gone, and have gone with the index of the next one, which begins
// with its columns.
func servedByAnother(k schema.Key, source *schema.Table) bool {
	var columns []string
	for _, p := range k.Parts {
		columns = append(columns, p.Column)
	}
	return slices.ContainsFunc(source.Keys, func(o schema.Key) bool { return beginsWithAny(o, source.ForeignKeys) && beginsWith(o, columns) })
}

func beginsWith(k schema.Key, columns []string) bool {
	if len(k.Parts) < len(columns) {
		return false
	}
	for i, c := range columns {
		if !strings.EqualFold(k.Parts[i].Column, c) || k.Parts[i].Prefix != 0 {
			return false
		}
	}
	return true
}

func columnList(k schema.Key) string {
	var list []string
	for _, p := range k.Parts {
		list = append(list, schema.Quote(p.Column))
	}
	return strings.Join(list, ", ")
}
