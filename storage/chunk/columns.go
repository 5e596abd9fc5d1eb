package chunk

import (
	"math"
	"strconv"

	"github.com/tripod-db/tripod/internal/schema"
)

// nothing is selected, and loaded into a variable nobody reads, where a table has no column
// but generated ones: its rows are only their number.
const nothing = "NULL"

// Select returns the expressions to SELECT and the columns that they are the values of, in the
// order of the chunk's text. The session has SET NAMES binary and time_zone '+00:00', so
// strings, BIT, GEOMETRY, VECTOR and JSON arrive as their bytes (fact 7.7). Generated columns
// are left out, invisible ones are not. A table of generated columns alone gives one
// expression and no column.
func Select(t *schema.Table) (expressions, columns []string) {
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.Generated != schema.NotGenerated {
			continue
		}
		expressions = append(expressions, expression(c))
		columns = append(columns, c.Name)
	}
	if len(columns) == 0 {
		expressions = []string{nothing}
	}
	return expressions, columns
}

// expression reads one column exactly.
func expression(c *schema.Column) string {
	name := schema.Quote(c.Name)
	switch c.Type {
	case "float":
		// As text a FLOAT has 6 digits; as a product it is a DOUBLE with all it needs (facts 7.1,
		// 7.4). A DOUBLE's own text is exact (fact 7.2), that of a DOUBLE(p,s) too.
		return withinDigits(c, name+"*1e0")
	case "enum":
		// By number: a label does not tell an invalid value (index 0) from a member ''.
		return name + "+0"
	case "set":
		// +0 is a DOUBLE: from 1e15 on, 50 members, it prints with an exponent, from 54 on it is not exact.
		return "CAST(" + name + " AS UNSIGNED)"
	}
	return name
}

// withinDigits bounds a FLOAT(p,s) by the greatest number that its digits allow: rounding to 24
// bits may have stored a greater one, which the server refuses when it comes back as text
// (9999999.999 in FLOAT(10,3) is 10000000), while the bound is stored as that very number.
func withinDigits(c *schema.Column, value string) string {
	if c.Decimals < 0 || c.Length <= 0 {
		return value
	}
	most := strconv.FormatFloat(math.Pow10(c.Length-c.Decimals)-math.Pow10(-c.Decimals), 'e', -1, 64)
	return "LEAST(GREATEST(" + value + ",-" + most + ")," + most + ")"
}
