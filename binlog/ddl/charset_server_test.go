package ddl

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// queryRows returns the rows of a query as strings, NULL as "NULL".
func queryRows(t testing.TB, db *sql.DB, query string, args ...any) [][]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%.200s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(columns))
		for i, v := range values {
			row[i] = v.String
			if !v.Valid {
				row[i] = "NULL"
			}
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCharsetTableIsTheServers(t *testing.T) {
	db := mysqltest.Target(t).Root()
	sets := queryRows(t, db, "SELECT character_set_name, default_collate_name, maxlen FROM information_schema.character_sets")
	if len(sets) < 40 {
		t.Fatalf("the server lists only %d character sets", len(sets))
	}
	for _, row := range sets {
		c, ok := schema.CharsetByName(row[0])
		if got := fmt.Sprint(c.Name, c.Default, c.MaxBytes); !ok || got != row[0]+row[1]+row[2] {
			t.Errorf("character set %v: got %v", row, c)
		}
	}
	collations := queryRows(t, db, "SELECT id, collation_name, character_set_name, pad_attribute FROM information_schema.collations")
	for _, row := range collations {
		c, ok := schema.CollationByName(row[1])
		if got := fmt.Sprint(c.ID); !ok || got != row[0] || c.Charset != row[2] || c.PadSpace != (row[3] == "PAD SPACE") {
			t.Errorf("collation %v: got %v", row, c)
		}
		if byID, ok := schema.CollationByID(c.ID); !ok || byID != c {
			t.Errorf("collation %d: got %v, want %v", c.ID, byID, c)
		}
	}
	if c, ok := schema.CollationByName("utf8_general_ci"); !ok || c.ID != 33 || c.Charset != "utf8mb3" {
		t.Errorf("utf8_general_ci: got %v", c)
	}
}

// codes lists every character of one to three bytes that the set's shape allows.
func codes(c *charset) [][]byte {
	var out [][]byte
	for lead := 0x80; lead <= 0xFF; lead++ {
		if c.single != nil || c.multi.width([]byte{byte(lead)}) == 1 {
			out = append(out, []byte{byte(lead)})
			continue
		}
		c.addDoubles(byte(lead), func(code []byte) { out = append(out, append([]byte(nil), code...)) })
	}
	return out
}

// Every character of one to three bytes of every client character set, decoded by us and by
// the server (fact 14.1).
func TestDecodeTextAsTheServer(t *testing.T) {
	db := mysqltest.Target(t).Root()
	for name, set := range clientCharsets {
		if set == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			id := collationOf(t, name)
			all := codes(set)
			wrong := 0
			for len(all) > 0 {
				part := all[:min(1000, len(all))]
				all = all[len(part):]
				wrong += compareCodes(t, db, name, id, part)
			}
			if wrong > 0 {
				t.Errorf("%d characters differ", wrong)
			}
		})
	}
}

func collationOf(t *testing.T, charset string) uint16 {
	t.Helper()
	set, ok := schema.CharsetByName(charset)
	if !ok {
		t.Fatalf("no character set %s", charset)
	}
	c, ok := schema.CollationByName(set.Default)
	if !ok {
		t.Fatalf("no collation %s", set.Default)
	}
	return c.ID
}

func compareCodes(t *testing.T, db *sql.DB, name string, id uint16, part [][]byte) (wrong int) {
	t.Helper()
	var fields []string
	for _, code := range part {
		fields = append(fields, fmt.Sprintf("CONVERT(CONVERT(x'%X' USING %s) USING utf8mb4)", code, name))
	}
	row := queryRows(t, db, "SELECT "+strings.Join(fields, ", "))[0]
	for i, code := range part {
		got, err := DecodeText(code, id)
		if err != nil {
			t.Fatal(err)
		}
		want := row[i]
		switch {
		case want == "NULL", want == "?", want == "", want == "\uFFFD":
			continue // no character to the server: no name holds it
		case want < "\x80":
			want = "\uFFFD" // would be ASCII: kept apart from quotes and backslashes
			if got != want && got != "\uFF3C" && got != "\uFF5E" {
				t.Errorf("%s %X: got %q for what the server turns into ASCII", name, code, got)
				wrong++
			}
			continue
		case got != want:
			wrong++
			if wrong < 5 {
				t.Errorf("%s %X: got %q, want %q", name, code, got, want)
			}
			continue
		}
		back, err := EncodeText(got, id)
		if err != nil {
			t.Errorf("%s %X: %v", name, code, err)
		} else if again, _ := DecodeText(back, id); again != got {
			t.Errorf("%s %X: %q encodes to %X, which is %q", name, code, got, back, again)
		}
	}
	return wrong
}

