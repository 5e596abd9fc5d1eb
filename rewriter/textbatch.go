package rewriter

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/tripod-db/tripod/internal/schema"
)

// TextBatch makes one REPLACE or INSERT of lines of LOAD DATA text, for targets that forbid
// LOAD DATA LOCAL. Not safe for concurrent use.
type TextBatch struct {
	head    string
	columns []*schema.Column
	sql     []byte
	field   []byte
	rows    int
}

// NewTextBatch prepares statements for lines with these columns.
func NewTextBatch(table schema.Name, columns []*schema.Column, replace bool) *TextBatch {
	head := "INSERT INTO "
	if replace {
		head = "REPLACE INTO "
	}
	head += table.Quoted() + " ("
	for i, c := range columns {
		if i > 0 {
			head += ","
		}
		head += schema.Quote(c.Name)
	}
	return &TextBatch{head: head + ") VALUES ", columns: columns}
}

// Rows returns the number of rows that SQL writes.
func (b *TextBatch) Rows() int { return b.rows }

// Size returns the length of SQL.
func (b *TextBatch) Size() int { return len(b.sql) }

// SQL returns the statement. It is valid until Reset.
func (b *TextBatch) SQL() []byte { return b.sql }

// Reset begins a new statement.
func (b *TextBatch) Reset() { b.sql, b.rows = b.sql[:0], 0 }

// Add appends one line, without its line feed.
func (b *TextBatch) Add(line []byte) error {
	if b.rows == 0 {
		b.sql = append(b.sql[:0], b.head...)
	} else {
		b.sql = append(b.sql, ',')
	}
	b.sql = append(b.sql, '(')
	fields := 0
	for more := true; more && len(b.columns) > 0; fields++ {
		var field []byte
		field, line, more = bytes.Cut(line, []byte{'\t'})
		if fields >= len(b.columns) {
			continue
		}
		if fields > 0 {
			b.sql = append(b.sql, ',')
		}
		if err := b.value(b.columns[fields], field); err != nil {
			return err
		}
	}
	if fields != len(b.columns) {
		return fmt.Errorf("a line of the chunk has %d fields instead of %d", fields, len(b.columns))
	}
	b.sql = append(b.sql, ')')
	b.rows++
	return nil
}

// value appends the literal of one field.
func (b *TextBatch) value(c *schema.Column, field []byte) error {
	if string(field) == `\N` {
		b.sql = append(b.sql, "NULL"...)
		return nil
	}
	var u unescaper
	b.field = u.append(b.field[:0], field)
	if u.open {
		return errOpenEscape
	}
	before, after, digits := hexLiteral(c)
	switch {
	case digits:
		b.sql = append(hex.AppendEncode(append(b.sql, before...), b.field), after...)
	case c.Type == "enum" || c.Type == "set": // numbers (fact 15.7), which must not be quoted
		if len(b.field) == 0 || len(bytes.Trim(b.field, "0123456789")) > 0 {
			return fmt.Errorf("column %s: %q is no number", c.Name, b.field)
		}
		b.sql = append(b.sql, b.field...)
	default:
		// As strings, which the column converts itself: a bare number with a fraction would be a
		// DECIMAL, and x'..' would be a number.
		if len(bytes.Trim(b.field, "0123456789+-.:eE ")) > 0 {
			return fmt.Errorf("column %s: %q is no value of type %s", c.Name, b.field, c.Type)
		}
		b.sql = append(append(append(b.sql, '\''), b.field...), '\'')
	}
	return nil
}

// hexLiteral returns what stands around the hexadecimal digits of a column's values; digits is
// false for types whose values are printed in another way.
func hexLiteral(c *schema.Column) (before, after string, digits bool) {
	switch c.Type {
	case "enum", "set",
		"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year", "date", "time", "datetime", "timestamp":
		return "", "", false
	case "json":
		return "CAST(_utf8mb4 x'", "' AS JSON)", true
	}
	return "x'", "'", true
}

var errOpenEscape = errors.New("a field of the chunk ends in a backslash")

// unescaper undoes what the transcoder escapes: \0, \n, \t, \\ and whatever else follows a
// backslash as itself. A field may come in pieces; open tells that the last one ended in a backslash.
type unescaper struct{ open bool }

func (u *unescaper) append(dst, field []byte) []byte {
	for len(field) > 0 {
		if u.open {
			dst, field, u.open = append(dst, unescaped(field[0])), field[1:], false
			continue
		}
		i := bytes.IndexByte(field, '\\')
		if i < 0 {
			return append(dst, field...)
		}
		dst, field, u.open = append(dst, field[:i]...), field[i+1:], true
	}
	return dst
}

func unescaped(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'Z':
		return 0x1a
	}
	return c
}
