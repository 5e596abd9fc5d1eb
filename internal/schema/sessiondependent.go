package schema

import "strings"

// MarkSessionDependent sets SessionDependent of the STORED generated columns whose values depend on the session that wrote the row: no client
// can write them, and neither chunks nor log hold such a session whole. What depends on it by a virtual column does too.
func (t *Table) MarkSessionDependent() {
	depends := map[string]bool{} // by names in lower case; virtual ones count on the way only
	for again := true; again; {
		again = false
		for i := range t.Columns {
			c := &t.Columns[i]
			name := strings.ToLower(c.Name)
			if c.Generated == NotGenerated || depends[name] || !t.dependsOnSession(c, depends) {
				continue
			}
			depends[name], again = true, true
			c.SessionDependent = c.Generated == Stored
		}
	}
}

// SessionDependent lists the columns that MarkSessionDependent has found.
func (t *Table) SessionDependent() (list []string) {
	for i := range t.Columns {
		if t.Columns[i].SessionDependent {
			list = append(list, t.Columns[i].Name)
		}
	}
	return list
}

// dependsOnSession tells whether the value of a generated column may be another one in another session, as those of depends may.
func (t *Table) dependsOnSession(c *Column, depends map[string]bool) bool {
	e := expressed(c.Expression)
	if e.session || c.isMoment() && !t.isSame(c, e) {
		return true
	}
	for _, name := range e.names {
		if depends[strings.ToLower(name)] {
			return true
		}
		of, _ := t.Column(name)
		switch {
		case of == nil || of == c:
		case of.Type == "char": // PAD_CHAR_TO_FULL_LENGTH
			return true
		case e.dates && !of.isMoment() && of.Type != "year": // ALLOW_INVALID_DATES: a text may be a date or none
			return true
		}
	}
	return false
}

// isMoment tells of the types into which a session may convert in another way: TIME_TRUNCATE_FRACTIONAL, ALLOW_INVALID_DATES,
// NO_ZERO_DATE.
func (c *Column) isMoment() bool {
	switch c.Type {
	case "date", "time", "datetime", "timestamp":
		return true
	}
	return false
}

// isSame tells whether a column is a copy of one that takes the same, or the day of one that holds a day: the same for everybody.
func (t *Table) isSame(c *Column, e expression) bool {
	for _, n := range e.names {
		of, _ := t.Column(n)
		if of != nil && of.Type == c.Type && of.Length <= c.Length && strings.EqualFold(c.Expression, Quote(n)) {
			return true
		}
		if c.Type != "date" || of == nil || of.Type != "date" && of.Type != "datetime" {
			continue
		}
		name := strings.ToLower(Quote(n))
		switch strings.ToLower(c.Expression) {
		case name, "cast(" + name + " as date)", "date(" + name + ")":
			return true
		}
	}
	return false
}

// ConvertsByTimeZone tells whether an expression takes or makes a moment by the time zone of its session.
func ConvertsByTimeZone(text string) bool { return expressed(text).zone }

// expression is what the text of a generated column's expression says about its value.
type expression struct {
	// session: a function or operator in it depends on the session.
	session bool
	// zone: it converts by the session's time zone.
	zone bool
	// dates: it takes something for a date.
	dates bool
	// names are those that may be columns.
	names []string
}

// expressed reads an expression, as a server prints it.
func expressed(text string) (e expression) {
	formats := false
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\'' || c == '"':
			end := quoted(text, i)
			literal := text[i:end]
			// A backslash is another character under NO_BACKSLASH_ESCAPES.
			e.session = e.session || strings.Contains(literal, `\`)
			formats = formats || hasNameOfTime(literal)
			i = end
		case c == '`':
			end := quoted(text, i)
			e.names = append(e.names, strings.ReplaceAll(strings.Trim(text[i:end], "`"), "``", "`"))
			i = end
		case c == '/' && i+1 < len(text) && text[i+1] == '*':
			end := strings.Index(text[i+2:], "*/")
			if end < 0 {
				return e
			}
			i += end + 4
		case c == '/':
			e.session = true
			i++
		case isWordByte(c):
			end := i
			for end < len(text) && isWordByte(text[end]) {
				end++
			}
			e.word(strings.ToLower(text[i:end]), text[i:end], text[end:])
			i = end
		default:
			i++
		}
	}
	e.session = e.session || formats && strings.Contains(strings.ToLower(text), "date_format")
	return e
}

// word takes a word of the expression, and what follows it.
func (e *expression) word(lower, word, rest string) {
	rest = strings.TrimLeft(rest, " \t\r\n")
	if !strings.HasPrefix(rest, "(") {
		e.names = append(e.names, word)
		// CAST(.. AS DATETIME), TIME_TRUNCATE_FRACTIONAL
		e.session = e.session || lower == "datetime" || lower == "time"
		e.dates = e.dates || lower == "date" || lower == "interval"
		return
	}
	e.dates = e.dates || dateFunctions[lower]
	switch lower {
	case "from_unixtime", "unix_timestamp":
		e.session, e.zone = true, true
	case "week": // MySQL prints the mode that it took for one that lacks
		e.session = e.session || arguments(rest) == 1
	case "aes_encrypt", "aes_decrypt", "dayname", "monthname", "str_to_date", "format", "timestamp", "time", "datetime":
		e.session = true
	}
}

// dateFunctions take a date.
var dateFunctions = map[string]bool{
	"year": true, "quarter": true, "month": true, "day": true, "dayofmonth": true, "dayofyear": true, "dayofweek": true, "weekday": true, "week": true,
	"weekofyear": true, "yearweek": true, "to_days": true, "to_seconds": true, "last_day": true, "date": true, "datediff": true, "timestampdiff": true,
	"date_format": true, "date_add": true, "date_sub": true, "adddate": true, "subdate": true, "addtime": true, "subtime": true, "timestampadd": true, "extract": true,
}

// hasNameOfTime tells whether a literal may be a format that prints names of days or months (lc_time_names).
func hasNameOfTime(literal string) bool {
	for _, f := range []string{"%a", "%b", "%M", "%W"} {
		if strings.Contains(literal, f) {
			return true
		}
	}
	return false
}

// arguments counts those in the parentheses with which text begins.
func arguments(text string) int {
	n, depth := 1, 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\'', '"', '`':
			i = quoted(text, i) - 1
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return n
			}
		case ',':
			if depth == 1 {
				n++
			}
		}
	}
	return n
}

// quoted returns the end of what is quoted from i on.
func quoted(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote != '`':
			i++
		case text[i] == quote && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i + 1
		}
	}
	return len(text)
}

func isWordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
