package event

import (
	"bytes"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// MariaDB carries out a REPLACE that meets a row as an UPDATE of that row where it can, and logs it as one. Where
// binlog_row_image is not FULL, the after image then has the columns that the statement names, and lacks those that it
// has set to their defaults: byte by byte it is the image of an UPDATE that leaves these as they were. What tells them apart is
// the statement's text, which MariaDB logs in front of the rows (binlog_annotate_row_events, ON by default).

// annotationKept is how much of a statement's text is looked at.
const annotationKept = 512

// annotate keeps the beginning of the text of the statement whose rows come next.
func (t *tableMaps) annotate(text []byte) {
	t.annotation = append(t.annotation[:0], text[:min(len(text), annotationKept)]...)
	t.vouched = schema.Name{}
}

// forget is for the end of what an annotation speaks of.
func (t *tableMaps) forget() { t.annotation = t.annotation[:0] }

// leaves tells whether a statement's text proves that what the after images of its UPDATE events lack is as it was:
// where it is an UPDATE, or an INSERT, of this table and of no other. With other tables beside it a trigger may have
// done anything to any of them. alone tells that the text names it without its schema, which may be another table: the rows
// of a table without transactions are logged first, behind the text of the statement whose trigger has written them.
func (t *tableMaps) leaves(name schema.Name) (proved, alone bool) {
	if len(t.open) != 1 {
		return false, false
	}
	words := words{text: t.annotation}
	verb := words.next()
	if verb != "UPDATE" && verb != "INSERT" {
		return false, false
	}
	for {
		switch word := words.next(); word {
		case "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "IGNORE", "INTO":
		case "":
			return words.names(name)
		default:
			words.rest = word
			return words.names(name)
		}
	}
}

// words are the keywords and names with which a statement begins. Anything else ends them: a comment may hide whatever it
// likes.
type words struct {
	text []byte
	rest string // a bare word that was read, and may be a name
}

// next returns the next bare word, in capitals; empty for none.
func (w *words) next() string {
	w.text = bytes.TrimLeft(w.text, " \t\r\n")
	n := 0
	for n < len(w.text) && isBare(w.text[n]) {
		n++
	}
	word := string(w.text[:n])
	w.text = w.text[n:]
	if upper := strings.ToUpper(word); isKeyword(upper) {
		return upper
	}
	return word
}

func isKeyword(word string) bool {
	switch word {
	case "UPDATE", "INSERT", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED", "IGNORE", "INTO":
		return true
	}
	return false
}

func isBare(b byte) bool {
	return b == '_' || b == '$' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= 0x80
}

// name returns the next name, quoted or not.
func (w *words) name() (string, bool) {
	if w.rest != "" {
		name := w.rest
		w.rest = ""
		return name, true
	}
	w.text = bytes.TrimLeft(w.text, " \t\r\n")
	if len(w.text) == 0 || w.text[0] != '`' {
		name := w.next()
		return name, name != ""
	}
	var name []byte
	for i := 1; i < len(w.text); i++ {
		switch {
		case w.text[i] != '`':
			name = append(name, w.text[i])
		case i+1 < len(w.text) && w.text[i+1] == '`':
			name = append(name, '`')
			i++
		default:
			w.text = w.text[i+1:]
			return string(name), true
		}
	}
	return "", false
}

// names tells whether a table's name comes next, and whether it is without a schema.
func (w *words) names(table schema.Name) (is, alone bool) {
	first, ok := w.name()
	if !ok {
		return false, false
	}
	behind := bytes.TrimLeft(w.text, " \t\r\n")
	if !bytes.HasPrefix(behind, []byte(".")) {
		// A blank or a bracket: nothing that goes on with the name in another way.
		return strings.EqualFold(first, table.Name) && len(w.text) > 0 && bytes.IndexByte([]byte(" \t\r\n(,"), w.text[0]) >= 0, true
	}
	w.text = behind[1:]
	second, ok := w.name()
	return ok && strings.EqualFold(first, table.Schema) && strings.EqualFold(second, table.Name), false
}
