package ddl

import "github.com/tripod-db/tripod/internal/schema"

// ParseCreateTable reads the output of SHOW CREATE TABLE (UTF-8, names in backticks, read
// without ANSI_QUOTES and NO_BACKSLASH_ESCAPES) of any supported server. The name in the text
// is put into schemaName. An error says what could not be read.
func ParseCreateTable(show string, schemaName string) (*schema.Table, error) { return nil, nil }
