package history

// memory is the least that tripod takes; bigRows rows of 1 MiB are more.
const (
	memory  = "32MiB"
	bigRows = "40"
)

var bigTransactions = Feature{
	Name: "big", Doc: "transactions larger than the memory that tripod may use", Share: 4,
	Backup: []string{"--memory", memory}, Restore: []string{"--memory", memory},
	DDL: []kind{{"big", big, idling | once, ""}},
}

// big writes the rows in one transaction and takes most of them away in another: their images are as large.
func big(d *ddl, _ name, _ []column) []string {
	n := name{mainSchema, d.fresh("big")}
	return []string{
		"CREATE TABLE " + n.String() + " (id INT NOT NULL PRIMARY KEY, b LONGBLOB)",
		"INSERT INTO " + n.String() + " WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < " + bigRows + ") SELECT i, REPEAT(MD5(i), 32768) FROM s",
		"DELETE FROM " + n.String() + " WHERE id > 2",
	}
}
