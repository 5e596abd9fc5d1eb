package ddl

import "strings"

// The two bits of sql_mode that decide what a quote is.
const (
	modeANSIQuotes         uint64 = 1 << 2
	modeNoBackslashEscapes uint64 = 1 << 20
)

// span is a half-open range: of bytes of a text, or of tokens.
type span struct{ start, end int }

func (s span) empty() bool { return s.end <= s.start }

type tokenKind uint8

const (
	word       tokenKind = iota // keyword or identifier without quotes
	quoted                      // identifier in backticks, or in double quotes under ANSI_QUOTES
	stringLit                   // '..', "..", N'..', x'..', b'..' and $tag$..$tag$
	number                      // 1, 1.5e3, 0x1f, 0b01
	punctuator                  // one byte
)

// token is one lexical element of a text; comments and the marks of versioned ones are none.
type token struct {
	kind       tokenKind
	start, end int
}

// lexed is a text cut into tokens.
type lexed struct {
	text   string
	tokens []token
	// gaps are the comments and the marks of executed versioned comments, in order: what has
	// to be blanked for a reader that would judge them differently.
	gaps []span
	// comments are those gaps that are whole comments, not marks.
	comments []span
	// broken tells of a quote or comment without an end: no server logs such a text.
	broken      bool
	ansi        bool
	noBackslash bool
}

// lexer cuts a text in one pass; each byte is looked at a bounded number of times.
type lexer struct {
	lexed
	pos       int
	versioned bool // inside a versioned comment that is executed
	server    serverVersion
	// noDollar is where the search for the end of a dollar quote failed before: searched once
	// per text, which keeps the pass linear.
	noDollar map[string]bool
}

// lex cuts text as the session's server does.
func lex(text string, session Session) *lexed {
	l := &lexer{server: parseServerVersion(session.Flavor, session.Version)}
	l.text = text
	l.ansi = session.SQLMode&modeANSIQuotes != 0
	l.noBackslash = session.SQLMode&modeNoBackslashEscapes != 0
	l.tokens = make([]token, 0, 16+len(text)/8)
	for l.pos < len(l.text) {
		l.next()
	}
	return &l.lexed
}

func (l *lexer) at(i int) byte {
	if i < len(l.text) {
		return l.text[i]
	}
	return 0
}

func (l *lexer) emit(kind tokenKind, end int) {
	l.tokens = append(l.tokens, token{kind, l.pos, end})
	l.pos = end
}

// next consumes one token, comment or blank.
func (l *lexer) next() {
	c := l.text[l.pos]
	switch {
	case isSpace(c):
		l.pos++
	case c == '#', c == '-' && l.at(l.pos+1) == '-' && l.endsDashes(l.pos+2):
		l.lineComment()
	case c == '/' && l.at(l.pos+1) == '*':
		l.longComment()
	case c == '*' && l.versioned && l.at(l.pos+1) == '/':
		l.versioned = false
		l.mark(l.pos + 2)
	case c == '`':
		l.quote(quoted, l.pos, '`', false)
	case c == '"' && l.ansi:
		l.quote(quoted, l.pos, '"', false)
	case c == '\'', c == '"':
		l.quote(stringLit, l.pos, c, !l.noBackslash)
	case l.prefixedString(c):
		l.quote(stringLit, l.pos+1, '\'', (c == 'n' || c == 'N') && !l.noBackslash)
	case c == '$' && l.dollarQuote():
	case c >= '0' && c <= '9':
		l.digits()
	case c == '.' && isDigit(l.at(l.pos+1)) && !l.afterIdentifier():
		l.emit(number, l.exponent(l.skipDigits(l.pos+1)))
	case isIdentifierByte(c):
		l.emit(word, l.skipIdentifier(l.pos))
	default:
		l.emit(punctuator, l.pos+1)
	}
}

// endsDashes tells whether "--" before i begins a comment: a blank, a control character or
// the end of the text must follow.
func (l *lexer) endsDashes(i int) bool {
	return i >= len(l.text) || l.text[i] <= ' ' || l.text[i] == 0x7f
}

func (l *lexer) mark(end int) {
	l.gaps = append(l.gaps, span{l.pos, end})
	l.pos = end
}

func (l *lexer) comment(end int) {
	l.comments = append(l.comments, span{l.pos, end})
	l.mark(end)
}

func (l *lexer) lineComment() {
	end := len(l.text)
	if i := strings.IndexByte(l.text[l.pos:], '\n'); i >= 0 {
		end = l.pos + i
	}
	l.comment(end)
}

// longComment consumes a comment, or the opening mark of a versioned one whose inside the
// server executed.
func (l *lexer) longComment() {
	i := l.pos + 2
	mariadbOnly := l.at(i) == 'M' && l.at(i+1) == '!'
	if mariadbOnly {
		i++
	}
	if l.at(i) != '!' {
		l.endComment(l.pos+2, false)
		return
	}
	i++
	version, digits := l.commentVersion(i)
	if !l.server.executes(version, mariadbOnly) {
		l.endComment(i, !mariadbOnly || !l.server.mysql)
		return
	}
	l.versioned = true
	l.mark(i + digits)
}

// commentVersion reads the five or six digits behind "/*!"; none means "always".
func (l *lexer) commentVersion(i int) (version, digits int) {
	for digits < l.server.commentDigits() && isDigit(l.at(i+digits)) {
		version = version*10 + int(l.text[i+digits]-'0')
		digits++
	}
	if digits < 5 {
		return 0, 0
	}
	return version, digits
}

