package event

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/tripod-db/tripod/internal/schema"
)

// kind is a column type of the tests: its definition and a generator of random values as SQL.
type kind struct {
	column schema.Column
	ddl    string
	value  func(r *rand.Rand) string
}

// textCharsets are the character sets of the tests' text columns.
var textCharsets = []string{
	"utf8mb4", "latin1", "utf8mb3", "gbk", "utf16", "ucs2", "utf32", "utf16le", "sjis", "cp932", "big5", "gb18030",
	"euckr", "gb2312", "ujis", "eucjpms", "cp1251", "koi8r", "koi8u", "cp1250", "cp1256", "cp1257", "cp850", "cp852", "cp866",
	"latin2", "latin5", "latin7", "greek", "hebrew", "tis620", "ascii", "armscii8", "dec8", "hp8", "keybcs2",
	"macce", "macroman", "swe7", "geostd8",
}

func manyMembers(n int, prefix string) []string {
	members := make([]string, n)
	for i := range members {
		members[i] = prefix + strconv.Itoa(i)
	}
	return members
}

func quoteAll(members []string) string {
	quoted := make([]string, len(members))
	for i, m := range members {
		quoted[i] = "'" + strings.ReplaceAll(m, "'", "''") + "'"
	}
	return strings.Join(quoted, ",")
}

func column(kind string, length, decimals int) schema.Column {
	return schema.Column{Type: kind, Length: length, Decimals: decimals, SRID: -1}
}

// integerKinds are all integer types.
func integerKinds() []kind {
	var kinds []kind
	for _, it := range []struct {
		name string
		bits int
	}{{"tinyint", 8}, {"smallint", 16}, {"mediumint", 24}, {"int", 32}, {"bigint", 64}} {
		kinds = append(kinds, kind{column(it.name, -1, -1), it.name, func(r *rand.Rand) string {
			return strconv.FormatInt(pick(r, int64(r.Uint64())>>(64-it.bits), -1<<(it.bits-1), 1<<(it.bits-1)-1, 0, -1), 10)
		}})
		unsigned := column(it.name, -1, -1)
		unsigned.Unsigned = true
		kinds = append(kinds, kind{unsigned, it.name + " unsigned", func(r *rand.Rand) string {
			return strconv.FormatUint(pick(r, r.Uint64()>>(64-it.bits), math.MaxUint64>>(64-it.bits), 0), 10)
		}})
	}
	filled := column("int", 10, -1)
	filled.Unsigned, filled.ZeroFill = true, true
	return append(kinds, kind{filled, "int(10) unsigned zerofill", func(r *rand.Rand) string { return strconv.Itoa(r.IntN(1 << 31)) }})
}

// numberKinds are the other numeric types.
func numberKinds() []kind {
	var kinds []kind
	for _, d := range [][2]int{{65, 30}, {10, 0}, {5, 5}, {30, 30}, {65, 0}, {18, 9}, {20, 2}, {9, 3}, {1, 0}, {38, 11}} {
		kinds = append(kinds, kind{column("decimal", d[0], d[1]), fmt.Sprintf("decimal(%d,%d)", d[0], d[1]), func(r *rand.Rand) string {
			return pick(r, randomDecimal(r, d[0], d[1]), "0", "-"+strings.Repeat("9", d[0]-d[1])+"."+strings.Repeat("9", d[1])+"")
		}})
	}
	unsigned := column("decimal", 12, 4)
	unsigned.Unsigned = true
	kinds = append(kinds,
		kind{unsigned, "decimal(12,4) unsigned", func(r *rand.Rand) string { return strings.TrimPrefix(randomDecimal(r, 12, 4), "-") }},
		kind{column("float", -1, -1), "float", func(r *rand.Rand) string { return randomFloat32(r) }},
		kind{column("double", -1, -1), "double", func(r *rand.Rand) string { return randomFloat64(r) }},
		kind{column("float", 10, 3), "float(10,3)", func(r *rand.Rand) string { return pick(r, randomDecimal(r, 10, 3), "9999999.999", "-9999999.999") }},
		kind{column("float", 7, 4), "float(7,4)", func(r *rand.Rand) string { return pick(r, randomDecimal(r, 7, 4), "999.9999", "-999.9999") }},
		kind{column("double", 15, 4), "double(15,4)", func(r *rand.Rand) string { return randomDecimal(r, 15, 4) }},
	)
	for _, n := range []int{1, 7, 8, 9, 33, 63, 64} {
		kinds = append(kinds, kind{column("bit", n, -1), fmt.Sprintf("bit(%d)", n), func(r *rand.Rand) string {
			return strconv.FormatUint(pick(r, r.Uint64()>>(64-n), math.MaxUint64>>(64-n), 0), 10)
		}})
	}
	return append(kinds, kind{column("year", -1, -1), "year", func(r *rand.Rand) string { return strconv.Itoa(pick(r, 0, 1901, 2155, 1901+r.IntN(255))) }})
}

