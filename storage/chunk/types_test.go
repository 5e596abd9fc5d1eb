package chunk_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tripod-db/tripod/internal/mysqltest"
	"github.com/tripod-db/tripod/internal/schema"
)

// columnType is one type of column with values for it, as SQL literals.
type columnType struct {
	definition string
	literals   []string
	// exact renders a value so that two are the same text only if they are the same bytes;
	// empty for HEX(v). "%s" stands for the column.
	exact string
}

const (
	asText   = "CAST(%s AS CHAR)"
	asNumber = "CAST(%s AS UNSIGNED)"
	asDouble = "CONCAT(%s*1e0)" // 17 digits, and the sign of zero (fact 7.4)
)

// column makes what reading SHOW CREATE TABLE would.
func column(name, definition string) schema.Column {
	kind, _, _ := strings.Cut(definition, " ")
	kind, arguments, _ := strings.Cut(kind, "(")
	c := schema.Column{Name: name, Type: kind, Length: -1, Decimals: -1, SRID: -1}
	arguments, _, _ = strings.Cut(arguments, ")")
	if length, decimals, ok := strings.Cut(arguments, ","); ok && kind != "enum" && kind != "set" {
		c.Length, _ = strconv.Atoi(length)
		c.Decimals, _ = strconv.Atoi(decimals)
	}
	return c
}

func hexLiteral(b string) string { return fmt.Sprintf("x'%x'", b) }

func literals(values ...string) []string { return values }

// nastyBytes are values that text formats fall over.
func nastyBytes() []string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	values := []string{"", "a", `\`, `\\`, `\N`, `\\N`, "N", "NULL", "\t", "\n", "\r\n", "\x00", "\x1a", "a\\", "\\\n", "\\\t", "\t\\", `'`, `"`, "\n\n", "a\tb\nc\\d\x00e",
		`\n`, `\t`, `\0`, " ", "trailing  ", "\xfb", "\xff", string(all), strings.Repeat("\\\t\n", 90)}
	for range 20 {
		b := make([]byte, rand.IntN(200))
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		values = append(values, string(b))
	}
	return values
}

func hexLiterals(values []string, longest int) []string {
	var all []string
	for _, v := range values {
		if len(v) <= longest {
			all = append(all, hexLiteral(v))
		}
	}
	return all
}

func integerTypes() []columnType {
	var all []columnType
	for name, bits := range map[string]int{"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64} {
		low, high := -(int64(1) << (bits - 1)), int64(1)<<(bits-1)-1
		all = append(all,
			columnType{name, literals(fmt.Sprint(low), "-1", "0", "1", fmt.Sprint(high)), asText},
			columnType{name + " unsigned", literals("0", "1", fmt.Sprint(high), strconv.FormatUint(math.MaxUint64>>(64-bits), 10)), asText},
			columnType{name + " unsigned zerofill", literals("0", "7", fmt.Sprint(high)), asText})
	}
	return all
}

