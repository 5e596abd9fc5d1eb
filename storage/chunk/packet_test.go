package chunk_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/schema"
)

// value is a field of a row: nil is NULL.
type value *string

func text(s string) value { return &s }

// packet makes the row packet that a server would send.
func packet(row []value) []byte {
	var p []byte
	for _, v := range row {
		if v == nil {
			p = append(p, 0xfb)
			continue
		}
		switch n := len(*v); {
		case n < 251:
			p = append(p, byte(n))
		case n < 1<<16:
			p = append(p, 0xfc, byte(n), byte(n>>8))
		case n < 1<<24:
			p = append(p, 0xfd, byte(n), byte(n>>8), byte(n>>16))
		default:
			p = binary.LittleEndian.AppendUint64(append(p, 0xfe), uint64(n))
		}
		p = append(p, *v...)
	}
	return p
}

// rowsOf reads text as LOAD DATA does with FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES
// TERMINATED BY '\n': it goes byte by byte and knows every escape of the manual.
func rowsOf(t testing.TB, load string) [][]value {
	t.Helper()
	escapes := map[byte]byte{'0': 0, 'b': '\b', 'n': '\n', 'r': '\r', 't': '\t', 'Z': 0x1a}
	var rows [][]value
	var row []value
	var field strings.Builder
	null := false
	end := func() {
		if null {
			row = append(row, nil)
		} else {
			row = append(row, text(field.String()))
		}
		field.Reset()
		null = false
	}
	for i := 0; i < len(load); i++ {
		switch b := load[i]; b {
		case '\t':
			end()
		case '\n':
			end()
			rows, row = append(rows, row), nil
		case '\\':
			if i++; i == len(load) {
				t.Fatal("the text ends behind a backslash")
			}
			// \N is NULL only as the whole field.
			if load[i] == 'N' && field.Len() == 0 && (i+1 == len(load) || load[i+1] == '\t' || load[i+1] == '\n') {
				null = true
			} else if escaped, special := escapes[load[i]]; special {
				field.WriteByte(escaped)
			} else {
				field.WriteByte(load[i])
			}
		default:
			field.WriteByte(b)
		}
	}
	if field.Len() > 0 || null || len(row) > 0 {
		t.Fatalf("the text does not end with a line feed: %q", load)
	}
	return rows
}

func sameRow(a, b []value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) || a[i] != nil && *a[i] != *b[i] {
			return false
		}
	}
	return true
}

// tableOf returns a table of columns a, b, c, ... with these types.
func tableOf(types ...string) *schema.Table {
	t := &schema.Table{Name: schema.Name{Schema: "s", Name: "t"}}
	for i, kind := range types {
		t.Columns = append(t.Columns, schema.Column{Name: fmt.Sprintf("%c", 'a'+i), Type: kind, Length: -1, Decimals: -1, SRID: -1})
	}
	return t
}