// temporalKinds are all temporal types with all fractions, with zero, incomplete and impossible dates.
func temporalKinds() []kind {
	kinds := []kind{{column("date", -1, -1), "date", func(r *rand.Rand) string { return "'" + randomDate(r) + "'" }}}
	for digits := range 7 {
		suffix, length := fmt.Sprintf("(%d)", digits), digits
		if digits == 0 {
			suffix, length = "", -1
		}
		kinds = append(kinds,
			kind{column("time", length, -1), "time" + suffix, func(r *rand.Rand) string { return "'" + randomTime(r, digits) + "'" }},
			kind{column("datetime", length, -1), "datetime" + suffix, func(r *rand.Rand) string {
				return "'" + randomDate(r) + " " + randomClock(r, digits) + "'"
			}},
			kind{column("timestamp", length, -1), "timestamp" + suffix, func(r *rand.Rand) string {
				zero := "'0000-00-00 00:00:00'"
				return pick(r, zero, fmt.Sprintf("FROM_UNIXTIME(%d.%06d)", 1+r.IntN(math.MaxInt32-1), r.IntN(1e6)), "'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'")
			}},
		)
	}
	return kinds
}

// textKinds are the character types in a character set.
func textKinds(charset string) []kind {
	text := func(kind string, length int) schema.Column {
		c := column(kind, length, -1)
		c.Charset = charset
		return c
	}
	value := func(n int) func(*rand.Rand) string { return func(r *rand.Rand) string { return randomText(r, n) } }
	return []kind{
		{text("char", 12), "char(12) character set " + charset, value(12)},
		{text("varchar", 20), "varchar(20) character set " + charset, value(20)},
		{text("text", -1), "text character set " + charset, value(60)},
	}
}

// stringKinds are the other string types.
func stringKinds() []kind {
	utf8 := func(kind string, length int) schema.Column {
		c := column(kind, length, -1)
		c.Charset = "utf8mb4"
		return c
	}
	binary := func(c schema.Column, ddl string, n int) kind {
		return kind{c, ddl, func(r *rand.Rand) string { return randomBytes(r, r.IntN(n+1)) }}
	}
	return []kind{
		{utf8("char", 200), "char(200) character set utf8mb4", func(r *rand.Rand) string { return randomText(r, 200) }},
		{utf8("varchar", 400), "varchar(400) character set utf8mb4", func(r *rand.Rand) string { return randomText(r, 400) }},
		{utf8("tinytext", -1), "tinytext character set utf8mb4", func(r *rand.Rand) string { return randomText(r, 50) }},
		{utf8("mediumtext", -1), "mediumtext character set utf8mb4", func(r *rand.Rand) string { return randomText(r, 70) }},
		{utf8("longtext", -1), "longtext character set utf8mb4", func(r *rand.Rand) string { return "REPEAT(" + randomText(r, 9) + ",9000)" }},
		binary(column("binary", 6, -1), "binary(6)", 6),
		binary(column("binary", 255, -1), "binary(255)", 255),
		binary(column("binary", 1, -1), "binary(1)", 1),
		binary(column("varbinary", 20, -1), "varbinary(20)", 20),
		binary(column("varbinary", 300, -1), "varbinary(300)", 300),
		binary(column("tinyblob", -1, -1), "tinyblob", 100),
		binary(column("blob", -1, -1), "blob", 1000),
		binary(column("mediumblob", -1, -1), "mediumblob", 1000),
		{column("longblob", -1, -1), "longblob", func(r *rand.Rand) string { return "REPEAT(" + randomBytes(r, 7) + ",10000)" }},
	}
}

// labelKinds are ENUM and SET of all sizes.
func labelKinds() []kind {
	var kinds []kind
	enum := func(members []string) {
		c := column("enum", -1, -1)
		c.Members, c.Charset = members, "utf8mb4"
		kinds = append(kinds, kind{c, "enum(" + quoteAll(members) + ") character set utf8mb4", func(r *rand.Rand) string {
			return strconv.Itoa(r.IntN(len(members) + 1)) // 0 is the invalid value ''
		}})
	}
	enum([]string{"2", "1", "é,x"})
	enum(manyMembers(255, "a"))
	enum(manyMembers(256, "b"))
	enum(manyMembers(300, "m"))
	for _, n := range []int{1, 3, 8, 9, 20, 31, 33, 63, 64} {
		members := manyMembers(n, "s")
		c := column("set", -1, -1)
		c.Members, c.Charset = members, "utf8mb4"
		most := uint64(math.MaxUint64) >> (64 - n)
		kinds = append(kinds, kind{c, "set(" + quoteAll(members) + ") character set utf8mb4", func(r *rand.Rand) string {
			return strconv.FormatUint(pick(r, r.Uint64()&most, most, 0), 10)
		}})
	}
	return kinds
}

func jsonKind(d documents) kind {
	return kind{column("json", -1, -1), "json", func(r *rand.Rand) string { return d.expression(r, 0) }}
}

