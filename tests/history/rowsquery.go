package history

import "math/rand/v2"

var rowsQuery = Feature{
	Name: "rows-query", Doc: "sessions that log the text of statements beside their rows, switched in mid-flight", Share: 40,
	Session: func(r *rand.Rand) []string {
		return []string{"SET SESSION binlog_rows_query_log_events=" + pick(r, "ON", "OFF")}
	},
	Between: func(r *rand.Rand) []string {
		return []string{"SET SESSION binlog_rows_query_log_events=" + pick(r, "ON", "OFF")}
	},
	Logged: "\tRows_query", LogArgs: []string{"-v", "-v"}, // mysqlbinlog passes them over otherwise
}
