package history

var ghosts = Feature{
	Name: "gh-ost", Doc: "the cut-over of gh-ost and spirit: a ghost of another shape takes a table's name", Share: 80,
	DDL: []kind{{"swap", swap, meaning | setsBack, ""}, {"swap", swap, meaning | setsBack, ""}},
}

// listed renders the columns that a copy names, each with what comes before it.
func listed(columns []column, before string) string {
	list := ""
	for _, c := range columns {
		if !c.generated {
			list += ", " + before + quote(c.name)
		}
	}
	if list == "" {
		return ""
	}
	return list[2:]
}

// swap is the cut-over of gh-ost: a ghost of another shape, filled by copying, takes the name.
func swap(d *ddl, n name, columns []column) []string {
	ghost, old := name{n.schema, d.fresh("_gho")}, name{n.schema, d.fresh("_del")}
	list := listed(columns, "")
	if list == "" {
		return nil
	}
	statements := []string{
		"CREATE TABLE " + ghost.String() + " LIKE " + n.String(),
		"ALTER TABLE " + ghost.String() + " ADD COLUMN " + d.newColumn(),
		"INSERT IGNORE INTO " + ghost.String() + " (" + list + ") SELECT " + list + " FROM " + n.String(),
		"RENAME TABLE " + n.String() + " TO " + old.String() + ", " + ghost.String() + " TO " + n.String(),
	}
	if d.r.IntN(2) == 0 {
		statements = append(statements, "DROP TABLE "+old.String())
	}
	return statements
}
