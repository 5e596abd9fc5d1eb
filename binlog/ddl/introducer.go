package ddl

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/tripod-db/tripod/internal/schema"
)

// HexLiterals writes the string literals behind a character set introducer (_latin1'..') that
// hold bytes beyond ASCII as hexadecimal ones (_latin1 x'E9'). Their bytes are in their own
// character set, not in that of the text: SHOW CREATE under names binary gives them raw, which
// makes the text invalid UTF-8, and under names utf8mb4 the server puts a question mark in
// their place. The result is valid UTF-8 and means the same under any character_set_client.
func HexLiterals(text string, sqlMode uint64) string {
	if isASCII([]byte(text)) {
		return text
	}
	l := lex(text, Session{SQLMode: sqlMode})
	var edits []Edit
	for i := range l.tokens {
		if set, ok := l.introducer(i); ok {
			t := l.tokens[i+1]
			literal := l.text[t.start:t.end]
			readable := strings.HasPrefix(set, "utf8") && utf8.ValidString(literal)
			if !readable && !isASCII([]byte(literal)) {
				edits = append(edits, Edit{t.start, t.end, fmt.Sprintf(" x'%X'", l.value(i+1))})
			}
		}
	}
	return applyEdits(text, edits)
}

// introducer tells whether token i is _charset in front of a plain string literal.
func (l *lexed) introducer(i int) (charset string, ok bool) {
	if i+1 >= len(l.tokens) || l.tokens[i].kind != word || l.tokens[i+1].kind != stringLit {
		return "", false
	}
	name, ok := strings.CutPrefix(l.text[l.tokens[i].start:l.tokens[i].end], "_")
	if q := l.text[l.tokens[i+1].start]; !ok || q != '\'' && q != '"' {
		return "", false
	}
	c, ok := schema.CharsetByName(name)
	return c.Name, ok
}
