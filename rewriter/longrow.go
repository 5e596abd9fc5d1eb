package rewriter

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
)

const (
	// longBlock is the unit in which a long row is kept: it grows without being copied.
	longBlock = 256 << 10
	// longKept is how many blocks stay for the next row.
	longKept = 4
)

// LongRow is one line of LOAD DATA text that is too long to be held several times over: it is
// kept once, as it came, and Statement prints it from there. Not safe for concurrent use.
type LongRow struct {
	blocks [][]byte
	size   int
	tabs   []int // where fields end, but for the last
}

// Append adds text of the line, which has no line feed.
func (r *LongRow) Append(text []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(text[at:], '\t')
		if i < 0 {
			break
		}
		r.tabs = append(r.tabs, r.size+at+i)
		at += i + 1
	}
	for len(text) > 0 {
		block := r.size / longBlock
		if block == len(r.blocks) {
			r.blocks = append(r.blocks, make([]byte, longBlock))
		}
		n := copy(r.blocks[block][r.size%longBlock:], text)
		r.size += n
		text = text[n:]
	}
}

// Size returns the length of the line so far.
func (r *LongRow) Size() int { return r.size }

// Reset begins a new line.
func (r *LongRow) Reset() {
	if len(r.blocks) > longKept {
		clear(r.blocks[longKept:])
		r.blocks = r.blocks[:longKept]
	}
	r.size, r.tabs = 0, r.tabs[:0]
}

// pieces yields the text between two offsets.
func (r *LongRow) pieces(from, to int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for from < to {
			at := from % longBlock
			n := min(to-from, longBlock-at)
			if !yield(r.blocks[from/longBlock][at : at+n]) {
				return
			}
			from += n
		}
	}
}

// LongStatement writes one long row.
type LongStatement struct {
	row   *LongRow
	parts []longPart
	size  int
}

// longPart is text, and the place of a field that follows it as hexadecimal digits.
type longPart struct {
	text     []byte
	from, to int
}

// Long makes a statement of a long row. It is valid until the row is changed. The batch must be
// empty, and stays so.
func (b *TextBatch) Long(row *LongRow) (*LongStatement, error) {
	if len(row.tabs) != max(len(b.columns), 1)-1 {
		return nil, fmt.Errorf("a line of the chunk has %d fields instead of %d", len(row.tabs)+1, len(b.columns))
	}
	s := &LongStatement{row: row}
	defer b.Reset()
	b.sql = append(append(b.sql[:0], b.head...), '(')
	from := 0
	for i, c := range b.columns {
		to := row.size
		if i < len(row.tabs) {
			to = row.tabs[i]
		}
		if i > 0 {
			b.sql = append(b.sql, ',')
		}
		before, after, digits := hexLiteral(c)
		if digits && to-from >= largeValue {
			b.sql = append(b.sql, before...)
			if err := s.refer(&b.sql, from, to); err != nil {
				return nil, err
			}
			b.sql = append(b.sql, after...)
		} else if err := b.value(c, row.copy(from, to)); err != nil {
			return nil, err
		}
		from = to + 1
	}
	b.sql = append(b.sql, ')')
	s.end(&b.sql)
	return s, nil
}

// copy returns the text between two offsets in one piece.
func (r *LongRow) copy(from, to int) []byte {
	var field []byte
	for piece := range r.pieces(from, to) {
		field = append(field, piece...)
	}
	return field
}

// refer ends a part by the field between two offsets, and begins another.
func (s *LongStatement) refer(text *[]byte, from, to int) error {
	var u unescaper
	var scratch []byte
	for piece := range s.row.pieces(from, to) {
		scratch = u.append(scratch[:0], piece)
		s.size += hex.EncodedLen(len(scratch))
	}
	if u.open {
		return errOpenEscape
	}
	s.end(text)
	last := &s.parts[len(s.parts)-1]
	last.from, last.to = from, to
	return nil
}

func (s *LongStatement) end(text *[]byte) {
	s.parts = append(s.parts, longPart{text: bytes.Clone(*text)})
	s.size += len(*text)
	*text = (*text)[:0]
}

// Len returns how many bytes WriteTo writes.
func (s *LongStatement) Len() int { return s.size }

// WriteTo writes the statement as it is sent.
func (s *LongStatement) WriteTo(w io.Writer) (n int64, err error) {
	write := func(b []byte) error {
		m, err := w.Write(b)
		n += int64(m)
		return err
	}
	var plain, digits []byte
	for _, p := range s.parts {
		if err := write(p.text); err != nil {
			return n, err
		}
		var u unescaper
		for piece := range s.row.pieces(p.from, p.to) {
			plain = u.append(plain[:0], piece)
			digits = hex.AppendEncode(digits[:0], plain)
			if err := write(digits); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}
