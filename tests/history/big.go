package history

import (
	"fmt"
	"strings"
)

// memory is the least that tripod takes; bigRows rows of 1 MiB are more.
const (
	memory  = "32MiB"
	bigRows = 40
)

var bigTransactions = Feature{
	Name: "big", Doc: "transactions larger than the memory that tripod may use", Share: 4,
	Backup: []string{"--memory", memory}, Restore: []string{"--memory", memory},
	DDL: []kind{{"big", big, idling | once, ""}},
}

// big writes the rows in one transaction, over those that writers have put there meanwhile, and takes most of them away in another: their images are as large.
func big(d *ddl, _ name, _ []column) []string {
	n := name{mainSchema, d.fresh("big")}
	rows := make([]string, bigRows)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d,REPEAT(SHA2(%d,256),16384))", i, i)
	}
	return []string{
		"CREATE TABLE " + n.String() + " (id INT NOT NULL PRIMARY KEY, b LONGBLOB)",
		"REPLACE INTO " + n.String() + " VALUES " + strings.Join(rows, ","),
		"DELETE FROM " + n.String() + " WHERE id > 2",
	}
}