// gb18030 has characters of four bytes for all of Unicode.
func TestDecodeGB18030FourBytes(t *testing.T) {
	db := mysqltest.Target(t).Root()
	id := collationOf(t, "gb18030")
	var runes []rune
	for r := rune(0x80); r < 0x11000; r += 7 {
		if utf8.ValidRune(r) {
			runes = append(runes, r)
		}
	}
	for len(runes) > 0 {
		part := runes[:min(1000, len(runes))]
		runes = runes[len(part):]
		var fields []string
		for _, r := range part {
			fields = append(fields, fmt.Sprintf("HEX(CONVERT(_utf8mb4 x'%X' USING gb18030))", string(r)))
		}
		for i, h := range queryRows(t, db, "SELECT "+strings.Join(fields, ", "))[0] {
			code := hexBytes(h)
			got, err := DecodeText([]byte(code), id)
			if err != nil || got != string(part[i]) && h != "3F" {
				t.Errorf("gb18030 %s: got %q (%v), want %q", h, got, err, part[i])
			}
		}
	}
}

func TestDecodeTextRefuses(t *testing.T) {
	for charset, want := range map[string]string{"utf16": "utf16", "swe7": "swe7", "armscii8": "armscii8", "ucs2": "ucs2"} {
		_, err := DecodeText([]byte("x"), collationOf(t, charset))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", charset, err)
		}
	}
	if _, err := DecodeText([]byte("x"), 9999); err == nil || !strings.Contains(err.Error(), "9999") {
		t.Errorf("unknown collation: got %v", err)
	}
	if _, err := EncodeText("中", collationOf(t, "latin1")); err == nil || !strings.Contains(err.Error(), "U+4E2D") {
		t.Errorf("encode: got %v", err)
	}
}

// Names are folded as the server folds them, for every character that a name can hold.
func TestFoldAsTheServer(t *testing.T) {
	db := mysqltest.Target(t).Root()
	var runes []rune
	for r := rune(1); r <= 0xFFFF; r++ {
		if utf8.ValidRune(r) {
			runes = append(runes, r)
		}
	}
	for len(runes) > 0 {
		part := runes[:min(2000, len(runes))]
		runes = runes[len(part):]
		var fields []string
		for _, r := range part {
			fields = append(fields, fmt.Sprintf("LOWER(_utf8mb3 x'%X' COLLATE utf8mb3_general_ci)", string(r)))
		}
		for i, want := range queryRows(t, db, "SELECT "+strings.Join(fields, ", "))[0] {
			got := Fold(schema.Name{Schema: string(part[i]), Name: string(part[i])}, 1)
			if got.Name != want || got.Schema != want {
				t.Errorf("%U: got %q, want %q", part[i], got.Name, want)
			}
		}
	}
}

// TestCollationsOfMariaDBAreTheServers: the numbers that its log has for collations, those of its own and those that MySQL
// has for others.
func TestCollationsOfMariaDBAreTheServers(t *testing.T) {
	db := mysqltest.Take(t, mysqltest.Options{Kind: mysqltest.MariaDB1011}).Root()
	list := queryRows(t, db, "SELECT id, full_collation_name, character_set_name FROM information_schema.collation_character_set_applicability")
	known := 0
	for id := range uint16(1 << 13) {
		if _, ok := schema.MariaDBCollationByID(id); ok {
			known++
		}
	}
	if known != len(list) || known < 1000 {
		t.Errorf("%d collations are known, the server has %d", known, len(list))
	}
	for _, row := range list {
		id, err := strconv.ParseUint(row[0], 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		c, ok := schema.MariaDBCollationByID(uint16(id))
		if !ok || c.Name != row[1] || c.Charset != row[2] || uint64(c.ID) != id {
			t.Errorf("collation %v: got %+v", row, c)
		}
		if set, ok := schema.CharsetOfCollation(uint16(id)); !ok || set.Name != row[2] {
			t.Errorf("character set of %v: got %+v", row, set)
		}
	}
	// Whether it pads is asked of all that compare blanks, a few hundred in a statement.
	for part := range slices.Chunk(list, 200) {
		var fields []string
		for _, row := range part {
			fields = append(fields, fmt.Sprintf("CONVERT('a' USING `%[1]s`) = CONVERT('a ' USING `%[1]s`) COLLATE `%[2]s`", row[2], row[1]))
		}
		for i, answer := range queryRows(t, db, "SELECT "+strings.Join(fields, ", "))[0] {
			id, _ := strconv.ParseUint(part[i][0], 10, 16)
			if c, _ := schema.MariaDBCollationByID(uint16(id)); c.PadSpace != (answer == "1") {
				t.Errorf("%s: 'a' = 'a ' is %s, pads %v", part[i][1], answer, c.PadSpace)
			}
		}
	}
	for _, row := range queryRows(t, mysqltest.Target(t).Root(), "SELECT collation_name, id FROM information_schema.collations") {
		differs := slices.ContainsFunc(list, func(own []string) bool { return own[1] == row[0] && own[0] != row[1] })
		if schema.DiffersOnMariaDB(row[0]) != differs {
			t.Errorf("%s means another collation on MariaDB: %v", row[0], differs)
		}
	}
}
