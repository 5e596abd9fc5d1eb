package bases

// Columns is a set of columns, by their places in the table; the last bit stands for all from there on.
type Columns uint64

// EveryColumn is the Identity of a table whose rows partial images may not tell apart: servers log the
// primary key, and it is none that does.
const EveryColumn = ^Columns(0)

// NewColumns returns the set of columns at these places.
func NewColumns(places ...int) Columns {
	const last = 63
	var c Columns
	for _, i := range places {
		c |= 1 << min(i, last)
	}
	return c
}
