package rewriter

import (
	"bytes"

	"github.com/tripod-db/tripod/binlog/event"
	"github.com/tripod-db/tripod/internal/schema"
)

// maxSetInDouble is the greatest number of members a SET can have while its comparison with a
// number, which goes through DOUBLE, is exact: the bits of a DOUBLE's mantissa. Measured: with
// 64 members `s = 4611686018427387905` finds 4611686018427387904 too, and 18446744073709551615
// nothing. A SET with its 64th member is a negative number.
const maxSetInDouble = 53

func comparedAsDouble(c *schema.Column) bool {
	return c.Type == "set" && len(c.Members) > maxSetInDouble
}

// appendIdentity appends the identity's literals as they stand inside IN (...): v or (v,w).
func (t *Table) appendIdentity(dst []byte, m *event.TableMap, im event.Image) ([]byte, error) {
	var err error
	if len(t.identity) > 1 {
		dst = append(dst, '(')
	}
	for n, i := range t.identity {
		if n > 0 {
			dst = append(dst, ',')
		}
		if dst, err = t.appendLiteral(dst, m, im, i); err != nil {
			return dst, err
		}
	}
	if len(t.identity) > 1 {
		dst = append(dst, ')')
	}
	return dst, nil
}

// appendIdentityMatch appends `a`=v AND `b`=w. Rows are found as the key's own collation
// compares (fact 6.2), which is what makes them one row.
func (t *Table) appendIdentityMatch(dst []byte, m *event.TableMap, im event.Image) ([]byte, error) {
	var err error
	for n, i := range t.identity {
		if n > 0 {
			dst = append(dst, " AND "...)
		}
		c := &t.def.Columns[i]
		if literal, beyond := event.BeyondDigits(c, im.Raw(i)); beyond {
			dst = appendNumber(dst, c, literal)
			continue
		}
		dst = append(appendCompared(dst, c), '=')
		if dst, err = t.appendLiteral(dst, m, im, i); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendCompared appends a column as it stands in front of = and a literal.
func appendCompared(dst []byte, c *schema.Column) []byte {
	if comparedAsDouble(c) {
		return appendCast(dst, c, "SIGNED")
	}
	return append(dst, schema.Quote(c.Name)...)
}

// appendImageMatch appends a predicate that holds for rows with exactly the bytes of this
// image, and for no other: how rows of keyless tables are found (fact 11.6). Generated columns
// follow from the others.
func (t *Table) appendImageMatch(dst []byte, m *event.TableMap, im event.Image) ([]byte, error) {
	var err error
	if len(t.stored) == 0 { // one row of generated columns alone is like the other
		return append(dst, "TRUE"...), nil
	}
	for n, i := range t.stored {
		if n > 0 {
			dst = append(dst, " AND "...)
		}
		c := &t.def.Columns[i]
		if im.IsNull(i) {
			dst = append(append(dst, schema.Quote(c.Name)...), " IS NULL"...)
			continue
		}
		if literal, beyond := event.BeyondDigits(c, im.Raw(i)); beyond {
			dst = appendNumber(dst, c, literal)
			continue
		}
		start := len(dst)
		if dst, err = t.appendLiteral(dst, m, im, i); err != nil {
			return dst, err
		}
		literal := bytes.Clone(dst[start:])
		dst = appendExactly(dst[:start], c, im.Raw(i), literal)
	}
	return dst, nil
}

// appendExactly appends the predicate that column c holds exactly the value of literal.
func appendExactly(dst []byte, c *schema.Column, raw, literal []byte) []byte {
	name := schema.Quote(c.Name)
	switch {
	case c.Type == "json":
		// Compared as the target's own text: 1 and 1.0 are equal as JSON, and two documents.
		dst = append(append(append(dst, "CAST("...), name...), " AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_bin=CAST("...)
		return append(append(dst, literal...), " AS CHAR CHARACTER SET utf8mb4)"...)
	case c.Type == "vector":
		// A VECTOR cannot be compared with = (error 1210).
		return append(append(appendCast(dst, c, "BINARY"), '='), literal...)
	case comparedAsDouble(c):
		return append(append(appendCast(dst, c, "SIGNED"), '='), literal...)
	case isFloat(c) && isFloatZero(raw):
		// -0 = 0. And beside `c = 0` the optimizer puts the constant into the CAST as well: it stands
		// alone. A column with digits, FLOAT(7,3), prints 0.000; times 1e0 it prints as others do.
		dst = append(append(append(dst, "CAST("...), name...), "*1e0 AS CHAR)"...)
		if raw[len(raw)-1]&0x80 != 0 {
			// A MariaDB has no -0: it stored 0 (fact 7.6).
			return append(dst, " IN ('-0'/*M!100000 ,'0' */)"...)
		}
		return append(dst, "='0'"...)
	case c.IsCharacter():
		// The first half lets an index be used, the second tells what the collation takes for equal.
		dst = append(append(append(dst, name...), '='), literal...)
		dst = append(dst, " AND "...)
		return append(append(appendCast(dst, c, "BINARY"), '='), literal...)
	}
	return append(append(append(dst, name...), '='), literal...)
}

// appendNumber appends the predicate that a column of digits, FLOAT(4,1), holds a number that is beyond them: what the server rounded
// (999.9 is stored as 999.900024). Compared with the column itself a literal is rounded as well, or is out of its range; and at
// UPDATE .. WHERE g=9999999.999 AND n=1 of a FLOAT(10,3) MySQL 9.7.4 itself ends with signal 11 (measured).
func appendNumber(dst []byte, c *schema.Column, literal []byte) []byte {
	return append(append(append(dst, schema.Quote(c.Name)...), "*1e0="...), literal...)
}

func appendCast(dst []byte, c *schema.Column, as string) []byte {
	dst = append(append(dst, "CAST("...), schema.Quote(c.Name)...)
	return append(append(append(dst, " AS "...), as...), ')')
}

func isFloat(c *schema.Column) bool { return c.Type == "float" || c.Type == "double" }

// isFloatZero tells whether the little-endian IEEE 754 bytes are 0 or -0.
func isFloatZero(raw []byte) bool {
	if len(raw) == 0 {
		return false
	}
	for _, b := range raw[:len(raw)-1] {
		if b != 0 {
			return false
		}
	}
	return raw[len(raw)-1]&0x7f == 0
}
