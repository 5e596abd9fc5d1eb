package target

import "strings"

// Modes of the sessions that write rows (fact 6.12). An ENUM of index 0 is written without STRICT.
const (
	StrictMode  = "'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"
	LenientMode = "'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"
)

// warnTruncated is the warning of an ENUM of index 0.
const warnTruncated = "1265"

// namesColumn tells whether the text of warning 1265 is about one of the columns.
func namesColumn(message string, columns []string) bool {
	for _, c := range columns {
		if strings.Contains(message, "'"+c+"'") {
			return true
		}
	}
	return false
}
