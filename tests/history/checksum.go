package history

var checksums = Feature{
	Name: "checksum", Doc: "the checksum algorithm of the log changes in mid-flight", Share: 30,
	Globals: []string{"binlog_checksum"},
	DDL: []kind{{"checksum", func(d *ddl, _ name, _ []column) []string {
		return []string{"SET GLOBAL binlog_checksum=NONE", "CREATE TABLE `shop`." + quote(d.fresh("unchecked")) + " (id INT PRIMARY KEY)", "SET GLOBAL binlog_checksum=" + pick(d.r, "CRC32", "CRC32", "NONE")}
	}, idling, ""}},
}
