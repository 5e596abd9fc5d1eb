package chunk

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
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
	json     []bool // by field
	sum      RowSum
	field    int
	line     hash.Hash
	document document
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
		field := p
		if end >= 0 {
			field = p[:end]
		}
		if s.field < len(s.json) && s.json[s.field] {
			s.document.write(s.line, field)
		} else {
			s.line.Write(field)
		}
		if end < 0 {
			break
		}
		s.document.end(s.line)
		s.line.Write(p[end : end+1])
		s.next(p[end])
		p = p[end+1:]
	}
	return n, nil
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
