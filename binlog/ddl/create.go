package ddl

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// ParseCreateTable reads the output of SHOW CREATE TABLE (UTF-8, names in backticks, read
// without ANSI_QUOTES and NO_BACKSLASH_ESCAPES) of any supported server. The name in the text
// is put into schemaName, and so are parents of foreign keys that are shown without a schema.
// An error says what could not be read: a table that is understood in part would be restored
// in part.
func ParseCreateTable(show string, schemaName string) (*schema.Table, error) {
	l := lex(show, Session{})
	if l.broken {
		return nil, fmt.Errorf("read CREATE TABLE: a quote or comment has no end")
	}
	r := &tableReader{
		parser: parser{lexed: l, s: &Statement{Text: show, lex: l, session: Session{Schema: schemaName}}},
		table:  &schema.Table{Create: show},
	}
	if err := r.read(); err != nil {
		return nil, fmt.Errorf("read CREATE TABLE %s: %w", r.table.Name, err)
	}
	return r.table, nil
}

// tableReader reads one CREATE TABLE into a table.
type tableReader struct {
	parser
	table *schema.Table
}

func (r *tableReader) read() error {
	if !r.accept("CREATE") {
		return r.unexpected("CREATE TABLE")
	}
	r.accept("OR", "REPLACE")
	r.accept("TEMPORARY")
	if !r.accept("TABLE") {
		return r.unexpected("CREATE TABLE")
	}
	r.accept("IF", "NOT", "EXISTS")
	n, _, ok := r.name()
	if !ok {
		return r.unexpected("a name")
	}
	r.table.Name = n
	if !r.isPunct(r.i, '(') {
		return r.unexpected("the columns in parentheses")
	}
	end := r.closing(r.i)
	if end >= len(r.tokens) {
		return fmt.Errorf("the parentheses of the columns are not closed")
	}
	elements := r.list(r.i+1, end)
	// The options come first: columns take character set and collation from them.
	r.i = end + 1
	if err := r.options(); err != nil {
		return err
	}
	r.table.Charset, r.table.Collation = completeCharset(r.table.Charset, r.table.Collation)
	for _, e := range elements {
		if err := r.element(e); err != nil {
			return err
		}
	}
	r.primaryFirst()
	r.table.MarkSessionDependent()
	if reason := r.unsupported(0, len(r.tokens)); reason != "" {
		r.table.Unsupported = reason
	}
	return nil
}

// unexpected says what stands at the cursor instead of what was wanted.
func (r *tableReader) unexpected(want string) error {
	got := "the end"
	if !r.done() {
		got = strconv.Quote(clip(r.text[r.tokens[r.i].start:], 40))
	}
	return fmt.Errorf("want %s, found %s", want, got)
}

// clip cuts text for a message.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "") + "..."
}

// primaryFirst moves the primary key to the front, where it stands anyway in what servers show.
func (r *tableReader) primaryFirst() {
	keys := r.table.Keys
	for i := range keys {
		if keys[i].Primary && i > 0 {
			k := keys[i]
			copy(keys[1:i+1], keys[:i])
			keys[0] = k
			return
		}
	}
}

// element reads a column, key or constraint.
func (r *tableReader) element(e span) error {
	r.i = e.start
	kind, name, err := r.elementHead(e)
	if err != nil {
		return err
	}
	switch kind {
	case columnElement:
		return r.column(e)
	case foreignKeyElement:
		return r.foreignKey(name, e)
	case checkElement:
		r.table.Checks++
		return nil
	case otherElement:
		return nil
	default: // keys
	}
	k, err := r.key(kind, e)
	if err != nil {
		return err
	}
	r.table.Keys = append(r.table.Keys, k)
	return nil
}

// elementKind is what one element of the parentheses of a CREATE TABLE is.
type elementKind int

const (
	columnElement elementKind = iota
	primaryElement
	uniqueElement
	indexElement
	fulltextElement
	spatialElement
	vectorElement
	foreignKeyElement
	checkElement
	otherElement // PERIOD FOR
)

