package rewriter

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/tripod-db/tripod/binlog/event"
)

// largeValue is the size from which a value of a large change is referred to.
const largeValue = 32 << 10

// Size returns the bytes of the change's images in the event.
func (c Change) Size() int { return c.Before.Size() + c.After.Size() }

// NewLarge returns a batch of one change whose statements refer to its large values instead of
// holding them twice as large: Statement.WriteTo prints them from the images, which must stay
// valid as long as the batch is used. Only of JSON documents it holds the text.
func NewLarge(alternatives bool, t *Table, rule Rule, c Change, o Origin) (*Batch, error) {
	referring := *t
	referring.values = new(values)
	b := NewBatch(alternatives)
	return b, b.Add(&referring, rule, c, o)
}

// values are what the text of statements refers to. A reference is a zero byte, which no
// identifier and no literal holds, and the value's number; it stands for hexadecimal digits.
type values struct{ list [][]byte }

const referenceSize = 5

// literal appends the literal of a large value; ok is false for any other.
func (v *values) literal(dst []byte, kind event.ColumnType, raw []byte) (_ []byte, ok bool, err error) {
	if v == nil || len(raw) < largeValue {
		return dst, false, nil
	}
	switch kind {
	case event.ColumnVarchar, event.ColumnVarString, event.ColumnBlob, event.ColumnGeometry, event.ColumnVector:
		return append(v.refer(append(dst, "x'"...), raw), '\''), true, nil
	case event.ColumnJSON:
		text, err := event.AppendJSON(make([]byte, 0, len(raw)), raw)
		if err != nil {
			return dst, true, err
		}
		return append(v.refer(append(dst, "CAST(_utf8mb4 x'"...), text), "' AS JSON)"...), true, nil
	default:
		return dst, false, nil
	}
}

func (v *values) refer(dst, value []byte) []byte {
	v.list = append(v.list, value)
	return binary.BigEndian.AppendUint32(append(dst, 0), uint32(len(v.list)-1))
}

// each cuts the text of a statement at its references: fn gets each piece of text with the value
// behind it, nil behind the last piece.
func (s *Statement) each(fn func(text, value []byte) error) error {
	text := s.SQL
	for s.values != nil {
		i := bytes.IndexByte(text, 0)
		if i < 0 {
			break
		}
		if err := fn(text[:i], s.values.list[binary.BigEndian.Uint32(text[i+1:])]); err != nil {
			return err
		}
		text = text[i+referenceSize:]
	}
	return fn(text, nil)
}

// Len returns how many bytes WriteTo writes.
func (s *Statement) Len() int {
	n := 0
	_ = s.each(func(text, value []byte) error { // fn returns no error
		n += len(text) + hex.EncodedLen(len(value))
		return nil
	})
	return n
}

// WriteTo writes the statement as it is sent.
func (s *Statement) WriteTo(w io.Writer) (n int64, err error) {
	write := func(b []byte) error {
		m, err := w.Write(b)
		n += int64(m)
		return err
	}
	var digits []byte
	err = s.each(func(text, value []byte) error {
		if err := write(text); err != nil {
			return err
		}
		for len(value) > 0 {
			piece := value[:min(len(value), largeValue)]
			value = value[len(piece):]
			digits = hex.AppendEncode(digits[:0], piece)
			if err := write(digits); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return n, fmt.Errorf("send %s of %s: %w", s.Change, s.Table, err)
	}
	return n, nil
}

// Large tells that the statement refers to values that SQL does not hold: only WriteTo prints it.
func (s *Statement) Large() bool { return s.values != nil }

// Brief is the statement's text for people, with dots in place of large values.
func (s *Statement) Brief() string {
	var text bytes.Buffer
	_ = s.each(func(piece, value []byte) error { // a Buffer takes everything
		text.Write(piece)
		if value != nil {
			text.WriteString("...")
		}
		return nil
	})
	return text.String()
}
