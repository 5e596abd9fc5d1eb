package history

var rowsQuery = Feature{
	Name: "rows-query", Doc: "sessions that log the text of statements beside their rows, switched in mid-flight", Share: 40,
	Session: func(w *writer) []string {
		return []string{"SET SESSION binlog_rows_query_log_events=" + pick(w.r, "ON", "OFF")}
	},
	Between: func(w *writer) []string {
		return []string{"SET SESSION binlog_rows_query_log_events=" + pick(w.r, "ON", "OFF")}
	},
	Logged: "\tRows_query", LogArgs: []string{"-v", "-v"}, // mysqlbinlog passes them over otherwise
}