// elementHead consumes CONSTRAINT name and the words that tell what the element is.
func (p *parser) elementHead(e span) (kind elementKind, constraint string, err error) {
	p.i = e.start
	if p.accept("CONSTRAINT") && !p.isAnyWord(p.i, "PRIMARY", "UNIQUE", "FOREIGN", "CHECK") {
		if !p.isIdentifier(p.i) {
			return 0, "", fmt.Errorf("a constraint without a name")
		}
		constraint = p.identifier(p.i)
		p.i++
	}
	switch {
	case p.accept("PRIMARY", "KEY"):
		return primaryElement, constraint, nil
	case p.accept("UNIQUE"):
		p.acceptAny("KEY", "INDEX")
		return uniqueElement, constraint, nil
	case p.accept("FOREIGN", "KEY"):
		return foreignKeyElement, constraint, nil
	case p.accept("CHECK"):
		return checkElement, constraint, nil
	case p.accept("FULLTEXT"):
		p.acceptAny("KEY", "INDEX")
		return fulltextElement, "", nil
	case p.accept("SPATIAL"):
		p.acceptAny("KEY", "INDEX")
		return spatialElement, "", nil
	case p.accept("VECTOR", "KEY"), p.accept("VECTOR", "INDEX"):
		return vectorElement, "", nil
	case p.acceptAny("KEY", "INDEX"):
		return indexElement, "", nil
	case p.accept("PERIOD", "FOR"):
		return otherElement, "", nil
	}
	if constraint != "" {
		return 0, "", fmt.Errorf("constraint %s is of an unknown kind", constraint)
	}
	return columnElement, "", nil
}

// options reads what stands behind the parentheses.
func (r *tableReader) options() error {
	t := r.table
	for !r.done() {
		switch {
		case r.acceptPunct(',') || r.acceptPunct(';'):
		case r.next("PARTITION", "BY"):
			t.Partitioned = true
			last := r.tokens[len(r.tokens)-1].end
			t.PartitionBy = r.text[r.tokens[r.i+1].end:last]
			t.PartitionBy = strings.TrimSpace(t.PartitionBy)
			return nil
		case r.accept("START", "TRANSACTION"):
		case r.accept("WITH", "SYSTEM", "VERSIONING"):
		case r.option("ENGINE"):
			t.Engine = r.value()
		case r.option("UNION"):
			r.union()
		case r.option("AUTO_INCREMENT"):
			n, err := strconv.ParseUint(r.value(), 10, 64)
			if err != nil {
				return fmt.Errorf("read AUTO_INCREMENT: %w", err)
			}
			t.AutoIncrement = n
		case r.option("DEFAULT", "CHARSET"), r.option("CHARSET"), r.option("DEFAULT", "CHARACTER", "SET"), r.option("CHARACTER", "SET"):
			t.Charset = charsetName(r.value())
		case r.option("COLLATE"), r.option("DEFAULT", "COLLATE"):
			t.Collation = collationName(r.value())
		case r.option("COMMENT"):
			t.Comment = r.value()
		case r.option("TABLESPACE"): // without an equals sign, and with one word behind it: as skipOption reads it, that were the next one's
			r.value()
		case r.isIdentifier(r.i):
			r.skipOption()
		default:
			return r.unexpected("a table option")
		}
	}
	return nil
}

// union reads the tables of a MERGE table, in parentheses.
func (r *tableReader) union() {
	for r.acceptPunct('(') || r.acceptPunct(',') {
		n, _, ok := r.name()
		if !ok {
			return
		}
		r.table.Union = append(r.table.Union, n)
	}
	r.acceptPunct(')')
}

// option consumes the words and an equals sign.
func (r *tableReader) option(words ...string) bool {
	if !r.accept(words...) {
		return false
	}
	r.acceptPunct('=')
	return true
}