func numberTypes() []columnType {
	digits := strings.Repeat("9", 35) + "." + strings.Repeat("9", 30)
	types := []columnType{
		{"decimal(65,30)", literals("0", "-0.000000000000000000000000000001", digits, "-"+digits, "1.5"), asText},
		{"decimal(10)", literals("-9999999999", "0", "9999999999"), asText},
		{"decimal(9,4) unsigned zerofill", literals("0", "1.5", "99999.9999"), asText},
		{"decimal(30,30)", literals("0", "0.1", "-0.000000000000000000000000000001"), asText},
		{"bit(1)", literals("b'0'", "b'1'"), ""},
		{"bit(10)", literals("b'0'", "b'1001001011'", "b'1101011100'", "9", "10", "92"), ""},
		{"bit(64)", literals("0", "18446744073709551615", "x'5c4e090a5c090a00'"), ""},
		{"year", literals("0", "1901", "2155", "2000"), asText},
	}
	var floats, doubles, fixed, wide []string
	for len(floats) < 1500 {
		if f := math.Float32frombits(rand.Uint32()); !math.IsNaN(float64(f)) && !math.IsInf(float64(f), 0) {
			floats = append(floats, strconv.FormatFloat(float64(f), 'e', -1, 64))
		}
		if d := math.Float64frombits(rand.Uint64()); !math.IsNaN(d) && !math.IsInf(d, 0) {
			doubles = append(doubles, strconv.FormatFloat(d, 'e', -1, 64))
		}
		fixed = append(fixed, strconv.FormatFloat((rand.Float64()-0.5)*math.Pow(10, float64(rand.IntN(6))), 'e', -1, 64))
		wide = append(wide, strconv.FormatFloat((rand.Float64()-0.5)*math.Pow(10, float64(rand.IntN(18))), 'e', -1, 64))
	}
	edges := literals("0e0", "-0e0", "16777216e0", "16777217e0", "1e-45", "3.4028234663852886e38", "-1.17549435e-38", "0.1e0", "1e15", "1e16")
	return append(types,
		columnType{"float", append(floats, edges...), asDouble},
		columnType{"float unsigned", literals("0e0", "0.1e0", "3.4e38"), asDouble},
		columnType{"float(9,3)", fixed, asDouble},
		columnType{"float(10,3)", literals("9999999.999", "-9999999.999", "9999998.5", "0", "-0e0", "0.1", "NULL"), asDouble},
		columnType{"float(10,3) unsigned", literals("9999999.999", "0", "0.1"), asDouble},
		columnType{"float(20,0)", literals("99999999999999999999", "-99999999999999999999", "1"), asDouble},
		columnType{"float(5,5)", literals("0.99999", "-0.99999", "0.00001"), asDouble},
		columnType{"double(10,3)", literals("9999999.999", "-9999999.999", "0.1"), asDouble},
		columnType{"double(17,2)", literals("999999999999999.99", "-999999999999999.99", "0.01"), asDouble},
		columnType{"double(22,4)", literals("999999999999999999.9999", "-999999999999999999.9999", "0.0001"), asDouble},
		columnType{"double(30,0)", literals("999999999999999999999999999999", "-999999999999999999999999999999", "1"), asDouble},
		columnType{"float(30,10)", fixed, asDouble},
		columnType{"float zerofill", literals("0e0", "1.5e0", "16777216e0"), asDouble},
		columnType{"double", append(append(doubles, edges...), "5e-324", "1.7976931348623157e308", "-2.2250738585072014e-308"), asDouble},
		columnType{"double(15,4)", fixed, asDouble},
		columnType{"double(22,4)", wide, asDouble},
		columnType{"double(40,15)", wide, asDouble},
		columnType{"float(40,15)", wide, asDouble},
		columnType{"double(53,30)", fixed, asDouble},
		columnType{"double(8,2) zerofill", literals("0e0", "1.25e0", "99999.99e0"), asDouble})
}

