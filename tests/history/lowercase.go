package history

import (
	"strings"

	"github.com/tripod-db/tripod/internal/mysqltest"
)

// lowerCase: servers that fold the names of schemas and tables, whatever statements call them. The log has them as the server folds them in rows,
// and as they were spelled in statements.
var lowerCase = Feature{
	Name: "lower-case", Doc: "source and target with lower_case_table_names=1, and statements that spell names in capitals", Share: 4,
	Server: func(source, target *mysqltest.Options) {
		for _, o := range []*mysqltest.Options{source, target} {
			o.InitArgs = append(o.InitArgs, "--lower-case-table-names=1")
		}
	},
	DDL: []kind{{"capitals", capitals, meaning | staying, ""}, {"capital table", capitalTable, 0, ""}},
}

// inCapitals is the name as another client would spell it.
func (n name) inCapitals() name { return name{strings.ToUpper(n.schema), strings.ToUpper(n.table)} }

func capitals(d *ddl, n name, columns []column) []string {
	return []string{"ALTER TABLE " + n.inCapitals().String() + " ADD COLUMN " + d.newColumn() + d.place(columns)}
}

func capitalTable(d *ddl, n name, _ []column) []string {
	made := name{n.schema, d.fresh("Made")}
	return []string{
		"CREATE TABLE " + made.inCapitals().String() + " LIKE " + n.String(),
		"INSERT IGNORE INTO " + made.String() + " SELECT * FROM " + n.inCapitals().String() + " LIMIT 3",
		"RENAME TABLE " + made.String() + " TO " + name{n.schema, d.fresh("Moved")}.String(),
	}
}