// value consumes one token and returns what it says, without quotes.
func (r *tableReader) value() string {
	if r.done() {
		return ""
	}
	r.i++
	return r.literal(r.i - 1)
}

// literal returns the value of an identifier, number or string token.
func (r *tableReader) literal(i int) string {
	switch r.tokens[i].kind {
	case quoted:
		return r.identifier(i)
	case stringLit:
		return unescape(r.raw(i))
	default:
		return r.raw(i)
	}
}

// skipOption consumes an option that is part of the text alone: NAME [NAME] [=] value.
func (r *tableReader) skipOption() {
	r.i++
	for r.isIdentifier(r.i) && r.isPunct(r.i+1, '=') {
		r.i++
	}
	if !r.acceptPunct('=') {
		return
	}
	if r.isPunct(r.i, '(') {
		r.i = r.closing(r.i)
	}
	r.i = min(r.i+1, len(r.tokens))
}

// charsetName spells a character set as MySQL 9.7 does.
func charsetName(name string) string {
	if c, ok := schema.CharsetByName(name); ok {
		return c.Name
	}
	return strings.ToLower(name)
}

// collationName spells a collation as MySQL 9.7 does.
func collationName(name string) string {
	if c, ok := schema.CollationByName(name); ok {
		return c.Name
	}
	return strings.ToLower(name)
}

// completeCharset fills in the one of a character set and a collation that is not shown. A
// collation that is not shown is the default of its set; as servers from 8.0 on always show
// utf8mb4_0900_ai_ci, an utf8mb4 alone comes from a server whose default was the older one.
func completeCharset(charset, collation string) (string, string) {
	switch {
	case collation != "" && charset == "":
		if c, ok := schema.CollationByName(collation); ok {
			return c.Charset, collation
		}
		set, _, _ := strings.Cut(collation, "_") // MariaDB's own collations
		return charsetName(set), collation
	case charset == "utf8mb4" && collation == "":
		return charset, "utf8mb4_general_ci"
	case charset != "" && collation == "":
		c, _ := schema.CharsetByName(charset)
		return charset, c.Default
	}
	return charset, collation
}

// unescape returns the value of a string literal: '..' with backslash escapes and doubled
// quotes, N'..', or the bytes of x'..' and b'..'.
func unescape(text string) string {
	switch text[0] {
	case 'x', 'X':
		return hexBytes(unquote(text[1:]))
	case 'b', 'B':
		return bitBytes(unquote(text[1:]))
	case 'n', 'N':
		text = text[1:]
	}
	q := text[0]
	text = strings.TrimSuffix(text[1:], string(q))
	if strings.IndexByte(text, '\\') < 0 && strings.IndexByte(text, q) < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == q:
			i++ // doubled
			b.WriteByte(q)
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteString(escaped(text[i]))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escaped returns what a backslash and c stand for.
func escaped(c byte) string {
	switch c {
	case '0':
		return "\x00"
	case 'b':
		return "\b"
	case 'n':
		return "\n"
	case 'r':
		return "\r"
	case 't':
		return "\t"
	case 'Z':
		return "\x1a"
	case '%', '_':
		return "\\" + string(rune(c))
	}
	return string([]byte{c})
}

func hexBytes(digits string) string {
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	out := make([]byte, 0, len(digits)/2)
	for i := 0; i+1 < len(digits); i += 2 {
		n, err := strconv.ParseUint(digits[i:i+2], 16, 8)
		if err != nil {
			return digits
		}
		out = append(out, byte(n))
	}
	return string(out)
}

func bitBytes(digits string) string {
	for len(digits)%8 != 0 {
		digits = "0" + digits
	}
	out := make([]byte, 0, len(digits)/8)
	for i := 0; i < len(digits); i += 8 {
		n, err := strconv.ParseUint(digits[i:i+8], 2, 8)
		if err != nil {
			return digits
		}
		out = append(out, byte(n))
	}
	return string(out)
}