// otherKinds are JSON, spatial types and vectors.
func otherKinds() []kind {
	kinds := []kind{jsonKind(documents{})}
	for _, g := range []struct{ name, text string }{
		{"geometry", "POINT(1 2)"},
		{"point", "POINT(%g %g)"},
		{"linestring", "LINESTRING(0 0,%g %g,1 1)"},
		{"polygon", "POLYGON((0 0,0 5,5 5,5 0,0 0))"},
		{"multipoint", "MULTIPOINT(0 0,%g %g)"},
		{"multilinestring", "MULTILINESTRING((0 0,%g %g),(1 1,2 2))"},
		{"multipolygon", "MULTIPOLYGON(((0 0,0 5,5 5,5 0,0 0)))"},
		{"geomcollection", "GEOMETRYCOLLECTION(POINT(%g %g),LINESTRING(0 0,1 1))"},
	} {
		kinds = append(kinds, kind{column(g.name, -1, -1), g.name, func(r *rand.Rand) string {
			text := g.text
			if strings.Contains(text, "%g") {
				text = fmt.Sprintf(text, r.Float64()*90, r.Float64()*90)
			}
			return fmt.Sprintf("ST_GeomFromText('%s',%d)", text, pick(r, 0, 4326))
		}})
	}
	located := column("point", -1, -1)
	located.SRID = 4326
	kinds = append(kinds, kind{located, "point srid 4326", func(r *rand.Rand) string {
		return fmt.Sprintf("ST_GeomFromText('POINT(%g %g)',4326)", r.Float64()*90, r.Float64()*90)
	}})
	for _, n := range []int{4, 2048} {
		ddl := fmt.Sprintf("vector(%d)", n)
		kinds = append(kinds, kind{column("vector", n, -1), ddl, func(r *rand.Rand) string {
			var b []byte
			for range 1 + r.IntN(4) {
				b = append(b, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.IntN(64)))
			}
			return "x'" + hex.EncodeToString(b) + "'"
		}})
	}
	return kinds
}

func pick[T any](r *rand.Rand, random T, edges ...T) T {
	if i := r.IntN(len(edges) * 3); i < len(edges) {
		return edges[i]
	}
	return random
}

func digits(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + r.IntN(10))
	}
	return string(b)
}

func randomDecimal(r *rand.Rand, precision, scale int) string {
	sign := pick(r, "", "-")
	return sign + "0" + digits(r, r.IntN(precision-scale+1)) + "." + digits(r, scale) + ""
}

func randomFloat64(r *rand.Rand) string {
	for {
		f := pick(r, math.Float64frombits(r.Uint64()), math.MaxFloat64, math.SmallestNonzeroFloat64, 0, math.Copysign(0, -1), r.Float64(), float64(r.IntN(1000000)), float64(r.IntN(100000))/100)
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'e', -1, 64)
		}
	}
}

func randomFloat32(r *rand.Rand) string {
	for {
		f := float64(pick(r, math.Float32frombits(r.Uint32()), math.MaxFloat32, math.SmallestNonzeroFloat32, 0, float32(math.Copysign(0, -1)), 16777216, r.Float32(), 0.1))
		if !math.IsNaN(f) && !math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'e', -1, 64)
		}
	}
}

func randomDate(r *rand.Rand) string {
	return pick(r, fmt.Sprintf("%04d-%02d-%02d", r.IntN(10000), 1+r.IntN(12), 1+r.IntN(28)), "0000-00-00", "2026-00-00", "2026-02-31", "2026-05-00", "9999-12-31", "0001-01-01", "0000-00-05")
}

func randomClock(r *rand.Rand, fraction int) string {
	s := fmt.Sprintf("%02d:%02d:%02d", r.IntN(24), r.IntN(60), r.IntN(60))
	if fraction > 0 {
		s += "." + pick(r, digits(r, fraction), strings.Repeat("0", fraction), strings.Repeat("9", fraction))
	}
	return s
}

func randomTime(r *rand.Rand, fraction int) string {
	s := pick(r, fmt.Sprintf("%02d:%02d:%02d", r.IntN(838), r.IntN(60), r.IntN(60)), "838:59:58", "00:00:00", "00:00:01", "01:00:00")
	if fraction > 0 {
		s += "." + pick(r, digits(r, fraction), strings.Repeat("0", fraction), strings.Repeat("9", fraction))
	}
	return pick(r, s, "-"+s)
}

func randomBytes(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = pick(r, byte(r.Uint32()), 0, ' ')
	}
	return "x'" + hex.EncodeToString(b) + "'"
}

// randomText is a string of at most n characters that most character sets can hold in part.
func randomText(r *rand.Rand, n int) string {
	var b strings.Builder
	for range r.IntN(n + 1) {
		b.WriteRune(pick(r, rune(' '+r.IntN(95)), rune(0xa1+r.IntN(90)), rune(0x4e00+r.IntN(2000)), rune(0x410+r.IntN(60)), '\\', '\'', 0, '\n', ' ', 0x1f600, 0x3042, 0xac00))
	}
	return "_utf8mb4 x'" + hex.EncodeToString([]byte(b.String())) + "'"
}
