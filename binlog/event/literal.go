package event

import "github.com/tripod-db/tripod/internal/schema"

// AppendLiteral appends the SQL literal that stores exactly the value of column i, and that
// compares equal to it in a WHERE clause (facts 6 and 7). The column must be present in the
// image. The literals need a session with time_zone '+00:00', names utf8mb4, and the sql_mode of
// fact 6.12. c tells signedness and the length of BINARY; m is the column of the event's table map.
func AppendLiteral(dst []byte, c *schema.Column, m *ColumnMeta, im Image, i int) ([]byte, error) {
	return dst, ErrUnsupported
}
