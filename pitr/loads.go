package pitr

import (
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// loadBase is one table of the backup that is made on the target before the replay.
type loadBase struct {
	*catalog.NameBase
	onTarget schema.Name
	chunks   []catalog.Chunk // none where only the definition is needed
}

// loads lists the tables that are loaded. The director must stand in front of the log.
func (d *director) loads(m *catalog.Manifest) []loadBase {
	var list []loadBase
	for i := range m.Names {
		b := &m.Names[i]
		if b.Base != catalog.BaseRead || b.Absent || !d.taken(b.Name) {
			continue
		}
		l := loadBase{NameBase: b, onTarget: d.onTarget(b.Name)}
		if _, rows := d.rowTable(b.Name); rows {
			l.chunks = b.Chunks
		}
		list = append(list, l)
	}
	return list
}

// definition gives a CREATE TABLE of the backup the names of the target.
func (d *director) definition(create string, b loadBase) (string, error) {
	if d.part == nil {
		return create, nil
	}
	st, err := ddl.Parse([]byte(create), ddl.Session{Schema: b.Schema, LowerCaseTableNames: d.source.LowerCaseTableNames, Flavor: d.source.Flavor, Version: d.source.Version})
	if err != nil {
		return "", err
	}
	edits := st.NameEdits(d.onTarget)
	if b.onTarget.Name != b.Name.Name {
		edits = append(edits, st.ConstraintEdits(followConstraint(b.Name.Name, b.onTarget.Name))...)
	}
	return st.Edited(edits...), nil
}
