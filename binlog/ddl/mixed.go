package ddl

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Texts that the server wrote itself, in whole or in part, stand in the log in UTF-8 where it
// wrote and in the client's character set where it copied what the client had sent: one event
// holds both, under one character set in its context. (DROP TABLE is the exception: the server
// converts that one back.) Measured on 9.7 with latin1 and gbk.

// quotedName is an identifier as the server quotes it.
const quotedName = "`(?:[^`]|``)*`"

var (
	// serverDefiner is the clause that the server puts in front of triggers and events, with
	// what it writes in front of views and routines.
	serverDefiner = "DEFINER=" + quotedName + "(?:@" + quotedName + ")? "
	// viewHeader is all in front of the SELECT of a view.
	viewHeader = regexp.MustCompile("^(?:CREATE|ALTER|CREATE OR REPLACE) ALGORITHM=[A-Z]+ " + serverDefiner + "SQL SECURITY [A-Z]+ VIEW (?:IF NOT EXISTS )?" +
		"(?:" + quotedName + `\.)?` + quotedName + ` ?(?:\((?:` + quotedName + `(?:, ?)?)*\))? AS `)
	// routineHeader is all in front of the parameters, routineOptions what stands behind them.
	routineHeader  = regexp.MustCompile("^CREATE (?:OR REPLACE )?" + serverDefiner + "(?:AGGREGATE )?(?:PROCEDURE|FUNCTION) (?:IF NOT EXISTS )?(?:" + quotedName + `\.)?` + quotedName + `\(`)
	routineOptions = regexp.MustCompile(`^\)(?: RETURNS [^\n]*)?\n(?:    [A-Z][^\n]*\n)*`)
	// definerHeader is all that the server writes in front of a trigger or event.
	definerHeader = regexp.MustCompile("^CREATE (?:OR REPLACE )?" + serverDefiner)
	// selectedTable is of CREATE TABLE .. SELECT (fact 8.1), as no client sends it: its options come behind.
	selectedTable = regexp.MustCompile(`\n\) START TRANSACTION(?: |$)`)
	// tableHeader begins a definition that the server spells itself.
	tableHeader = regexp.MustCompile("^CREATE TABLE (?:IF NOT EXISTS )?(?:" + quotedName + `\.)?` + quotedName + " \\(\n  `")
)

// decodeLogged converts the text of a Query event to UTF-8. doubt tells that the text may be
// the server's own or the client's, and reads differently as the one and as the other.
func decodeLogged(sql []byte, ctx Session) (text string, doubt bool, err error) {
	cs, err := clientCharset(ctx.ClientCharset)
	if err != nil || cs == nil || isASCII(sql) {
		return string(sql), false, err
	}
	if tableHeader.Match(sql) && utf8.Valid(sql) {
		if selectedTable.Match(sql) {
			return string(sql), false, nil
		}
		return cs.decode(sql), spelledLikeTemporary(sql), nil
	}
	if end := len(viewHeader.Find(sql)); end > 0 {
		return cs.decodeBehind(sql, end), false, nil
	}
	if end := len(routineHeader.Find(sql)); end > 0 {
		return cs.decodeRoutine(sql, end, ctx), false, nil
	}
	return cs.decodeBehind(sql, len(definerHeader.Find(sql))), false, nil
}

// spelledLikeTemporary tells whether the text may be the definition that the server writes for
// CREATE TABLE .. LIKE <temporary table> (fact 8.3), in UTF-8. It has no character set among its
// options, which texts that clients took from SHOW CREATE TABLE have.
func spelledLikeTemporary(sql []byte) bool {
	i := bytes.LastIndex(sql, []byte("\n)"))
	return i >= 0 && !bytes.Contains(sql[i:], []byte("CHARSET=")) && !bytes.HasSuffix(bytes.TrimSpace(sql), []byte(";"))
}

// decodeBehind takes the first n bytes as UTF-8, unless they are none.
func (c *charset) decodeBehind(sql []byte, n int) string {
	if !utf8.Valid(sql[:n]) {
		return c.decode(sql)
	}
	return string(sql[:n]) + c.decode(sql[n:])
}

// decodeRoutine reads a routine: header and options are the server's, parameters and body the
// client's.
func (c *charset) decodeRoutine(sql []byte, header int, ctx Session) string {
	rest := c.decode(sql[header:])
	l := lex("("+rest, ctx)
	end := l.closing(0)
	if end >= len(l.tokens) {
		return c.decodeBehind(sql, header)
	}
	parameters := rest[:l.tokens[end].start-1]
	raw := sql[header+c.rawLength(sql[header:], len(parameters)):]
	options := routineOptions.Find(raw)
	return c.decodeBehind(sql[:header], header) + parameters + c.decodeBehind(raw, len(options))
}

// rawLength returns how many bytes of text decode to n bytes of UTF-8.
func (c *charset) rawLength(text []byte, n int) int {
	at := 0
	for n > 0 && at < len(text) {
		width := 1
		if c.single == nil {
			width = max(c.multi.width(text[at:]), 1)
		}
		n -= len(c.decode(text[at : at+width]))
		at += width
	}
	return at
}

// hasReplacement tells whether decoding put a replacement character where the text had none.
func hasReplacement(text string, sql []byte) bool {
	return strings.Count(text, "\uFFFD") > bytes.Count(sql, []byte("\uFFFD"))
}
