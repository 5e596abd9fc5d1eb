package chunk

import (
	"bytes"
	"io"
	"strconv"
)

// document takes the escaped text of a JSON value, cut anywhere, and passes it on with numbers that a
// server does not keep as integers printed as the doubles that they become. In the text of a value
// every backslash is doubled.
type document struct {
	inString bool
	escape   int    // how many bytes of an escape sequence of the document have been taken
	number   []byte // that is not complete
}

// write passes text on; w never fails.
func (d *document) write(w io.Writer, text []byte) {
	asIs := 0 // where what is passed on as it is begins
	for i, c := range text {
		if len(d.number) > 0 {
			if bytes.IndexByte([]byte("+-.eE0123456789"), c) >= 0 {
				d.number, asIs = append(d.number, c), i+1
				continue
			}
			d.endNumber(w)
		}
		switch {
		case d.escape == 1, d.escape == 2 && c == '\\':
			d.escape++ // the second of a doubled backslash; what it escapes is one again
		case d.escape > 0:
			d.escape = 0
		case d.inString && c == '\\':
			d.escape = 1
		case c == '"':
			d.inString = !d.inString
		case !d.inString && (c == '-' || c >= '0' && c <= '9'):
			_, _ = w.Write(text[asIs:i])
			d.number, asIs = append(d.number, c), i+1
		}
	}
	_, _ = w.Write(text[asIs:])
}

// end ends the value.
func (d *document) end(w io.Writer) {
	d.endNumber(w)
	d.inString, d.escape = false, 0
}

func (d *document) endNumber(w io.Writer) {
	if len(d.number) == 0 {
		return
	}
	_, _ = w.Write(canonicalNumber(d.number))
	d.number = d.number[:0]
}

func canonicalNumber(text []byte) []byte {
	if !bytes.ContainsAny(text, ".eE") && isInteger(string(text)) {
		return text
	}
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return text
	}
	return strconv.AppendFloat(nil, n, 'e', -1, 64)
}

// isInteger tells whether a server keeps digits as an integer: more of them become a double.
func isInteger(text string) bool {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return true
	}
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}
