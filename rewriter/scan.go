package rewriter

import "strings"

// token is a word, a quoted identifier or string (without its quotes), or a single other
// character of a statement's text. Comments are no tokens, but the inside of /*! .. */ is.
type token struct {
	text       string
	quoted     bool
	start, end int
}

// is compares an unquoted word without case.
func (t token) is(word string) bool { return !t.quoted && strings.EqualFold(t.text, word) }

// scan cuts text into at most limit tokens from offset on. It serves the few clauses in the head
// of a statement that package ddl does not report; it never looks into a body.
func scan(text string, offset, limit int) []token {
	var tokens []token
	for i := offset; i < len(text) && len(tokens) < limit; {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f':
			i++
		case strings.HasPrefix(text[i:], "/*!"):
			i += 3
			for i < len(text) && text[i] >= '0' && text[i] <= '9' {
				i++
			}
		case strings.HasPrefix(text[i:], "*/"):
			i += 2
		case strings.HasPrefix(text[i:], "/*"):
			i = after(text, i+2, "*/")
		case c == '#' || strings.HasPrefix(text[i:], "-- ") || strings.HasPrefix(text[i:], "--\n"):
			i = after(text, i, "\n")
		case c == '`' || c == '"' || c == '\'':
			t, end := quotedToken(text, i)
			tokens = append(tokens, t)
			i = end
		case isWordByte(c):
			end := i
			for end < len(text) && isWordByte(text[end]) {
				end++
			}
			tokens = append(tokens, token{text: text[i:end], start: i, end: end})
			i = end
		default:
			tokens = append(tokens, token{text: text[i : i+1], start: i, end: i + 1})
			i++
		}
	}
	return tokens
}

// after returns the offset behind the next mark, or the end.
func after(text string, from int, mark string) int {
	if n := strings.Index(text[from:], mark); n >= 0 {
		return from + n + len(mark)
	}
	return len(text)
}

// quotedToken reads a quoted token whose doubled quotes stand for one. A backslash does not
// escape: identifiers know none, and the clauses read here hold no strings that do.
func quotedToken(text string, start int) (token, int) {
	quote := text[start]
	var name strings.Builder
	i := start + 1
	for i < len(text) {
		if text[i] == quote {
			if i+1 < len(text) && text[i+1] == quote {
				i++
			} else {
				i++
				break
			}
		}
		name.WriteByte(text[i])
		i++
	}
	return token{text: name.String(), quoted: true, start: start, end: i}, i
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}