// endComment consumes up to the end of a comment that is not executed. A skipped versioned
// comment may hold one level of comments.
func (l *lexer) endComment(from int, nesting bool) {
	inner := false
	for i := from; i < len(l.text); i++ {
		switch {
		case l.text[i] == '*' && l.at(i+1) == '/':
			if !inner {
				l.comment(i + 2)
				return
			}
			inner = false
			i++
		case nesting && !inner && l.text[i] == '/' && l.at(i+1) == '*':
			inner = true
			i++
		}
	}
	l.broken = true
	l.comment(len(l.text))
}

// quote consumes a quoted text whose opening quote stands at open. A doubled quote is a quote.
func (l *lexer) quote(kind tokenKind, open int, q byte, backslash bool) {
	for i := open + 1; i < len(l.text); i++ {
		switch l.text[i] {
		case '\\':
			if backslash {
				i++
			}
		case q:
			if l.at(i+1) != q || i+1 >= len(l.text) {
				l.emit(kind, i+1)
				return
			}
			i++
		}
	}
	l.broken = true
	l.emit(kind, len(l.text))
}

// prefixedString tells of N'..', x'..' and b'..'.
func (l *lexer) prefixedString(c byte) bool {
	switch c {
	case 'n', 'N', 'x', 'X', 'b', 'B':
		return l.at(l.pos+1) == '\''
	}
	return false
}

// dollarQuote consumes $tag$..$tag$, the text of a routine in another language (MySQL 9).
func (l *lexer) dollarQuote() bool {
	if !l.server.dollarQuotes() {
		return false
	}
	i := l.pos + 1
	for i < len(l.text) && l.text[i] != '$' && isIdentifierByte(l.text[i]) {
		i++
	}
	if l.at(i) != '$' {
		return false
	}
	tag := l.text[l.pos : i+1]
	if l.noDollar[tag] || len(l.noDollar) > 8 {
		return false
	}
	end := strings.Index(l.text[i+1:], tag)
	if end < 0 {
		if l.noDollar == nil {
			l.noDollar = map[string]bool{}
		}
		l.noDollar[tag] = true
		return false
	}
	l.emit(stringLit, i+1+end+len(tag))
	return true
}

// afterIdentifier tells whether the last token is an identifier that ends right here, so that
// a dot is a qualifier's and not a number's.
func (l *lexer) afterIdentifier() bool {
	if len(l.tokens) == 0 {
		return false
	}
	t := l.tokens[len(l.tokens)-1]
	return t.end == l.pos && (t.kind == word || t.kind == quoted)
}

// digits consumes a number, or an identifier that begins with digits.
func (l *lexer) digits() {
	if l.afterQualifier() {
		l.emit(word, l.skipIdentifier(l.pos))
		return
	}
	if end, ok := l.radix(); ok {
		l.emit(number, end)
		return
	}
	i := l.skipDigits(l.pos)
	if e := l.exponent(i); e > i {
		l.emit(number, e)
		return
	}
	if isIdentifierByte(l.at(i)) && i < len(l.text) {
		l.emit(word, l.skipIdentifier(i))
		return
	}
	if l.at(i) == '.' {
		i = l.exponent(l.skipDigits(i + 1))
	}
	l.emit(number, i)
}

// afterQualifier tells whether the last token is a dot right before, behind an identifier:
// db.1a is a qualified name.
func (l *lexer) afterQualifier() bool {
	n := len(l.tokens)
	if n < 2 {
		return false
	}
	dot, name := l.tokens[n-1], l.tokens[n-2]
	return dot.kind == punctuator && l.text[dot.start] == '.' && dot.end == l.pos &&
		(name.kind == word || name.kind == quoted) && name.end == dot.start
}

// radix finds the end of 0x1f and 0b01 (which are lower-case prefixes for the server).
func (l *lexer) radix() (int, bool) {
	if l.text[l.pos] != '0' {
		return 0, false
	}
	var digit func(byte) bool
	switch l.at(l.pos + 1) {
	case 'x':
		digit = isHexDigit
	case 'b':
		digit = func(c byte) bool { return c == '0' || c == '1' }
	default:
		return 0, false
	}
	i := l.pos + 2
	for i < len(l.text) && digit(l.text[i]) {
		i++
	}
	return i, i > l.pos+2 && (i >= len(l.text) || !isIdentifierByte(l.text[i]))
}

func (l *lexer) skipDigits(i int) int {
	for i < len(l.text) && isDigit(l.text[i]) {
		i++
	}
	return i
}

// exponent returns the end of e+10 at i, or i.
func (l *lexer) exponent(i int) int {
	if c := l.at(i); c != 'e' && c != 'E' {
		return i
	}
	j := i + 1
	if c := l.at(j); c == '+' || c == '-' {
		j++
	}
	if !isDigit(l.at(j)) {
		return i
	}
	return l.skipDigits(j)
}

func (l *lexer) skipIdentifier(i int) int {
	for i < len(l.text) && isIdentifierByte(l.text[i]) {
		i++
	}
	return i
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHexDigit(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// isIdentifierByte tells of the bytes of an identifier without quotes: letters, digits, _, $
// and everything beyond ASCII.
func isIdentifierByte(c byte) bool {
	return c >= 0x80 || c == '_' || c == '$' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
