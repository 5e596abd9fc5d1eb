package chunk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"
)

// RowSum tells whether two sets of rows are the same, in whatever order they come: the number of
// lines, and the sums of two words of the SHA-256 of each. Sums of parts add up to that of the whole.
// It finds what was lost, doubled or changed by accident; it is no proof against an enemy.
type RowSum struct {
	Rows   uint64
	hashes [2]uint64
}

// Add adds the rows of another set.
func (s *RowSum) Add(o RowSum) {
	s.Rows += o.Rows
	s.hashes[0] += o.hashes[0]
	s.hashes[1] += o.hashes[1]
}

// RowSummer sums the lines of LOAD DATA text that are written to it. It belongs to one goroutine.
type RowSummer struct {
	json  []bool // by field
	sum   RowSum
	field int
	line  hash.Hash
	text  []byte // of a JSON field that is not complete
}

// NewRowSummer returns a summer for text of these columns. JSON documents are taken in a form that
// is the same for one that was parsed again from its text: decimals become doubles then.
func NewRowSummer(l Load) *RowSummer {
	s := &RowSummer{line: sha256.New(), json: make([]bool, max(1, len(l.Columns)))}
	for i, c := range l.Columns {
		s.json[i] = c.Through == Text
	}
	return s
}

// Sum returns the sum of all complete lines.
func (s *RowSummer) Sum() RowSum { return s.sum }

// Write takes text, cut anywhere. It never fails.
func (s *RowSummer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		// Tab and line feed end a field wherever they stand: those of a value are escaped.
		end := bytes.IndexAny(p, "\t\n")
		if s.field < len(s.json) && s.json[s.field] {
			s.document(&p, end)
			continue
		}
		if end < 0 {
			s.line.Write(p)
			break
		}
		s.line.Write(p[:end+1])
		s.next(p[end])
		p = p[end+1:]
	}
	return n, nil
}

// document takes text of a JSON field, to its end if that is in p.
func (s *RowSummer) document(p *[]byte, end int) {
	if end < 0 {
		s.text, *p = append(s.text, *p...), nil
		return
	}
	s.text = append(s.text, (*p)[:end]...)
	s.line.Write(canonicalNumbers(s.text))
	s.text = s.text[:0]
	s.line.Write((*p)[end : end+1])
	s.next((*p)[end])
	*p = (*p)[end+1:]
}

// next goes behind the end of a field.
func (s *RowSummer) next(end byte) {
	if s.field++; end != '\n' {
		return
	}
	var sum [sha256.Size]byte
	s.line.Sum(sum[:0])
	s.line.Reset()
	s.field = 0
	s.sum.Add(RowSum{1, [2]uint64{binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:])}})
}

// canonicalNumbers prints the numbers of an escaped JSON text that are no integers as the doubles that
// they become. In the text of a value every backslash is doubled.
func canonicalNumbers(text []byte) []byte {
	if len(text) == 2 && text[0] == '\\' && text[1] == 'N' {
		return text
	}
	var out []byte
	inString := false
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case inString && c == '\\': // two of them and what they escape, which may be one again
			end := i + 3
			if i+2 < len(text) && text[i+2] == '\\' {
				end++
			}
			end = min(end, len(text))
			out = append(out, text[i:end]...)
			i = end
		case c == '"':
			inString = !inString
			out = append(out, c)
			i++
		case !inString && (c == '-' || c >= '0' && c <= '9'):
			end := i + 1
			for end < len(text) && bytes.IndexByte([]byte("+-.eE0123456789"), text[end]) >= 0 {
				end++
			}
			out = appendNumber(out, text[i:end])
			i = end
		default:
			out = append(out, c)
			i++
		}
	}
	return out
}

func appendNumber(dst, text []byte) []byte {
	if !bytes.ContainsAny(text, ".eE") {
		return append(dst, text...)
	}
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return append(dst, text...)
	}
	return strconv.AppendFloat(dst, n, 'e', -1, 64)
}
