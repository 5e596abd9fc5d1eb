package history

import "strings"

var onlineSchemaChange = Feature{
	Name: "pt-osc", Doc: "pt-online-schema-change: triggers keep a copy of another shape, which takes the table's name", Share: 50,
	DDL: []kind{{"osc", osc, meaning | setsBack, ""}},
}

// osc is what pt-online-schema-change sends: its triggers run in the transactions of writers while rows are copied.
func osc(d *ddl, n name, columns []column) []string {
	var keys []string
	for _, c := range columns {
		if c.primary {
			keys = append(keys, "t."+quote(c.name)+" <=> OLD."+quote(c.name))
		}
	}
	list := listed(columns, "")
	if len(keys) == 0 || len(n.table) > 40 {
		return nil
	}
	made, old := name{n.schema, d.fresh("_" + n.table + "_new")}, name{n.schema, d.fresh("_" + n.table + "_old")}
	trigger := func(what string) string { return quoteName(n.schema, d.fresh("pt_osc_"+what)) }
	ins, upd, del := trigger("ins"), trigger("upd"), trigger("del")
	replace := "REPLACE INTO " + made.String() + " (" + list + ") VALUES (" + listed(columns, "NEW.") + ")"
	remove := "DELETE t FROM " + made.String() + " t WHERE " + strings.Join(keys, " AND ")
	statements := []string{
		"CREATE TABLE " + made.String() + " LIKE " + n.String(),
		"ALTER TABLE " + made.String() + " ADD COLUMN " + d.newColumn(),
		"CREATE TRIGGER " + del + " AFTER DELETE ON " + n.String() + " FOR EACH ROW " + remove,
		"CREATE TRIGGER " + upd + " AFTER UPDATE ON " + n.String() + " FOR EACH ROW BEGIN " + remove + "; " + replace + "; END",
		"CREATE TRIGGER " + ins + " AFTER INSERT ON " + n.String() + " FOR EACH ROW " + replace,
		"INSERT IGNORE INTO " + made.String() + " (" + list + ") SELECT " + list + " FROM " + n.String() + " LOCK IN SHARE MODE",
		"RENAME TABLE " + n.String() + " TO " + old.String() + ", " + made.String() + " TO " + n.String(),
	}
	if d.r.IntN(4) > 0 {
		statements = append(statements, "DROP TABLE IF EXISTS "+old.String())
	}
	return append(statements, "DROP TRIGGER IF EXISTS "+del, "DROP TRIGGER IF EXISTS "+upd, "DROP TRIGGER IF EXISTS "+ins)
}
