package dumper

import (
	"fmt"
	"strings"

	"github.com/tripod-db/tripod/binlog/ddl"
	"github.com/tripod-db/tripod/internal/schema"
	"github.com/tripod-db/tripod/storage/catalog"
)

// decodeObject makes UTF-8 of the text that SHOW CREATE gives of an object whose creator's
// character set is charset. A view's text is in that character set as a whole. Of the others the
// server writes a part itself, in UTF-8 whatever is asked for (name, comment, what a function
// returns, a trigger's table), and leaves the rest, parameters and body, as it came.
func decodeObject(kind catalog.ObjectKind, text, charset string) (string, error) {
	c, known := schema.CharsetByName(charset)
	if !known {
		return "", fmt.Errorf("its character set %q is unknown", charset)
	}
	collation, known := schema.CollationByName(c.Default)
	if !known {
		return "", fmt.Errorf("its character set %q is unknown", charset)
	}
	var out strings.Builder
	for i, part := range textParts(kind, text, c.Name) {
		if i%2 == 0 { // the server's own
			out.WriteString(part)
			continue
		}
		decoded, err := ddl.DecodeText([]byte(part), collation.ID)
		if err != nil {
			return "", err
		}
		out.WriteString(decoded)
	}
	return out.String(), nil
}

// textParts cuts a text into parts that are the server's (UTF-8) and the creator's, in turns.
func textParts(kind catalog.ObjectKind, text, charset string) []string {
	switch kind {
	case catalog.KindView:
		return []string{"", text}
	case catalog.KindEvent: // CREATE .. EVENT `e` ON SCHEDULE .. COMMENT '..' DO body
		end := unquoted(text, 0, " DO ")
		return []string{text[:end], text[end:]}
	case catalog.KindTrigger: // CREATE .. TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW body
		end := unquoted(text, min(unquoted(text, 0, " ON ")+len(" ON "), len(text)), " ")
		return []string{text[:end], text[end:]}
	case catalog.KindProcedure, catalog.KindFunction:
	}
	// CREATE .. PROCEDURE `p`(parameters) RETURNS type, line by line the characteristics, body
	open := unquoted(text, 0, "(")
	closed := closing(text, open, charset)
	body := closed
	for line := nextLine(text, body); line < len(text); line = nextLine(text, body) {
		body = line
		if !characteristic(text[line:]) {
			break
		}
	}
	return []string{text[:open], text[open:closed], text[closed:body], text[body:]}
}

// unquoted returns where what stands first at or behind from, outside of quotes, or the end.
func unquoted(text string, from int, what string) int {
	quote := byte(0)
	for i := from; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == '\\' && quote == '\'' {
				i++
			} else if c == quote {
				quote = 0
			}
		case strings.HasPrefix(text[i:], what):
			return i
		case c == '\'' || c == '"' || c == '`':
			quote = c
		}
	}
	return len(text)
}

// closing returns where the list that opens at open ends, behind its parenthesis. The text is
// the creator's: a quote can be the second byte of a character.
func closing(text string, open int, charset string) int {
	depth, quote := 0, byte(0)
	for i := open; i < len(text); i += width(text[i:], charset) {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"' || c == '`':
			quote = c
		case comment(text[i:]) > 0:
			i += comment(text[i:]) - width(text[i:], charset)
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// comment returns how long the comment is with which text begins; 0 for none.
func comment(text string) int {
	end := ""
	switch {
	case strings.HasPrefix(text, "/*"):
		end = "*/"
	case strings.HasPrefix(text, "#"), len(text) > 2 && strings.HasPrefix(text, "--") && text[2] <= ' ':
		end = "\n"
	default:
		return 0
	}
	if i := strings.Index(text[2:], end); i >= 0 {
		return 2 + i + len(end)
	}
	return len(text)
}

// width returns how many bytes the first character of text has, of character sets in which a
// second byte may look like a quote, a parenthesis or a backslash; 1 for all others.
func width(text, charset string) int {
	lead := text[0]
	wide := false
	switch charset {
	case "sjis", "cp932":
		wide = lead >= 0x81 && lead <= 0x9F || lead >= 0xE0 && lead <= 0xFC
	case "gbk", "big5", "gb18030":
		wide = lead >= 0x81 && lead <= 0xFE
	}
	switch {
	case !wide || len(text) < 2:
		return 1
	case charset == "gb18030" && text[1] >= '0' && text[1] <= '9' && len(text) >= 4:
		return 4
	}
	return 2
}

func nextLine(text string, from int) int {
	i := strings.IndexByte(text[from:], '\n')
	if i < 0 {
		return len(text)
	}
	return from + i + 1
}

// characteristic tells whether a line is one that the server writes between head and body.
func characteristic(line string) bool {
	rest, indented := strings.CutPrefix(line, "    ")
	if !indented {
		return false
	}
	for _, word := range []string{"LANGUAGE ", "NO SQL\n", "CONTAINS SQL\n", "READS SQL DATA\n", "MODIFIES SQL DATA\n", "DETERMINISTIC\n",
		"NOT DETERMINISTIC\n", "SQL SECURITY ", "COMMENT ", "USING "} {
		if strings.HasPrefix(rest, word) {
			return true
		}
	}
	return false
}
