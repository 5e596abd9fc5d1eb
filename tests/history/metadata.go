package history

var fullMetadata = Feature{
	Name: "full-metadata", Doc: "binlog_row_metadata FULL, and back to MINIMAL in mid-flight", Share: 40,
	Globals: []string{"binlog_row_metadata=FULL"},
	DDL: []kind{{"metadata", func(d *ddl, _ name, _ []column) []string {
		return []string{"SET GLOBAL binlog_row_metadata=" + pick(d.r, "FULL", "MINIMAL")}
	}, idling, ""}},
	Logged: "# Columns(`", LogArgs: []string{"--print-table-metadata"}, // MINIMAL has no names
}
