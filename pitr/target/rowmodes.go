package target

import (
	"context"
	"fmt"
	"strings"
)

// Modes of the sessions that write rows (fact 6.12). An ENUM of index 0 is written without STRICT.
const (
	StrictMode  = "'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"
	LenientMode = "'ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'"
)

// WarnTruncated is the warning of an ENUM of index 0.
const WarnTruncated = "1265"

// OnlyEnumWarnings fails on any warning but that of an ENUM of index 0 in one of the columns.
func (s *RowSession) OnlyEnumWarnings(ctx context.Context, enums []string) error {
	warnings, err := s.QueryRows(ctx, "SHOW WARNINGS")
	if err != nil {
		return err
	}
	for _, row := range warnings {
		if row[1] == WarnTruncated && NamesColumn(row[2], enums) {
			continue
		}
		return fmt.Errorf("the target warns: %s (%s)", row[2], row[1])
	}
	return nil
}

// NamesColumn tells whether the text of warning 1265 is about one of the columns.
func NamesColumn(message string, columns []string) bool {
	for _, c := range columns {
		if strings.Contains(message, "'"+c+"'") {
			return true
		}
	}
	return false
}
