package rewriter

import (
	"bytes"
	"encoding/hex"
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
	var err error
	if b.field, err = unescape(b.field[:0], field); err != nil {
		return err
	}
	switch c.Type {
	case "enum", "set": // numbers (fact 15.7), which must not be quoted
		if len(b.field) == 0 || len(bytes.Trim(b.field, "0123456789")) > 0 {
			return fmt.Errorf("column %s: %q is no number", c.Name, b.field)
		}
		b.sql = append(b.sql, b.field...)
	case "json":
		b.sql = append(hex.AppendEncode(append(b.sql, "CAST(_utf8mb4 x'"...), b.field), "' AS JSON)"...)
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year", "date", "time", "datetime", "timestamp":
		// As strings, which the column converts itself: a bare number with a fraction would be a
		// DECIMAL, and x'..' would be a number.
		if len(bytes.Trim(b.field, "0123456789+-.:eE ")) > 0 {
			return fmt.Errorf("column %s: %q is no value of type %s", c.Name, b.field, c.Type)
		}
		b.sql = append(append(append(b.sql, '\''), b.field...), '\'')
	default:
		b.sql = append(hex.AppendEncode(append(b.sql, "x'"...), b.field), '\'')
	}
	return nil
}

// unescape undoes what the transcoder escapes: \0, \n, \t, \\ and whatever else follows a backslash as itself.
func unescape(dst, field []byte) ([]byte, error) {
	for i := 0; i < len(field); i++ {
		c := field[i]
		if c == '\\' {
			i++
			if i == len(field) {
				return dst, fmt.Errorf("a field of the chunk ends in a backslash")
			}
			switch c = field[i]; c {
			case '0':
				c = 0
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			case 'r':
				c = '\r'
			case 'b':
				c = '\b'
			case 'Z':
				c = 0x1a
			}
		}
		dst = append(dst, c)
	}
	return dst, nil
}
