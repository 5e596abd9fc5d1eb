package director

import (
	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// LoadBase is one table of the backup that is made on the target before the replay.
type LoadBase struct {
	*catalog.NameBase
	OnTarget schema.Name     // what it is called there
	Chunks   []catalog.Chunk // none where only the definition is needed
}

// Loads lists the tables that are loaded. The director must stand in front of the log.
func (d *Director) Loads(m *catalog.Manifest) []LoadBase {
	var list []LoadBase
	for i := range m.Names {
		b := &m.Names[i]
		if b.Base != catalog.BaseRead || b.Absent || !d.taken(b.Name) {
			continue
		}
		l := LoadBase{NameBase: b, OnTarget: d.OnTarget(b.Name)}
		if _, rows := d.RowTable(b.Name); rows {
			l.Chunks = b.Chunks
		}
		list = append(list, l)
	}
	return list
}

// Definition gives a CREATE TABLE of the backup the names of the target.
func (d *Director) Definition(create string, b LoadBase) (string, error) {
	if d.Part == nil {
		return create, nil
	}
	st, err := ddl.Parse([]byte(create), ddl.Session{Schema: b.Schema, LowerCaseTableNames: d.source.LowerCaseTableNames, Flavor: d.source.Flavor, Version: d.source.Version})
	if err != nil {
		return "", err
	}
	edits := st.NameEdits(d.OnTarget)
	if b.OnTarget.Name != b.Name.Name {
		edits = append(edits, st.ConstraintEdits(FollowConstraint(b.Name.Name, b.OnTarget.Name))...)
	}
	return st.Edited(edits...), nil
}
