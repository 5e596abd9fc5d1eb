package director

import (
	"slices"

	"github.com/tripod-db/tripod/binlog"
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// renamedOnly returns the statement without the pairs of RENAME TABLE IF EXISTS (MariaDB) whose table was not there: they did nothing. The
// pairs run left to right. Of a table that was read later, or that is not in the backup, nobody knows that.
func (d *Director) renamedOnly(start binlog.Position, st *ddl.Statement) *ddl.Statement {
	if !st.IfExists || len(st.Renames) == 0 {
		return st
	}
	made := map[schema.Name]bool{} // by the pairs in front, or taken away
	var pairs [][2]schema.Name
	for _, p := range st.Renames {
		exists, moved := made[d.Fold(p[0])]
		if !moved {
			exists = !d.isAbsent(p[0], start)
		}
		if !exists {
			continue
		}
		pairs = append(pairs, p)
		made[d.Fold(p[0])], made[d.Fold(p[1])] = false, true
	}
	if len(pairs) == len(st.Renames) {
		return st
	}
	only := *st
	only.Renames = pairs
	only.Tables = slices.DeleteFunc(slices.Clone(st.Tables), func(t ddl.TableRef) bool {
		return !slices.ContainsFunc(pairs, func(p [2]schema.Name) bool { return t.Name == p[0] || t.Name == p[1] })
	})
	return &only
}

// isAbsent tells whether no table and no view of that name was there.
func (d *Director) isAbsent(n schema.Name, start binlog.Position) bool {
	if d.Sides.StatementSide(n, start) != binlog.After || d.objects.get(catalog.KindView, n) != nil {
		return false
	}
	if d.Part != nil {
		_, lives := d.lives.get(n)
		return !lives && !d.lives.outside(n)
	}
	return d.taken(n) && !d.Exists(n) && d.Sides.Base(n).Base != catalog.BaseOutside
}
