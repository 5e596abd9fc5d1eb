package ddl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// column reads the column definition of the tokens e.
func (r *tableReader) column(e span) error {
	if !r.isIdentifier(r.i) || r.i >= e.end {
		return r.unexpected("a column's name")
	}
	c := schema.Column{Name: r.identifier(r.i), Length: -1, Decimals: -1, SRID: -1, Nullable: true}
	r.i++
	if reason := r.unsupportedColumn(r.i - 1); reason != "" {
		r.table.Unsupported = reason
	}
	if err := r.columnType(&c, e); err != nil {
		return fmt.Errorf("column %s: %w", c.Name, err)
	}
	for r.i < e.end {
		if err := r.attribute(&c, e); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	if hasCharset(c.Type) {
		if c.Charset == "" && c.Collation == "" {
			c.Charset, c.Collation = r.table.Charset, r.table.Collation
		}
		c.Charset, c.Collation = completeCharset(c.Charset, c.Collation)
	}
	r.table.Columns = append(r.table.Columns, c)
	return nil
}

func hasCharset(columnType string) bool {
	switch columnType {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set":
		return true
	}
	return false
}

// columnType reads the type with what stands in its parentheses.
func (r *tableReader) columnType(c *schema.Column, e span) error {
	if r.i >= e.end || r.tokens[r.i].kind != word {
		return r.unexpected("a type")
	}
	c.Type = strings.ToLower(r.raw(r.i))
	r.i++
	if c.Type == "double" {
		r.accept("PRECISION")
	}
	if c.Type == "geometrycollection" {
		c.Type = "geomcollection" // as 8.0 and later spell it
	}
	if !r.isPunct(r.i, '(') {
		return nil
	}
	end := r.closing(r.i)
	items := r.list(r.i+1, end)
	r.i = end + 1
	if c.Type == "enum" || c.Type == "set" {
		for _, m := range items {
			c.Members = append(c.Members, r.literal(m.start))
		}
		return nil
	}
	for n, m := range items {
		v, err := strconv.Atoi(r.raw(m.start))
		if err != nil {
			return fmt.Errorf("read the length of %s: %w", c.Type, err)
		}
		if n == 0 {
			c.Length = v
		} else {
			c.Decimals = v
		}
	}
	return nil
}

// flags are the attributes of one or more words that set a field and nothing else.
var flags = []struct {
	words []string
	set   func(*schema.Column)
}{
	{[]string{"UNSIGNED"}, func(c *schema.Column) { c.Unsigned = true }},
	{[]string{"SIGNED"}, func(*schema.Column) {}},
	{[]string{"ZEROFILL"}, func(c *schema.Column) { c.ZeroFill, c.Unsigned = true, true }},
	{[]string{"NOT", "NULL"}, func(c *schema.Column) { c.Nullable = false }},
	{[]string{"NULL"}, func(*schema.Column) {}},
	{[]string{"AUTO_INCREMENT"}, func(c *schema.Column) { c.AutoInc = true }},
	{[]string{"INVISIBLE"}, func(c *schema.Column) { c.Invisible = true }},
	{[]string{"VISIBLE"}, func(*schema.Column) {}},
	{[]string{"NOT", "SECONDARY"}, func(*schema.Column) {}},
	{[]string{"VIRTUAL"}, func(c *schema.Column) { c.Generated = schema.Virtual }},
	{[]string{"STORED"}, func(c *schema.Column) { c.Generated = schema.Stored }},
	{[]string{"PERSISTENT"}, func(c *schema.Column) { c.Generated = schema.Stored }},
	{[]string{"NOT", "ENFORCED"}, func(*schema.Column) {}},
	{[]string{"ENFORCED"}, func(*schema.Column) {}},
	{[]string{"WITHOUT", "SYSTEM", "VERSIONING"}, func(*schema.Column) {}},
	{[]string{"WITH", "SYSTEM", "VERSIONING"}, func(*schema.Column) {}},
	{[]string{"GENERATED", "ALWAYS", "AS", "ROW", "START"}, func(*schema.Column) {}},
	{[]string{"GENERATED", "ALWAYS", "AS", "ROW", "END"}, func(*schema.Column) {}},
}

// settings are the attributes with a value that belongs to the text alone.
var settings = [][]string{{"COLUMN_FORMAT"}, {"STORAGE"}, {"ENGINE_ATTRIBUTE"}, {"SECONDARY_ENGINE_ATTRIBUTE"}, {"COMPRESSED"}}

// attribute reads one attribute behind the type.
func (r *tableReader) attribute(c *schema.Column, e span) error {
	for _, f := range flags {
		if r.accept(f.words...) {
			f.set(c)
			return nil
		}
	}
	switch {
	case r.accept("CHARACTER", "SET"), r.accept("CHARSET"):
		c.Charset = charsetName(r.value())
	case r.accept("COLLATE"):
		c.Collation = collationName(r.value())
	case r.accept("GENERATED", "ALWAYS", "AS"), r.accept("AS"):
		return r.generated(c)
	case r.accept("DEFAULT"):
		return r.defaultValue(c, e)
	case r.accept("ON", "UPDATE"):
		c.OnUpdate = true
		r.call()
	case r.accept("COMMENT"):
		c.Comment = r.value()
	case r.option("SRID"), r.option("REF_SYSTEM_ID"):
		n, err := strconv.ParseUint(r.value(), 10, 32)
		if err != nil {
			return fmt.Errorf("read SRID: %w", err)
		}
		c.SRID = int64(n)
	case r.accept("CONSTRAINT"):
		r.i++ // its name
	case r.accept("CHECK"):
		r.table.Checks++
		r.i = min(r.closing(r.i)+1, e.end)
	default:
		return r.setting()
	}
	return nil
}

// setting consumes NAME [=] value.
func (r *tableReader) setting() error {
	for _, s := range settings {
		if !r.accept(s...) {
			continue
		}
		if !r.acceptPunct('=') && s[0] == "COMPRESSED" {
			return nil // MariaDB's attribute may stand alone
		}
		r.i++
		return nil
	}
	return r.unexpected("an attribute")
}

// generated reads the expression of a generated column, which is virtual unless STORED follows.
func (r *tableReader) generated(c *schema.Column) error {
	if !r.isPunct(r.i, '(') {
		return r.unexpected("an expression in parentheses")
	}
	end := r.closing(r.i)
	if end >= len(r.tokens) {
		return r.unexpected("a closed parenthesis")
	}
	c.Expression = r.text[r.tokens[r.i].end:r.tokens[end].start]
	c.Generated = schema.Virtual
	r.i = end + 1
	return nil
}

// defaultValue reads a literal, perhaps signed or with an introducer, a function call, or an
// expression in parentheses.
func (r *tableReader) defaultValue(c *schema.Column, e span) error {
	if r.i >= e.end {
		return r.unexpected("a default")
	}
	start := r.tokens[r.i].start
	if !r.acceptPunct('-') {
		r.acceptPunct('+')
	}
	introducer := r.i+1 < e.end && r.tokens[r.i].kind == word && r.raw(r.i)[0] == '_' && r.tokens[r.i+1].kind == stringLit
	switch {
	case r.isPunct(r.i, '('):
		r.i = min(r.closing(r.i)+1, e.end)
	case introducer:
		r.i += 2
	default:
		r.call()
		for r.i < e.end && r.isPunct(r.i, '.') { // nextval of a qualified sequence
			r.i += 2
		}
	}
	c.Default = r.text[start:r.tokens[min(r.i, e.end)-1].end]
	return nil
}

// call consumes one token and the arguments in parentheses behind it.
func (r *tableReader) call() {
	r.i++
	if r.isPunct(r.i, '(') {
		r.i = min(r.closing(r.i)+1, len(r.tokens))
	}
}
