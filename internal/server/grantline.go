package server

import "strings"

// grantLine reads the text of a GRANT or REVOKE as SHOW GRANTS prints it.
type grantLine struct{ rest string }

func (p *grantLine) word() string {
	word, rest, _ := strings.Cut(p.rest, " ")
	p.rest = rest
	return word
}

// list reads what stands between the verb and ON, TO or FROM: privileges, columns taken off
// (SELECT (a, b) is not SELECT: it is left out), or roles as they are spelled. onObject tells
// that ON followed.
func (p *grantLine) list() (items []string, onObject bool) {
	var item strings.Builder
	partial := false
	end := func() {
		if text := strings.TrimSpace(item.String()); text != "" && !partial {
			items = append(items, text)
		}
		item.Reset()
		partial = false
	}
	for p.rest != "" {
		switch c := p.rest[0]; {
		case c == '`' || c == '\'' || c == '"':
			n := quotedLength(p.rest)
			item.WriteString(p.rest[:n])
			p.rest = p.rest[n:]
			continue
		case c == '(':
			partial = true
			p.skipParentheses()
			continue
		case c == ',':
			end()
		case strings.HasPrefix(p.rest, " ON "):
			end()
			p.rest = p.rest[len(" ON "):]
			return items, true
		case strings.HasPrefix(p.rest, " TO "), strings.HasPrefix(p.rest, " FROM "):
			end()
			return items, false
		default:
			item.WriteByte(c)
		}
		p.rest = p.rest[1:]
	}
	end()
	return items, false
}

func (p *grantLine) skipParentheses() {
	for p.rest != "" && p.rest[0] != ')' {
		n := 1
		if c := p.rest[0]; c == '`' || c == '"' {
			n = quotedLength(p.rest)
		}
		p.rest = p.rest[n:]
	}
	p.rest = strings.TrimPrefix(p.rest, ")")
}

// quotedLength returns the length of the quoted text at the beginning of s, in which a doubled
// quote stands for one.
func quotedLength(s string) int {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

// object reads *.*, `schema`.* or `schema`.`table`. ok is false for anything else (a routine, a proxied account).
func (p *grantLine) object() (scope grant, ok bool) {
	if strings.HasPrefix(p.rest, Everywhere) {
		return grant{}, true
	}
	name, ok := p.identifier()
	if !ok || !strings.HasPrefix(p.rest, ".") {
		return grant{}, false
	}
	p.rest = p.rest[1:]
	if strings.HasPrefix(p.rest, "*") {
		return grant{schema: name}, true
	}
	table, ok := p.identifier()
	return grant{schema: name, table: table}, ok
}

// identifier reads one in backticks, or in double quotes.
func (p *grantLine) identifier() (string, bool) {
	if p.rest == "" || p.rest[0] != '`' && p.rest[0] != '"' {
		return "", false
	}
	n := quotedLength(p.rest)
	if n < 2 {
		return "", false
	}
	quote := p.rest[:1]
	name := strings.ReplaceAll(p.rest[1:n-1], quote+quote, quote)
	p.rest = p.rest[n:]
	return name, true
}

// unescape takes the escapes of SchemaScope off.
func unescape(pattern string) string {
	return strings.NewReplacer(`\\`, `\`, `\_`, `_`, `\%`, `%`).Replace(pattern)
}