func stringTypes() []columnType {
	all := []columnType{
		{"binary(6)", hexLiterals(nastyBytes(), 6), ""},
		{"binary(0)", literals("''"), ""},
		{"varbinary(300)", hexLiterals(nastyBytes(), 300), ""},
		{"tinyblob", hexLiterals(nastyBytes(), 255), ""},
		{"blob", hexLiterals(nastyBytes(), 300), ""},
		{"mediumblob", append(hexLiterals(nastyBytes(), 300), `REPEAT(x'5c090a4e00', 30000)`), ""},
		{"longblob", append(hexLiterals(nastyBytes(), 300), `REPEAT(x'5c090a4e00', 500000)`), ""},
	}
	// Characters that a character set's second bytes make of \, tab and the like (gbk, sjis,
	// big5, gb18030), or that fill their bytes with NULs (utf16, utf32).
	words := []string{"", "a", "\t", "\n", `\`, `\N`, "é", "中", "表ソ十", "許功蓋", "ßẞ", "Жук", "€", "𐍈😀", "한국어", "日本語テキスト", "  trailing  ", "a\x00b"}
	for charset, can := range map[string]string{
		"utf8mb4": strings.Join(words, ""), "utf8mb3": "é中表ソ十許功蓋ßẞЖук€한국어日本語テキスト", "latin1": "éß€", "ascii": "", "cp1251": "Жук€", "koi8r": "Жук",
		"gbk": "中表ソ十許功蓋ЖукЖ日本語テキスト€", "gb2312": "中表ソ十Жук日本テキスト", "gb18030": strings.Join(words, ""), "big5": "中表十許功蓋", "sjis": "中表ソ十日本語テキストЖук", "cp932": "中表ソ十日本語テキストЖук",
		"ujis": "中表ソ十日本語テキストЖук", "eucjpms": "中表ソ十日本語テキストЖук", "euckr": "한국어中十日本語", "ucs2": "é中表ソ十許功蓋ßẞЖук€한국어日本語テキスト",
		"utf16": strings.Join(words, ""), "utf16le": strings.Join(words, ""), "utf32": strings.Join(words, ""), "latin2": "éß", "greek": "", "hebrew": "", "tis620": "", "swe7": "", "binary": strings.Join(words, ""),
	} {
		var values []string
		for _, w := range words {
			if strings.Trim(w, can+"\t\n\\ Natrilng\x00b") == "" && (charset != "swe7" || !strings.Contains(w, `\`)) {
				values = append(values, fmt.Sprintf("CONVERT(_utf8mb4 x'%x' USING %s)", w, charset))
			}
		}
		for _, kind := range []string{"char(30)", "varchar(30)", "text", "longtext"} {
			all = append(all, columnType{kind + " character set " + charset, values, ""})
		}
	}
	// latin1 takes every byte (fact 6.2).
	all = append(all, columnType{"varchar(300) character set latin1", hexLiterals(nastyBytes(), 300), ""},
		columnType{"tinytext character set latin1", hexLiterals(nastyBytes(), 255), ""})
	return all
}

func memberTypes() []columnType {
	var members, masks []string
	for i := range 64 {
		members = append(members, fmt.Sprintf("'m%d'", i))
		masks = append(masks, fmt.Sprint(uint64(1)<<i), fmt.Sprint(uint64(1)<<i-1))
	}
	many := "set(" + strings.Join(members, ",") + ")"
	for range 200 {
		masks = append(masks, fmt.Sprint(rand.Uint64()))
	}
	types := []columnType{
		{"enum('2','1')", literals("1", "2", "0"), asNumber},
		{"enum('2','1','0','')", literals("1", "2", "3", "4", "0"), asNumber},
		{"enum('\t','\n','\\\\','\\\\N','a''b')", literals("1", "2", "3", "4", "5"), asNumber},
		{"enum('é','€') character set latin1", literals("1", "2"), asNumber},
		{"enum('中','a','1') character set utf16", literals("1", "2", "3"), asNumber},
		{"enum('表','許') character set gbk", literals("1", "2"), asNumber},
		{"set('a','3','c')", literals("0", "1", "2", "3", "4", "7"), asNumber},
		{"set('1','0') character set utf32", literals("0", "1", "2", "3"), asNumber},
		{many, append(masks, "18446744073709551615"), asNumber},
	}
	for _, n := range []int{49, 50, 51, 53, 54, 63} {
		var some []string
		for range 50 {
			some = append(some, fmt.Sprint(rand.Uint64()>>(64-n)))
		}
		types = append(types, columnType{"set(" + strings.Join(members[:n], ",") + ")", append(some, fmt.Sprint(uint64(1)<<n-1)), asNumber})
	}
	var large []string
	for i := range 3000 {
		large = append(large, fmt.Sprintf("'%d'", 3000-i))
	}
	return append(types, columnType{"enum(" + strings.Join(large, ",") + ")", literals("1", "255", "256", "2999", "3000"), asNumber})
}

func timeTypes() []columnType {
	dates := literals("'0000-00-00'", "'2026-00-00'", "'2026-02-31'", "'0000-01-01'", "'1000-01-01'", "'9999-12-31'", "'2026-01-02'")
	var types []columnType
	types = append(types, columnType{"date", dates, asText})
	for _, scale := range []string{"", "(1)", "(3)", "(6)"} {
		var stamps []string
		for _, d := range dates {
			stamps = append(stamps, strings.TrimSuffix(d, "'")+" 23:59:59.987654'", strings.TrimSuffix(d, "'")+" 00:00:00'")
		}
		// Rounding up at the end of time is an error even without STRICT.
		stamps = slices.DeleteFunc(stamps, func(s string) bool { return strings.HasPrefix(s, "'9999") && strings.Contains(s, "987654") })
		types = append(types,
			columnType{"datetime" + scale, stamps, asText},
			columnType{"time" + scale, literals("'-838:59:59'", "'838:59:59'", "'-00:00:00.5'", "'00:00:00'", "'12:34:56.789012'", "'-12:34:56.789012'", "'-100:00:00.000001'"), asText},
			columnType{"timestamp" + scale, literals("'0000-00-00 00:00:00'", "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'", "'2026-10-25 00:30:00.123456'", "'2026-10-25 01:30:00.654321'", "'2026-03-29 02:30:00'"), asText})
	}
	return types
}

func documentTypes() []columnType {
	json := literals(`'null'`, `'true'`, `'""'`, `'{}'`, `'[]'`, `'0'`, `'-0.0'`, `'1e300'`, `'18446744073709551615'`, `'-9223372036854775808'`, `'1.0'`,
		`'{"a": [1, 2, {"b": "\\t\\n\\\\ \\" \\u0000 \\u4e2d😀"}], "": null}'`, `'"\\\\N"'`, `JSON_OBJECT('tab', '\t', 'feed', '\n', 'slash', '\\')`,
		`CAST(CONCAT('[', REPEAT('[', 90), REPEAT(']', 90), ']') AS JSON)`, `JSON_ARRAY(REPEAT('x\\\\ \\n', 20000))`)
	geometry := literals("ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(48 2)', 4326)", "ST_GeomFromText('GEOMETRYCOLLECTION EMPTY')",
		"ST_GeomFromText('LINESTRING(0 0, 9 10, 92 -0)')", "ST_GeomFromText('POLYGON((0 0,0 9,9 9,9 0,0 0))', 3857)", "ST_GeomFromText('GEOMETRYCOLLECTION(POINT(9 10),LINESTRING(1 1,2 2))')")
	var vectors []string
	for range 200 {
		vector := ""
		for range 3 {
			bits := rand.Uint32() &^ 0x40000000 // small enough to be a number
			vector += string([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
		}
		vectors = append(vectors, hexLiteral(vector))
	}
	return []columnType{
		{"json", json, asText},
		{"geometry", geometry, ""},
		{"geometry srid 4326", literals("ST_GeomFromText('POINT(48 2)', 4326)"), ""},
		{"point", geometry[:2], ""},
		{"linestring", geometry[3:4], ""},
		{"polygon", geometry[4:5], ""},
		{"multipoint", literals("ST_GeomFromText('MULTIPOINT(1 1,2 2)')"), ""},
		{"multilinestring", literals("ST_GeomFromText('MULTILINESTRING((1 1,2 2),(3 3,4 4))')"), ""},
		{"multipolygon", literals("ST_GeomFromText('MULTIPOLYGON(((0 0,0 3,3 3,3 0,0 0)))')"), ""},
		{"geomcollection", geometry[5:], ""},
		{"vector(3)", vectors, ""},
		{"vector(3)", literals("x'095c0a00000000000a0a0a0a'", "x'5c4e5c4e090909090a0a0a0a'"), ""},
	}
}

// TestEveryTypeComesBack writes every column type of fact 6 on a server, reads it through
// Select, loads it into a second table and compares the bytes. NULL is among the values of
// every type.
func TestEveryTypeComesBack(t *testing.T) {
	b := newBench(t)
	for group, types := range map[string][]columnType{
		"integers": integerTypes(), "numbers": numberTypes(), "strings": stringTypes(), "members": memberTypes(), "times": timeTypes(), "documents": documentTypes(),
	} {
		t.Run(group, func(t *testing.T) {
			for i, c := range types {
				if len(c.literals) == 0 {
					t.Fatalf("%s: no values", c.definition)
				}
				b.copyType(t, fmt.Sprintf("%s_%d", group, i), c)
			}
		})
	}
}

func (b *bench) copyType(t *testing.T, name string, c columnType) {
	t.Helper()
	create := "CREATE TABLE %s." + schema.Quote(name) + " (id INT PRIMARY KEY, v " + strings.ReplaceAll(c.definition, "%", "%%") + " NULL)"
	var rows strings.Builder
	for i, literal := range append([]string{"NULL"}, c.literals...) {
		if i > 0 {
			rows.WriteByte(',')
		}
		fmt.Fprintf(&rows, "(%d,%s)", i, literal)
	}
	mysqltest.Exec(t, b.Server, "SET sql_mode='ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO', time_zone='+00:00'",
		fmt.Sprintf(create, "src"), fmt.Sprintf(create, "dst"), "INSERT INTO src."+schema.Quote(name)+" VALUES "+rows.String())
	table := &schema.Table{Name: schema.Name{Schema: "src", Name: name}, Columns: []schema.Column{column("id", "int"), column("v", c.definition)}}
	b.copyTable(t, table)

	exact := c.exact
	if exact == "" {
		exact = "HEX(%s)"
	}
	differ := b.queryText(t, fmt.Sprintf("SELECT CONCAT('row ', id, ': ', LEFT(COALESCE(%[1]s, 'NULL'), 200), ' became ', LEFT(COALESCE(%[2]s, 'NULL'), 200)) FROM src.`%[3]s` a JOIN dst.`%[3]s` b USING (id)"+
		" WHERE NOT BINARY %[1]s <=> BINARY %[2]s LIMIT 5", fmt.Sprintf(exact, "a.v"), fmt.Sprintf(exact, "b.v"), name))
	for _, d := range differ {
		t.Errorf("%.60s: %s", c.definition, d)
	}
	if c.exact == asText && c.definition == "json" {
		return // equal as text (fact 6.6)
	}
	// The server's own checksum goes over the bytes of the records.
	sums := checksums(t, b, name)
	if sums[0] != sums[1] || sums[0] == "" {
		t.Errorf("%.60s: checksums %q", c.definition, sums)
	}
}

func checksums(t *testing.T, b *bench, name string) (sums [2]string) {
	t.Helper()
	for i, s := range []string{"src", "dst"} {
		var table string
		if err := b.Root().QueryRowContext(t.Context(), "CHECKSUM TABLE "+s+"."+schema.Quote(name)).Scan(&table, &sums[i]); err != nil {
			t.Fatal(err)
		}
	}
	return sums
}
